"""The command line itself: every verb has its module, help, completion and exit codes, and no failure shows a traceback."""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import backends
import console
import playbooks
import widgets
from console.cli.exits import Exit
from console.cli.failures import exit_code_of, said
from console.cli.main import main
from console.cli.verbs import VERBS
from console.closest import closest

CAPS = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_has_its_module_and_its_help(name: str, capsys: CAPS) -> None:
    module = import_module(f"console.cli.verbs.{VERBS[name].module}")
    assert callable(module.arguments)
    assert callable(module.run)
    assert main([name, "--help"]) == Exit.OK
    told = capsys.readouterr().out
    assert told.startswith(f"usage: quarterdeck {name}")
    assert "--json" in told
    assert VERBS[name].summary.split("(")[0].strip().lower()[:20] in " ".join(told.lower().split())


def test_every_module_of_a_verb_is_listed() -> None:
    folder = Path(next(iter(console.__path__))) / "cli" / "verbs"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} <= {verb.module for verb in VERBS.values()}


def test_the_overview_lists_every_verb_within_80_columns(capsys: CAPS) -> None:
    assert main(["--help"]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines if line.startswith("  ") and line.split()} >= set(VERBS)
    assert [line for line in lines if line.startswith("  ") and len(line) > 100] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid_and_know_every_verb(shell: str, capsys: CAPS, tmp_path: Path) -> None:
    assert main(["completion", shell]) == Exit.OK
    script = capsys.readouterr().out
    for verb in VERBS:
        assert verb in script
    path = tmp_path / f"completion.{shell}"
    path.write_text(script)
    if shutil.which(shell) is not None:
        assert subprocess.run([shell, "-n", str(path)], capture_output=True, check=False).stderr == b""
    assert shell == "fish" or subprocess.run(["bash", "-n", str(path)], capture_output=True, check=False).returncode == 0


def completed(tmp_path: Path, capsys: CAPS, *words: str) -> set[str]:
    main(["completion", "bash"])
    path = tmp_path / "c.bash"
    path.write_text(capsys.readouterr().out)
    line = " ".join(f"'{word}'" for word in ("quarterdeck", *words))
    ask = f"source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _quarterdeck; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_zsh_completes_verbs_and_choices(tmp_path: Path, capsys: CAPS) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh here")
    main(["completion", "zsh"])
    (tmp_path / "c.zsh").write_text(capsys.readouterr().out)
    for words, found in ((("in",), "incident incidents ingest init"), (("backup", "re"), "restore")):
        line = " ".join(("quarterdeck", *words))
        ask = (
            f"autoload -Uz compinit; compinit -u -D; source {tmp_path}/c.zsh; setopt ksh_arrays; "
            f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; _quarterdeck; print -l -- ${{(o)COMPREPLY[@]}}"
        )
        done = subprocess.run(["zsh", "-f", "-c", ask], capture_output=True, text=True, check=False)
        # What does not begin as the word does is left out by zsh itself.
        assert done.stderr == ""
        assert [each for each in done.stdout.split() if each.startswith(words[-1])] == found.split()


def test_bash_completes_verbs_options_and_choices(tmp_path: Path, capsys: CAPS) -> None:
    assert completed(tmp_path, capsys, "in") == {"ingest", "init", "incident", "incidents"}
    assert {"--model", "--tz", "predictions", "--json"} <= completed(tmp_path, capsys, "ingest", "")
    assert completed(tmp_path, capsys, "backup", "re") == {"restore"}
    assert completed(tmp_path, capsys, "--json", "doc") == {"doctor"}


