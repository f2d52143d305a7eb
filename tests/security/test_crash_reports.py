"""What a fault says of itself, in its report and on the terminal, holds no secret and writes through no link."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.credentials import without_credentials
from console.cli.main import main
from console.control.ledger import Ledger
from console.crash import write_report

SECRET = "S3cretValue-xyz.0"


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach https://mara:{SECRET}@host/x?token={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"headers {{'Authorization': 'Bearer {SECRET}', 'X-API-Key': '{SECRET}'}}",
        f'{{"token": "{SECRET}", "password":"{SECRET} two words"}}',
        f"sent Bearer {SECRET} to the host",
        f"api_key = '{SECRET}'",
        f"PASSWORD={SECRET}",
    ],
)
def test_what_looks_like_a_credential_is_taken_out(text: str) -> None:
    said = without_credentials(text)
    assert SECRET not in said and "two words" not in said and "..." in said


def test_words_about_secrets_stay() -> None:
    text = "the token of the secret service is gone; a bearer is a person"
    assert without_credentials(text) == text


def test_a_verb_that_fails_tells_no_secret_in_its_line_or_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "w"
    assert main(["init", str(root)]) == 0

    def fails(*_words: object, **_named: object) -> None:
        raise RuntimeError(f"cannot reach https://mara:{SECRET}@host/x?token={SECRET}")

    monkeypatch.setattr(Ledger, "draft", fails)
    assert main(["-w", str(root), "note", "m", "hello"]) == 70
    [report] = (root / "crash").iterdir()
    assert report.stat().st_mode & 0o777 == 0o600
    for told in (capsys.readouterr().err, report.read_text()):
        assert "cannot reach https://" in told and SECRET not in told


def test_a_report_is_written_through_no_link(tmp_path: Path) -> None:
    now, victim = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), tmp_path / "victim"
    victim.write_text("of somebody else")
    (tmp_path / "crash").mkdir()
    (tmp_path / "crash" / "crash-20260102T030405.txt").symlink_to(victim)
    path = write_report(tmp_path / "crash", RuntimeError("x"), now)
    assert path is not None and not path.is_symlink() and "RuntimeError: x" in path.read_text()
    assert victim.read_text() == "of somebody else"
