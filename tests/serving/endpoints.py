"""Starting what serves, and setting the switches that it serves; everything is waited for, nothing is slept through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from backends.local.acting import LocalAliasSetter
from backends.store.paths import WorkspacePaths
from console.cli.main import main
from console.clock import SystemClock
from console.control.ledger import read_state

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-tests-0123456789"
PROGRAM = (sys.executable, "-m", "console.cli.main")
LONGEST = 60.0
"""Seconds after which something that is waited for is said never to come: far more than it takes on a busy machine."""


def until(holds: Callable[[], Any], said: str) -> Any:
    """Wait until `holds` gives something; fails with `said`."""
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"never: {said}")


@dataclass(frozen=True)
class Switched:
    """A workspace and the switches in it."""

    root: Path

    @property
    def paths(self) -> WorkspacePaths:
        return WorkspacePaths(self.root)

    def serves(self, model: str, version: str, environment: str = "production") -> None:
        LocalAliasSetter(self.paths.registry).set_alias(
            environment, model, "production", version, expected=None, key=f"{environment}-{model}", actor="ines", now=SystemClock().now()
        )

    def set(self, model: str, state: str, *more: str, environment: str = "production") -> None:
        """As a person does it from the command line."""
        acting = ["--confirm", model, "--reason", "a test"]
        if state != "normal":
            self._run(environment, "kill", model, "--state", state, *acting, *more)
            return
        # The way back needs an approval; whoever is alone in a workspace gives it to themselves.
        self._run(environment, "restore", model, *acting, "--elevate")
        for waiting in read_state(self.paths).open_approvals(SystemClock().now(), environment, model):
            self._run(environment, "approve", waiting.id, "--confirm", model)
        self._run(environment, "restore", model, *acting, "--elevate")

    def _run(self, environment: str, *words: str) -> None:
        assert main(["--workspace", str(self.root), "--env", environment, *words]) == 0, words


class Process:
    """A process that serves and says where."""

    def __init__(self, *command: str, said: Path, environ: dict[str, str] | None = None) -> None:
        self._said = said
        with said.open("wb") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **(environ or {})}, text=True
            )

    def ended(self) -> int:
        """Asks it to end and waits; its exit code."""
        self.process.terminate()
        return self.process.wait(LONGEST)

    @property
    def said(self) -> str:
        return self._said.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LONGEST)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Endpoint(Process):
    """`quarterdeck serve` on a port that was free."""

    def __init__(self, root: Path, *words: str, environ: dict[str, str] | None = None) -> None:
        self.root = root
        command = [*PROGRAM, "--workspace", str(root), *words, "serve", "--port", "0", "--json"]
        super().__init__(*command, said=root.parent / "serve.err", environ=environ)
        assert self.process.stdout is not None
        text = ""
        while line := self.process.stdout.readline():
            text += line
            if line == "}\n":
                break
        assert text, self.said
        self.view: dict[str, Any] = json.loads(text)
        self.url: str = self.view["url"]

    def ask(self, path: str = "/ofrep/v1/evaluate/flags", body: Any = None, **headers: str) -> httpx.Response:
        """POST with the token; `body` is JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps({"context": {"targetingKey": "t"}} if body is None else body).encode()
        given = {"Authorization": f"Bearer {TOKEN}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx.post(self.url + path, content=content, headers=given, timeout=LONGEST, trust_env=False)

    def flag(self, model: str, environment: str = "production") -> dict[str, Any]:
        return self.ask(f"/ofrep/v1/evaluate/flags/quarterdeck.{environment}.{model}.state").json()
