"""Secrets are kept, named and forgotten by a verb; a value comes from a terminal or a pipe and is never seen again."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import keyring
import keyring.backend
import pytest
from keyring.backends import fail
from published_schemas import assert_fits

from backends.secrets import find_secret
from console.cli.main import main
from console.serving import token_for

ROOT = Path(__file__).resolve().parents[2]
VALUE = "canary-7f3a9c51e2-0123456789"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that forgets at the end."""

    priority = 1
    name = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise RuntimeError(VALUE)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise RuntimeError(VALUE)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Verb:
    """`qd secret ...`, with something on its standard input."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        self._capsys, self._monkeypatch, self.file = capsys, monkeypatch, file

    def __call__(self, *words: str, given: str = "") -> int:
        self._monkeypatch.setattr(sys, "stdin", StringIO(given))
        code = int(main(["secret", *words]))
        self.out, self.err = self._capsys.readouterr()
        assert VALUE not in self.out + self.err
        return code

    @property
    def rows(self) -> list[tuple[str, str, bool, str | None]]:
        assert self("list", "--json") == 0
        found = json.loads(self.out)
        assert_fits(found, "secrets")
        return [(row["name"], row["place"], row["used"], row["problem"]) for row in found["rows"]]


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    before, found = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


@pytest.fixture
def secret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Verb:
    file = tmp_path / "config" / "secrets.json"
    monkeypatch.setenv("QUARTERDECK_SECRETS_FILE", str(file))
    return Verb(capsys, monkeypatch, file)


def test_the_keyring_keeps_it_and_the_endpoint_takes_it_from_there(memory: MemoryKeyring, secret: Verb) -> None:
    assert secret("set", "ofrep-token", given=VALUE + "\n") == 0
    assert secret.out == "" and "kept in the keyring" in secret.err
    assert memory.kept == {("quarterdeck", "ofrep-token"): VALUE}
    assert VALUE not in secret.file.read_text()
    assert secret.rows == [("ofrep-token", "keyring", True, None)]
    token = token_for("127.0.0.1", none=False)
    assert token is not None and (token.value.get_secret_value(), token.place) == (VALUE, "keyring")
    assert secret("remove", "ofrep-token") == 0
    assert (memory.kept, secret.rows) == ({}, [])


def test_without_a_keyring_it_says_what_to_do_and_with_file_it_is_kept_for_its_owner_alone(secret: Verb) -> None:
    keyring.set_keyring(fail.Keyring())
    assert secret("set", "ofrep-token", given=VALUE) == 4
    assert "no keyring: with --file it is kept in" in secret.err and not secret.file.exists()
    assert secret("set", "ofrep-token", "--file", given=VALUE) == 0
    assert "not in a keyring" in secret.err
    assert stat.S_IMODE(secret.file.stat().st_mode) == 0o600
    assert secret.rows == [("ofrep-token", "file", True, None)]
    assert find_secret("ofrep-token", os.environ).value.get_secret_value() == VALUE
    assert secret("remove", "ofrep-token") == 0
    assert VALUE not in secret.file.read_text() and secret.rows == []


def test_every_place_that_has_one_is_listed_and_the_first_is_the_one_in_use(
    memory: MemoryKeyring, secret: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret("set", "ofrep-token", "--file", given=VALUE + "-old")
    memory.kept["quarterdeck", "ofrep-token"] = VALUE
    monkeypatch.setenv("QUARTERDECK_SECRET_OFREP_TOKEN", VALUE)
    monkeypatch.setenv("QUARTERDECK_SECRET_PAGER", VALUE)
    assert secret.rows == [
        ("ofrep-token", "keyring", True, None),
        ("ofrep-token", "environment", False, None),
        ("ofrep-token", "file", False, None),
        ("pager", "environment", True, None),
    ]
    assert secret("set", "ofrep-token", "--file", given=VALUE) == 4
    assert "comes first: quarterdeck secret remove ofrep-token" in secret.err
    assert secret("remove", "ofrep-token") == 0
    assert "keyring and the file" in secret.err and "QUARTERDECK_SECRET_OFREP_TOKEN still gives it" in secret.err
    assert [place for _, place, _, _ in secret.rows] == ["environment", "environment"]
    assert secret("remove", "pager") == 1


def test_a_keyring_that_is_locked_is_said_and_forgets_nothing(memory: MemoryKeyring, secret: Verb) -> None:
    assert secret("set", "pager", given=VALUE) == 0
    memory.locked = True
    assert secret.rows == [("pager", "keyring", False, "the keyring did not give it: RuntimeError")]
    assert secret("set", "other", given=VALUE) == 4
    assert secret("remove", "pager") == 4
    assert "still there" in secret.err
    memory.locked = False
    assert secret.rows == [("pager", "keyring", True, None)]


def test_the_doctor_says_which_secrets_others_could_read_and_never_one(memory: MemoryKeyring, secret: Verb) -> None:
    def found() -> tuple[str, str]:
        main(["doctor", "--json"])
        out = secret._capsys.readouterr().out
        assert VALUE not in out
        [each] = [each for each in json.loads(out)["findings"] if each["id"] == "program.secrets"]
        return each["state"], each["what"]

    assert found() == ("ok", "no secret is kept")
    secret("set", "pager", given=VALUE)
    assert found() == ("ok", "1 secret in the keyring")
    secret("set", "ofrep-token", "--file", given=VALUE)
    assert found() == ("warning", "1 secret not in a keyring but in a variable or a file: ofrep-token")
    secret.file.chmod(0o644)
    state, what = found()
    assert state == "critical" and "open to others (0644)" in what


@pytest.mark.parametrize(
    ("words", "given", "code", "said"),
    [
        (("set", "Ofrep Token"), VALUE, 2, "no name of a secret"),
        (("set",), VALUE, 2, "secret set NAME"),
        (("set", "pager", VALUE), "other", 2, "never taken from the command line"),
        (("set", f"pager={VALUE}"), "", 2, "'pager' is no name of a secret"),
        (("set", "pager", f"--value={VALUE}"), "", 2, "no option --value"),
        (("set", "pager"), "", 2, "an empty secret"),
        (("set", "pager"), "\n", 2, "an empty secret"),
        (("set", "pager"), f"{VALUE}\nsecond line", 2, "one line"),
        (("set", "pager"), f" {VALUE}", 2, "no blank before"),
        (("set", "pager"), VALUE * 600, 2, "at most"),
        (("remove", "pager"), "", 5, "no secret pager"),
    ],
)
def test_what_is_refused_keeps_nothing_and_repeats_no_value(
    memory: MemoryKeyring, secret: Verb, words: tuple[str, ...], given: str, code: int, said: str
) -> None:
    assert secret(*words, given=given) == code
    assert said in secret.err and VALUE not in secret.out + secret.err
    assert memory.kept == {} and secret.rows == []


def test_a_locked_console_keeps_none(memory: MemoryKeyring, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--read-only", "secret", "set", "pager"]) == 3
    assert "--read-only" in capsys.readouterr().err and memory.kept == {}


def test_from_a_pipe_no_argument_and_no_output_has_the_value(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "QUARTERDECK_SECRETS_FILE": str(tmp_path / "secrets.json"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    command = [sys.executable, "-m", "console.cli.main", "secret", "set", "ofrep-token", "--file"]
    done = subprocess.run(command, input=VALUE.encode(), env=environ, capture_output=True, check=True, cwd=ROOT)
    assert VALUE.encode() not in done.stdout + done.stderr
    assert json.loads((tmp_path / "secrets.json").read_text())["secrets"] == {"ofrep-token": VALUE}
