"""Arguments: the global options, before or after the verb, and those of one verb."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from console.cli.verbs import VERBS

PROGRAM = "quarterdeck"
_WITH_VALUE = {"--workspace", "-w", "--env", "--as-of"}


class UsageProblem(Exception):
    """The command line cannot be understood: one line, with the nearest right form."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        # A beginning is no option: `kill --as ilse` would otherwise look at the past.
        super().__init__(**settings, allow_abbrev=False)

    def add_argument(self, *names: Any, **settings: Any) -> Any:
        choices = settings.get("choices")
        if choices and "metavar" not in settings and not names[0].startswith("-"):
            # Where it is missing, the message is to say what can be written and not how the program calls it.
            settings["metavar"] = "|".join(choices)
        return super().add_argument(*names, **settings)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # Said before what else is missing: a mistyped option is the likeliest reason for that.
        for word in args if self._subparsers is None else ():
            if word == "--":
                break
            if word.startswith("--"):
                self._require_option(word.partition("=")[0])
        found, unknown = super().parse_known_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                self._require_option(word.partition("=")[0])
        return found, unknown

    def _require_option(self, word: str) -> None:
        if word in self._option_string_actions:
            return
        from console.closest import closest

        near = closest(word, [option for option in self._option_string_actions if option.startswith("--")], n=1, cutoff=0.6)
        self.error(f"there is no option {word}" + (f"; did you mean {near[0]}?" if near else ""))

    def error(self, message: str) -> NoReturn:
        from backends.text import displayable

        raise UsageProblem(f"{displayable(message)}; see {self.prog} --help")


def verb_of(words: Sequence[str]) -> str | None:
    """The first word that is neither a global option nor its value."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in _WITH_VALUE:
            skip = True
        elif not word.startswith("-"):
            return word
    return None


def _add_global_options(parser: argparse.ArgumentParser, *, inherited: bool) -> None:
    def default(value: object) -> object:
        return argparse.SUPPRESS if inherited else value

    group = parser.add_argument_group("everywhere")
    group.add_argument("-w", "--workspace", metavar="NAME|PATH", default=default(None), help="the workspace to use")
    group.add_argument("--env", metavar="NAME", default=default(None), help="the environment, production if there is one")
    group.add_argument("--as-of", metavar="TIME", default=default(None), help="look at the past: 2013-04-22T14:00-04:00; nothing acts")
    group.add_argument("--read-only", action="store_true", default=default(False), help="nothing acts, whatever the policy says")
    group.add_argument("--json", action="store_true", default=default(False), help="print data as JSON with its schema named")


def parse(words: Sequence[str], verb: str | None) -> argparse.Namespace:
    """Parse one command line. Raises UsageProblem; `--help` prints and leaves through SystemExit."""
    if verb is None:
        parser = _Parser(prog=PROGRAM, add_help=False)
        _add_global_options(parser, inherited=False)
        return parser.parse_args(words)
    parser = _Parser(prog=PROGRAM, add_help=False)
    _add_global_options(parser, inherited=False)
    subparsers = parser.add_subparsers(dest="verb", parser_class=_Parser)
    entry = VERBS[verb]
    verb_parser = subparsers.add_parser(verb, prog=f"{PROGRAM} {verb}", description=entry.summary.capitalize() + ".")
    _add_global_options(verb_parser, inherited=True)
    import_module(f"console.cli.verbs.{entry.module}").arguments(verb_parser)
    return parser.parse_args(words)


def overview() -> str:
    """The text of `quarterdeck --help`."""
    lines = [
        f"{PROGRAM}: a terminal console for machine-learning systems in production",
        "",
        f"  {PROGRAM}                     open the console",
        f"  {PROGRAM} VERB [--json] ...   the same without a screen; `{PROGRAM} VERB --help` says more",
    ]
    for group in dict.fromkeys(verb.group for verb in VERBS.values()):
        lines += ["", f"{group}"]
        lines += [f"  {verb.name:<15}{verb.summary}" for verb in VERBS.values() if verb.group == group]
    lines += [
        "",
        "Everywhere",
        "  -w, --workspace NAME|PATH   --env NAME   --as-of TIME   --read-only   --json   --version",
        "",
        "Exit codes: 0 ok, 1 a check or gate says no, 2 usage or bad input, 3 refused by policy, 4 backend unavailable,",
        "5 not found, 6 in doubt, 130 interrupted.",
    ]
    return "\n".join(lines)
