"""`quarterdeck secret set|list|remove`: what other programs are shown, by name. A value is read from the terminal or a pipe, never from
the command line, and is never printed."""

from __future__ import annotations

import argparse
import os
import sys

from backends.text import displayable
from console.cli.context import Context, Problem
from console.cli.exits import Exit

LARGEST = 1 << 16
"""Characters that are read of a pipe."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("set", "list", "remove"), help="keep one, name them, or forget one")
    parser.add_argument("name", nargs="?", help="small letters, digits and hyphens: ofrep-token")
    parser.add_argument("unwanted", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--file", action="store_true", help="keep it in a file that only you may read, where there is no keyring")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.unwanted:
        # Which words is not repeated: what was printed may be kept as well.
        said = "a value is never taken from the command line, where every process and the history of the shell see it: nothing was kept"
        raise Problem(Exit.USAGE, f"{said}; take another value, and give it when asked or through a pipe")
    if options.what == "list":
        return _list(context, options)
    if options.name is None:
        raise Problem(Exit.USAGE, f"which secret? write: secret {options.what} NAME")
    if context.as_of is not None or options.read_only:
        raise Problem(Exit.REFUSED, "no secret is kept or forgotten in the past or with --read-only")
    try:
        return _set(context, options) if options.what == "set" else _remove(context, options)
    except ValueError as problem:
        raise Problem(Exit.USAGE, str(problem)) from None


def _set(context: Context, options: argparse.Namespace) -> Exit:
    from backends.secret_keeping import keep
    from backends.secrets import checked_name

    checked_name(options.name)
    file = keep(options.name, _read(options.name), os.environ, in_file=options.file)
    if file is not None:
        context.say(f"secret {options.name} is kept in {file}, not in a keyring: whoever reads that file or a copy of it has it")
    else:
        context.say(f"secret {options.name} is kept in the keyring")
    return Exit.OK


def _read(name: str) -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"value of {name} (not shown): ", sys.stderr)
    text = sys.stdin.read(LARGEST)
    return text.removesuffix("\n").removesuffix("\r")


def _remove(context: Context, options: argparse.Namespace) -> Exit:
    from backends.secret_keeping import forget
    from backends.secrets import names_in, variable_of

    found = forget(options.name, os.environ)
    given = options.name in names_in(os.environ)
    if given:
        context.say(f"{variable_of(options.name)} still gives it: unset that where it is set")
    if not found:
        if given:
            return Exit.NO
        raise Problem(Exit.NOT_FOUND, f"no secret {options.name} is kept; see: quarterdeck secret list")
    context.say(f"secret {options.name} is forgotten in the {' and the '.join(found)}")
    return Exit.OK


def _list(context: Context, options: argparse.Namespace) -> Exit:
    from backends.secret_keeping import known
    from backends.secret_keyring import KeyringProblem, keyring_in_use
    from backends.secrets import secrets_file

    found = known(os.environ)
    file = secrets_file(os.environ)
    try:
        keyring = keyring_in_use()
    except KeyringProblem:
        keyring = None
    if options.json:
        from console.views.secrets import SecretRow, SecretsView

        rows = [
            SecretRow.model_validate({"name": each.name, "place": each.place, "used": each.used, "problem": each.problem}) for each in found
        ]
        context.show(SecretsView(keyring=keyring, file=str(file), rows=tuple(rows)), "secrets")
        return Exit.OK
    for each in found:
        why = each.problem or ("" if each.used else "another place comes first")
        print(f"{each.name:<24} {each.place:<12} {displayable(why)}".rstrip())
    if not found:
        context.say(f"no secret is kept: in {keyring or 'a keyring (this machine has none)'}, the environment or {file}")
    return Exit.OK
