"""Where a secret is found: the keyring, else the environment, else a file of its owner's alone; and what is refused."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyring.backends import fail

from backends import secret_keyring
from backends.secret_file import FORMAT, SecretFile, SecretFileError
from backends.secret_keyring import KeyringProblem, forget_in_keyring, keep_in_keyring, kept_by_keyring, keyring_in_use
from backends.secrets import SecretUnavailable, find_secret, names_in, redacted, secret, variable_of, without_secrets

CANARY = "canary-7f3a9c51e2"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that forgets at the end."""

    priority = 1
    name = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.raises: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.raises is not None:
            raise self.raises
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.raises is not None:
            raise self.raises
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def memory() -> MemoryKeyring:
    found = MemoryKeyring()
    keyring.set_keyring(found)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "secrets.json"


def test_the_keyring_comes_before_the_environment_and_the_environment_before_the_file(memory: MemoryKeyring, file: Path) -> None:
    SecretFile(file).put("ofrep-token", "from-file")
    environ = {variable_of("ofrep-token"): "from-environment"}
    keep_in_keyring("ofrep-token", "from-keyring")
    found = find_secret("ofrep-token", environ, file)
    assert (found.value.get_secret_value(), found.place, found.notice) == ("from-keyring", "keyring", None)
    forget_in_keyring("ofrep-token")
    found = find_secret("ofrep-token", environ, file)
    assert (found.value.get_secret_value(), found.place) == ("from-environment", "environment")
    assert "QUARTERDECK_SECRET_OFREP_TOKEN" in (found.notice or "") and "not from a keyring" in (found.notice or "")
    found = find_secret("ofrep-token", {}, file)
    assert (found.value.get_secret_value(), found.place) == ("from-file", "file")
    assert str(file) in (found.notice or "") and "not from a keyring" in (found.notice or "")


def test_a_missing_secret_says_everywhere_it_was_looked_for_and_what_to_do(file: Path) -> None:
    with pytest.raises(SecretUnavailable) as raised:
        secret("ofrep-token", {}, file)
    said = str(raised.value)
    for part in ("no keyring", "QUARTERDECK_SECRET_OFREP_TOKEN", str(file), "quarterdeck secret set ofrep-token"):
        assert part in said


def test_a_keyring_that_fails_is_passed_over_without_its_words(memory: MemoryKeyring, file: Path) -> None:
    memory.raises = RuntimeError(f"cannot decrypt {CANARY}")
    with pytest.raises(SecretUnavailable) as raised:
        secret("mlflow", {}, file)
    assert "RuntimeError" in str(raised.value) and CANARY not in str(raised.value)
    with pytest.raises(KeyringProblem) as kept:
        keep_in_keyring("mlflow", CANARY)
    assert CANARY not in str(kept.value) and kept.value.__cause__ is None
    assert secret("mlflow", {variable_of("mlflow"): "given"}, file).get_secret_value() == "given"


def test_a_keyring_that_never_answers_is_left_after_its_time(memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    held = threading.Event()
    monkeypatch.setattr(memory, "get_password", lambda *_: held.wait())
    monkeypatch.setattr(secret_keyring, "PATIENCE", 0.05)
    with pytest.raises(KeyringProblem, match="no answer within"):
        kept_by_keyring("mlflow")
    held.set()


def test_no_keyring_is_no_keyring_under_each_of_its_names(memory: MemoryKeyring) -> None:
    from keyring.backends import null

    assert keyring_in_use() == "memory"
    keyring.set_keyring(null.Keyring())
    assert keyring_in_use() is None


def test_the_file_is_of_its_owner_alone_and_holds_exactly_what_was_put(file: Path) -> None:
    kept = SecretFile(file)
    kept.put("pem", "line one\nline two\n\u00e4")
    kept.put("other", None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert kept.read() == {"pem": "line one\nline two\n\u00e4", "other": None}
    assert kept.value("other") is None
    kept.remove("pem")
    assert kept.read() == {"other": None}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_could_read_is_refused_whatever_is_in_it(file: Path, mode: int) -> None:
    SecretFile(file).put("mlflow", CANARY)
    file.chmod(mode)
    with pytest.raises(SecretUnavailable) as raised:
        secret("mlflow", {}, file)
    assert f"{mode:04o}" in str(raised.value) and "chmod 600" in str(raised.value) and CANARY not in str(raised.value)


def test_a_link_a_pipe_and_a_folder_are_no_file_of_secrets(tmp_path: Path, file: Path) -> None:
    SecretFile(file).put("mlflow", CANARY)
    link, pipe, folder = tmp_path / "link", tmp_path / "pipe", tmp_path / "folder"
    link.symlink_to(file)
    os.mkfifo(pipe, 0o600)
    folder.mkdir(mode=0o700)
    for path in (link, pipe, folder):
        with pytest.raises(SecretFileError):
            SecretFile(path).read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(file: Path) -> None:
    SecretFile(file).put("mlflow", CANARY)
    os.chown(file, 61235, 61235)
    with pytest.raises(SecretFileError, match="somebody else"):
        SecretFile(file).read()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"secrets": {}}', b"\xff\xfe", b"[" * 100_000, json.dumps({"format": FORMAT, "secrets": {"a": 1}}).encode()],
    ids=["empty", "cut", "list", "no format", "no text", "deep", "number"],
)
def test_a_broken_file_is_refused_without_its_content(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content + b" " * 3 + CANARY.encode())
    file.chmod(0o600)
    with pytest.raises(SecretFileError) as raised:
        SecretFile(file).read()
    assert str(file) in str(raised.value) and CANARY not in str(raised.value)


@pytest.mark.parametrize("name", ["", "A", "a_b", "1a", "-a", "a" * 65, "a b", "a\n", "ä", "a/../b"])
def test_what_is_no_name_is_refused_before_anything_is_looked_at(name: str, memory: MemoryKeyring) -> None:
    with pytest.raises(ValueError, match="no name of a secret"):
        secret(name, {})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.from_regex(r"\A[a-z][a-z0-9-]{0,20}\Z"), unique=True))
def test_every_name_has_a_variable_of_its_own(names: list[str]) -> None:
    environ = {variable_of(name): "x" for name in names}
    assert names_in(environ) == sorted(names)
    assert without_secrets({**environ, "PATH": "/bin"}) == {"PATH": "/bin"}


def test_what_was_found_is_taken_out_of_text(memory: MemoryKeyring) -> None:
    keep_in_keyring("mlflow", CANARY)
    assert redacted(f"401 for Bearer {CANARY}") == f"401 for Bearer {CANARY}"
    found = find_secret("mlflow", {})
    assert redacted(f"401 for Bearer {CANARY}") == "401 for Bearer ***"
    assert CANARY not in repr(found) and CANARY not in str(found.value)


def test_the_keyring_is_not_loaded_before_a_secret_is_looked_for() -> None:
    code = "import sys, backends.secrets; print('keyring' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