def test_an_unknown_verb_suggests_the_nearest(capsys: CAPS) -> None:
    assert main(["flet"]) == Exit.USAGE
    assert "did you mean fleet" in capsys.readouterr().err
    assert main(["\x1b[31mzzzz"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "quarterdeck --help" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(("typed", "meant"), [("FLEET", "fleet"), ("Drfit", "drift"), ("Stra\u00dfe", "STRASSE")])
def test_capital_letters_are_no_difference_where_a_name_is_guessed(typed: str, meant: str) -> None:
    assert closest(typed, ["fleet", "drift", "STRASSE"], n=1) == [meant]


@pytest.mark.parametrize(
    "words",
    [
        ["fleet", "--as-of", "2013-04-22T14:00"], ["fleet", "--as-of", "yesterday"], ["--as-of", "2013-04-22", "fleet"],
        ["kill", "m", "--dry-run", "--as-of", "0001-01-01T00:00Z"], ["kill", "m", "--dry-run", "--until", "9999-12-31T23:59-14:00"],
        ["fleet", "--nothing"],
        ["model"], ["kill", "m", "--state", "off"], ["ingest"], ["ingest", "rows", "x"], ["audit"], ["config", "mend"],
    ],
)  # fmt: skip
def test_a_command_line_that_is_wrong_exits_with_2_and_one_line(words: list[str], tmp_path: Path, capsys: CAPS) -> None:
    assert main(["init", str(tmp_path / "w")]) == Exit.OK
    capsys.readouterr()
    assert main(["-w", str(tmp_path / "w"), *words]) == Exit.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(VERBS))
def test_the_beginning_of_an_option_is_no_option_and_the_nearest_is_named(name: str, tmp_path: Path, capsys: CAPS) -> None:
    for words in ([name, "--as", "ilse"], [name, "--js"], [name, "--as=ilse"]):
        if name == "can-i" and "--js" not in words:
            continue
        assert main(["-w", str(tmp_path), *words]) == Exit.USAGE
        assert f"there is no option {'--js' if '--js' in words else '--as'}; did you mean --" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2100-01-01T00:00Z", "has not been yet: it is 20"),
        ("0001-01-01T00:00Z", "outside of the years 1900 to 2199"), ("0001-01-01T00:00+14:00", "outside of the years 1900 to 2199"),
        ("9999-12-31T23:59:59-14:00", "outside of the years 1900 to 2199"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("words", ["fleet", "incidents", "drift m"])
def test_what_is_no_moment_of_the_past_cannot_be_stood_at(moment: str, said: str, words: str, tmp_path: Path, capsys: CAPS) -> None:
    main(["init", str(tmp_path / "w")])
    capsys.readouterr()
    assert main(["-w", str(tmp_path / "w"), "--as-of", moment, *words.split()]) == Exit.USAGE
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


@pytest.mark.parametrize(("verb", "said"), [("audit", "log|verify|export"), ("playbook", "list|show|"), ("ingest", "predictions|labels|")])
def test_a_word_that_is_missing_is_named_by_what_can_be_written(verb: str, said: str, capsys: CAPS) -> None:
    assert main([verb]) == Exit.USAGE
    assert f"are required: {said}" in capsys.readouterr().err


def test_as_of_without_a_zone_says_how_to_write_it(tmp_path: Path, capsys: CAPS) -> None:
    main(["init", str(tmp_path / "w")])
    assert main(["-w", str(tmp_path / "w"), "fleet", "--as-of", "2013-04-22T14:00"]) == Exit.USAGE
    assert "2013-04-22T14:00-04:00" in capsys.readouterr().err


def test_a_workspace_is_chosen_by_path_by_name_and_by_the_environment(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: CAPS
) -> None:
    def path_of(*words: str) -> str:
        assert main([*words, "config", "path"]) == Exit.OK
        return capsys.readouterr().out.strip()

    data = own_home / ".local" / "share" / "quarterdeck"
    assert path_of() == str(data)
    assert path_of("-w", "night") == str(data / "workspaces" / "night")
    assert path_of("-w", str(tmp_path / "x")) == str(tmp_path / "x")
    monkeypatch.setenv("QUARTERDECK_WORKSPACE", "day")
    assert path_of() == str(data / "workspaces" / "day")
    assert path_of("--workspace", "night") == str(data / "workspaces" / "night"), "the option wins over the environment"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert path_of("-w", "here") == str(tmp_path / "here"), "a folder of that name wins over a name"


def test_a_workspace_made_by_name_is_listed_and_used(tmp_path: Path, capsys: CAPS) -> None:
    assert main(["-w", "night", "init", "--zone", "Europe/Berlin"]) == Exit.OK
    capsys.readouterr()
    assert main(["workspaces"]) == Exit.OK
    assert "night" in capsys.readouterr().out
    assert main(["-w", "night", "fleet"]) == Exit.OK
    assert "CET" in (told := capsys.readouterr().out) or "CEST" in told


def test_a_missing_workspace_is_not_found_and_says_how_to_make_one(tmp_path: Path, capsys: CAPS) -> None:
    assert main(["-w", str(tmp_path / "none"), "fleet"]) == Exit.NOT_FOUND
    assert "quarterdeck init --personal" in capsys.readouterr().err


def test_init_twice_changes_nothing(tmp_path: Path, capsys: CAPS) -> None:
    root = tmp_path / "w"
    assert main(["init", str(root), "--name", "first"]) == Exit.OK
    before = (root / "workspace.toml").read_bytes()
    assert main(["init", str(root), "--name", "second"]) == Exit.USAGE
    assert "is a workspace already" in capsys.readouterr().err
    assert (root / "workspace.toml").read_bytes() == before
    assert root.stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize(
    ("words", "said_so"),
    [
        (["--group", "no-such-group-here"], "no group 'no-such-group-here'"), (["--zone", "Mars/Base"], "not an IANA time zone"),
        (["--personal", "--group", "root"], "not allowed with"),
    ],
)  # fmt: skip
def test_init_that_cannot_be_leaves_no_workspace(tmp_path: Path, words: list[str], said_so: str, capsys: CAPS) -> None:
    assert main(["init", str(tmp_path / "w"), *words]) == Exit.USAGE
    assert said_so in capsys.readouterr().err
    assert not (tmp_path / "w" / "workspace.toml").exists()


def test_init_in_a_folder_of_other_things_is_refused(tmp_path: Path, capsys: CAPS) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    assert main(["init", str(tmp_path)]) == Exit.USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_config_path_is_data_like_any_other(tmp_path: Path, capsys: CAPS) -> None:
    root = tmp_path / "w"
    main(["init", str(root)])
    capsys.readouterr()
    assert main(["-w", str(root), "config", "path", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {"schema": "quarterdeck/config-path/1", "path": str(root), "exists": True}
    assert main(["-w", str(root), "config", "path"]) == Exit.OK
    assert capsys.readouterr().out == f"{root}\n"


def test_config_validate_names_file_and_line_and_exits_with_1(tmp_path: Path, capsys: CAPS) -> None:
    root = tmp_path / "w"
    main(["init", str(root)])
    assert main(["-w", str(root), "config", "validate"]) == Exit.OK
    (root / "policies" / "mine.yaml").write_text("format: 1\nrules:\n  - id: 3\n")
    capsys.readouterr()
    assert main(["-w", str(root), "config", "validate"]) == Exit.NO
    assert f"{root}/policies/mine.yaml:3:" in capsys.readouterr().out
    (root / "workspace.toml").write_text("format = 1\nname = 'w'\npersonal = true\ncolour = 'red'\n")
    assert main(["-w", str(root), "config", "validate"]) == Exit.USAGE
    assert "colour" in capsys.readouterr().err


@pytest.mark.parametrize(("line", "told"), [("", "personal: Field required"), ('personal = true\ngroup = "staff"\n', "is not personal")])
def test_a_lost_line_makes_nobody_admin(line: str, told: str, tmp_path: Path, capsys: CAPS) -> None:
    root = tmp_path / "w"
    main(["init", str(root)])
    settings = root / "workspace.toml"
    settings.write_text(settings.read_text().replace("personal = true\n", line))
    capsys.readouterr()
    assert main(["-w", str(root), "can-i", "kill"]) == Exit.USAGE
    assert f"{settings}: " in (said := capsys.readouterr().err) and told in said


def test_no_option_of_any_verb_is_taken_for_another_that_begins_alike(capsys: CAPS) -> None:
    tried = 0
    for name in VERBS:
        assert main([name, "--help"]) == Exit.OK
        options = sorted(set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)))
        for option in options:
            shorter = option[:-1]
            if shorter in options:
                continue
            assert main([name, *["x"] * 3, shorter, "x"]) == Exit.USAGE, (name, shorter)
            assert "ambiguous" not in capsys.readouterr().err
            tried += 1
    assert tried > 5 * len(VERBS)


def test_config_schema_is_one_that_the_made_workspace_fits(tmp_path: Path, capsys: CAPS) -> None:
    import json
    import tomllib

    import jsonschema

    main(["init", str(tmp_path / "w")])
    capsys.readouterr()
    assert main(["config", "schema"]) == Exit.OK
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate(tomllib.loads((tmp_path / "w" / "workspace.toml").read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"format": 1, "name": "w", "colour": "red"}, schema)


# failures


def raised_types() -> Iterator[type[BaseException]]:
    """Every exception that the code base defines."""
    for package in (backends, console, playbooks, widgets):
        root = Path(next(iter(package.__path__)))
        for path in sorted(root.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.bases:
                    module = ".".join([package.__name__, *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")
                    found = getattr(import_module(module), node.name, None)
                    if isinstance(found, type) and issubclass(found, BaseException):
                        yield found


INSIDE = {"Problem", "_Broken", "UsageProblem", "BadRequest", "NotLearnt"}
"""Each is caught where it is raised: by the parser, by `run_verb` with a code of its own, by the unpacking of a backup, by the endpoint
that answers with it, by the step of the watch that keeps why nothing was learnt."""


@pytest.mark.parametrize("kind", sorted(set(raised_types()), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_failure_of_the_code_base_has_its_exit_code(kind: type[BaseException]) -> None:
    if kind.__name__ not in INSIDE:
        assert exit_code_of(kind.__new__(kind)) in {Exit.USAGE, Exit.REFUSED, Exit.UNAVAILABLE, Exit.NOT_FOUND}


class Raising:
    """Stands in for the module of a verb."""

    def __init__(self, problem: BaseException) -> None:
        self.problem = problem

    def arguments(self, _parser: argparse.ArgumentParser) -> None:
        pass

    def run(self, _context: object, _options: object) -> Exit:
        raise self.problem


def ran(monkeypatch: pytest.MonkeyPatch, problem: BaseException, *words: str) -> int:
    monkeypatch.setitem(sys.modules, "console.cli.verbs.fleet", Raising(problem))
    return main([*words, "fleet"])


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "/somewhere"), 4, "/somewhere: Permission denied; see: quarterdeck doctor"),
        (OSError(28, "No space left on device"), 4, "No space left on device"),
        (MemoryError(), 4, "no memory"),
    ],
)
def test_what_the_system_says_becomes_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: CAPS, problem: BaseException, code: int, words: str
) -> None:
    assert ran(monkeypatch, problem) == code
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) == 1


def test_a_fault_of_the_program_leaves_a_report_without_values_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: CAPS, tmp_path: Path
) -> None:
    main(["init", str(tmp_path / "w")])
    capsys.readouterr()
    assert ran(monkeypatch, KeyError("token=hunter2 \x1b[31m"), "-w", str(tmp_path / "w")) == Exit.FAULT
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "\x1b" not in told
    [report] = (tmp_path / "w" / "crash").iterdir()
    assert str(report) in told
    assert report.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in report.read_text()
    assert "KeyError" in report.read_text()


def test_a_fault_without_a_workspace_leaves_its_report_elsewhere(monkeypatch: pytest.MonkeyPatch, capsys: CAPS, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert ran(monkeypatch, IndexError("x"), "-w", str(tmp_path / "none")) == Exit.FAULT
    assert "report: " in capsys.readouterr().err
    assert len(list(tmp_path.rglob("crash-*.txt"))) == 1


def test_an_interruption_and_a_reader_that_left_are_no_faults(monkeypatch: pytest.MonkeyPatch, capsys: CAPS) -> None:
    assert ran(monkeypatch, KeyboardInterrupt()) == Exit.INTERRUPTED


def test_half_a_pipe_ends_quietly(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "w")])
    command = f"{sys.executable} -m console.cli.main explain --json | head -c 10"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_said_keeps_a_long_message_short() -> None:
    assert said(ValueError("\n".join("abcdefgh"))).count("\n") == 2
