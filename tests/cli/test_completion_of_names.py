"""What Tab offers for names: models and versions that the watch saw last, incidents and requests of now, safe to be run as inserted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from backends.journal.entries import Draft
from backends.journal.journal import Journal
from backends.store.paths import WorkspacePaths
from console.cli.main import main
from console.cli.verbs import VERBS
from console.completing import OFFERED, offers
from console.config import init_workspace
from console.control import events

HOSTILE = ["my model", "a;touch PWNED", "x\ny", "$(touch PWNED)", "*", "o'brien", "\x1b[31mred", "b:c=d", "naïve", "-dash"]


def published(root: Path, rows: list[dict[str, object]], moves: Sequence[tuple[str, str]] = ()) -> str:
    paths = init_workspace(root, name="w").paths
    paths.store.mkdir(exist_ok=True)
    paths.summary.write_text(json.dumps({"environment": "production", "rows": rows}))
    moved = [{"environment": "production", "model": model, "alias": "production", "version": version} for model, version in moves]
    paths.registry.write_text(json.dumps({"moves": moved}))
    return f"qd -w {root}"


@pytest.fixture
def qd(tmp_path: Path) -> str:
    waiting = [{"id": "INC-2", "model": "delay"}, {"id": "APR-7", "model": "delay"}]
    rows: list[dict[str, object]] = [{"model": "delay", "version": "2", "incidents": ["INC-2"], "waiting": waiting}, {"model": "dwell"}]
    return published(tmp_path / "w", rows, [("delay", "1"), ("delay", "2"), ("gone", "1")])


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("model d", ["delay", "dwell"]),
        ("kill delay d", ["delay", "dwell"]),
        ("drift --json ", ["delay", "dwell", "gone"]),
        ("versions delay@", ["delay@2", "delay@1"]),
        ("promote delay ", ["2", "1"]),
        ("promote A", ["APR-7"]),
        ("rollback delay --to ", ["2", "1"]),
        ("approve ", ["APR-7"]),
        ("incident I", ["INC-2"]),
        ("playbook run quality-collapse --incident ", ["INC-2"]),
        ("drift delay -f ", []),
        ("fleet ", []),
        ("--env staging model ", []),
    ],
)
def test_each_verb_is_offered_what_it_is_about(qd: str, typed: str, offered: list[str]) -> None:
    assert offers(f"{qd} {typed}") == offered


def test_the_name_that_confirms_is_typed_and_never_offered(qd: str) -> None:
    assert offers(f"{qd} kill delay --confirm ") == []


def test_no_verb_about_a_model_is_forgotten() -> None:
    for name, verb in VERBS.items():
        parser = ArgumentParser(add_help=False)
        import_module(f"console.cli.verbs.{verb.module}").arguments(parser)
        if any(action.dest in {"model", "incident"} and not action.option_strings for action in parser._actions):
            assert name in OFFERED, name


@pytest.mark.parametrize("content", ["", "[", "[]", '{"environment": "production", "rows": [1, {"model": 3}], "moves": 5}'])
def test_broken_files_offer_nothing_and_say_nothing(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = published(tmp_path / "w", [])
    for name in ("store/summary.json", "registry.json"):
        (tmp_path / "w" / name).write_text(content)
    assert main(["completion", "names", "--line", f"{line} model "]) == 0
    assert capsys.readouterr() == ("", "")


def test_nothing_but_small_files_is_read(qd: str) -> None:
    code = "import sys; from console.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "completion", "names", "--line", f"{qd} model d"], capture_output=True, text=True)  # noqa: PLW1510
    first, second, modules = done.stdout.splitlines()
    assert (first, second) == ("delay", "dwell")
    assert not {"duckdb", "pydantic", "sqlite3", "textual", "numpy"} & set(modules.split())


def entry(kind: str, subject: str, body: dict[str, object]) -> Draft:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return Draft(kind=kind, subject=subject, body=body, key=f"{kind}/{subject}", at=moment, real_at=moment, actor={"who": "ines"})


def test_requests_and_incidents_are_those_that_stand_in_the_journal_now_whatever_the_watch_saw_last(tmp_path: Path, qd: str) -> None:
    here, elsewhere = "production", "staging"
    paths = WorkspacePaths(tmp_path / "w")
    with closing(Journal(paths.control, paths.root / "head")) as journal:
        for number, place in ((7, here), (8, here), (9, here), (10, elsewhere), (11, here)):
            journal.append([entry(events.ASKED, f"APR-{number}", {"payload": {"environment": place}})])
        for number, place in ((2, here), (3, here), (4, elsewhere)):
            journal.append([entry(events.INCIDENT_OPENED, f"INC-{number}", {"incident": {"environment": place}})])
        for kind, subject in ((events.EXECUTED, "APR-7"), (events.VETOED, "APR-9"), (events.VOIDED, "APR-11"), (events.CLOSED, "INC-2")):
            journal.append([entry(kind, subject, {})])
    assert offers(f"{qd} approve ") == ["APR-8"]
    assert offers(f"{qd} incident I") == ["INC-3"]
    assert offers(f"{qd} --env staging note ") == ["INC-4", "APR-10"]
    code = "import sys; from console.completing import offers; print(offers(sys.argv[1])); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, f"{qd} approve "], capture_output=True, text=True, check=True)
    assert not {"duckdb", "pydantic", "textual", "numpy"} & set(done.stdout.splitlines()[1].split())


def test_a_journal_that_cannot_be_read_leaves_what_the_watch_saw_last(tmp_path: Path, qd: str) -> None:
    (tmp_path / "w" / "control.sqlite").write_bytes(b"no database")
    assert offers(f"{qd} approve ") == ["APR-7"]


def test_fish_is_given_names_as_they_are_and_none_that_it_could_not_take_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = published(tmp_path / "w", [{"model": name} for name in HOSTILE])
    assert main(["completion", "names", "--raw", "--line", f"{line} model "]) == 0
    assert capsys.readouterr().out.splitlines() == [name for name in HOSTILE if name.isprintable() and name != "-dash"]
    main(["completion", "fish"])
    asked = "(command qd completion names --raw --line=(commandline -cp | string collect) 2>/dev/null)"
    assert f"complete -c qd -n 'not __fish_use_subcommand' -a '{asked}'" in capsys.readouterr().out.splitlines()


def _script(tmp_path: Path, shell: str, capsys: pytest.CaptureFixture[str]) -> Path:
    main(["completion", shell])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    program = tmp_path / "qd"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m console.cli.main "$@"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str, str, str], list[str]]:
    """What a shell's own words are once what Tab offered has been run through it again."""

    def ask(shell: str, prefix: str, line: str) -> list[str]:
        program = _script(tmp_path, shell, capsys)
        ask = (
            f"{prefix} source {tmp_path}/script; COMP_WORDS=({program} {line} ''); COMP_CWORD={len(line.split()) + 1};"
            f' COMP_LINE="{program} {line} "; COMP_POINT=${{#COMP_LINE}}; _quarterdeck;'
            ' for each in "${COMPREPLY[@]}"; do eval "one=($each)"; printf "%s\\0" "${#one[@]}" "${one[@]}"; done'
        )
        done = subprocess.run([shell, "-c", ask], capture_output=True, text=True, check=True, cwd=tmp_path)
        return done.stdout.split("\0")[:-1]

    return ask


@pytest.mark.parametrize(
    ("shell", "prefix"),
    [("bash", ""), ("zsh", "autoload -Uz compinit; compinit -u -D; setopt ksh_arrays;")],
)
def test_a_hostile_name_is_inserted_as_one_word_that_is_itself(
    tmp_path: Path, shell: str, prefix: str, asked: Callable[[str, str, str], list[str]]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    published(tmp_path / "w", [{"model": name} for name in HOSTILE])
    words = asked(shell, prefix, f"-w {tmp_path / 'w'} model")
    assert words == [each for name in HOSTILE if name != "-dash" for each in ("1", name)], "and none that would be read as an option"
    assert not (tmp_path / "PWNED").exists()


def test_bash_parts_words_at_an_at_sign_and_is_given_the_part_behind_it(qd: str) -> None:
    assert offers(f"{qd} versions delay@", "\"'@><=;|&(:") == ["2", "1"]
    assert offers(f"{qd} versions 'del", "@") == [], "what is in quotes already is left to the shell"
