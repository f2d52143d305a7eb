"""People with real SSH keys, and a real agent that holds some of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.control.signatures import NAMESPACE


class Keys:
    """Key pairs by name, made when first asked for, without a passphrase."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def private(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    def public(self, name: str) -> str:
        """`ssh-ed25519 AAAA...`, without the comment."""
        return " ".join(self.private(name).with_name(f"{name}.pub").read_text().split()[:2])

    def fingerprint(self, name: str) -> str:
        told = subprocess.run(["ssh-keygen", "-l", "-f", str(self.private(name))], check=True, capture_output=True, text=True)
        return told.stdout.split()[1]

    def sign(self, name: str, message: bytes, namespace: str = NAMESPACE) -> str:
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.private(name))]
        return subprocess.run(command, input=message, check=True, capture_output=True).stdout.decode()


class Agent:
    """A running ssh-agent, ended by its process id."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def add(self, private: Path) -> None:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.place)}
        subprocess.run(["ssh-add", "-q", str(private)], check=True, env=environment, capture_output=True)


@contextmanager
def running_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent of this test's own, the one that `SSH_AUTH_SOCK` names meanwhile."""
    # The path of a socket may have no more than about a hundred bytes, which a test's own folder often has already.
    folder = Path(tempfile.mkdtemp(prefix="qd-agent-"))
    place = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        yield Agent(place)
    finally:
        process.terminate()
        process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def silent_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that takes every call and answers none, as over a connection that was cut."""
    folder = Path(tempfile.mkdtemp(prefix="qd-agent-"))
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / "agent"))
            listening.listen()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(folder / "agent"))
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
