"""What Tab offers for names: the models, versions, incidents and requests that the watch saw last, safe to be run as they are inserted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import pytest

from console.cli.main import main
from console.cli.verbs import VERBS
from console.completing import OFFERED, offers
from console.config import init_workspace

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
