"""The command line: finds the verb, loads only its module, and turns every outcome into an exit code."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from console.cli.exits import Exit

if TYPE_CHECKING:
    from threading import Thread

PROGRAM = "quarterdeck"

IN_THE_BACKGROUND = frozenset({"ingest", "watch"})
"""Verbs that work for long with every processor there is. Who stops a model meanwhile goes first."""

RARE_COLLECTION = 100_000
"""Objects between two looks for garbage: most of a start is classes that live as long as the program."""


def entry() -> None:
    """Entry point of `quarterdeck` and `qd`."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        # A locale that cannot show a character is no reason to stop half-way through an answer.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = main(sys.argv[1:], own_process=True)
    try:
        _leave(code)
    except KeyboardInterrupt:
        # Everything was said already.
        os._exit(Exit.INTERRUPTED)


def _open_what_is_closed() -> None:
    """Whoever closes our output (`qd kill M >&-`) wants none, but what is asked for is done: it goes nowhere.

    Left closed, its number would be that of the next file which is opened, and that may be the journal.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        mode = "r" if name == "stdin" else "w"
        nowhere = os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))


def _leave(code: int) -> None:
    """End the process: what is to be done at its end is done and what was said is out, but nothing is freed that ends with it anyway.

    Freeing what was loaded piece by piece takes longer than many an answer. Something may still be being read that nobody waits for
    any more, such as the facts of a plan: then the interpreter would abort inside the database engine while it shuts down. What must
    be finished, like landing an outcome, is on threads that are no daemons and is waited for.
    """
    threading = sys.modules.get("threading")
    others = [each for each in threading.enumerate() if each is not threading.main_thread()] if threading is not None else []
    finishing = [each for each in others if not each.daemon]
    if finishing:
        _wait_for(finishing)
    if len(finishing) == len(others) and others:
        sys.exit(code)
    if not others:
        atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)
    os._exit(code)


def _wait_for(threads: Iterable[Thread]) -> None:
    """Wait for what was begun. The first interruption is answered in words, the second ends the process with 130."""
    import signal

    asked: list[int] = []

    def interrupted(number: int, _: object) -> None:
        # Raising here would leave `join` with a thread that it takes for ended.
        if asked:
            os._exit(Exit.INTERRUPTED)
        asked.append(number)
        with contextlib.suppress(OSError):
            os.write(2, b"what was begun is being finished; ctrl+c again leaves without waiting for it\n")

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)
    for each in threads:
        each.join()


def main(arguments: Sequence[str], *, own_process: bool = False) -> int:
    """Run one command line; returns the exit code. `own_process`: nothing else goes on in this process, before or after."""
    words = list(arguments)
    try:
        code = _version() if words[:1] == ["--version"] else _run(words, own_process=own_process)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a verb that goes on until it is ended (`qd watch | head -1`) went away: that ends it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except OSError as problem:
        # Of the few lines that are said without a verb: a verb's own are counted as they are written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"{PROGRAM}: {problem.strerror or problem}", file=sys.stderr)
        return Exit.UNAVAILABLE


def _version() -> int:
    from console.installed import installed_version  # this path loads nothing else

    print(f"{PROGRAM} {installed_version()}")
    return Exit.OK


def _run(words: list[str], *, own_process: bool) -> int:
    from console.cli import parser  # after the fast paths
    from console.cli.verbs import VERBS

    gc.set_threshold(RARE_COLLECTION)
    # Nothing of this program is a plug-in of the records' library; looking for some reads the description of everything installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    verb_name = parser.verb_of(words)
    if verb_name is None and any(word in {"-h", "--help"} for word in words):
        print(parser.overview())
        return Exit.OK
    if verb_name is None and "--version" in words:
        return _version()
    if verb_name is not None and verb_name not in VERBS:
        return _unknown(verb_name)
    try:
        options = parser.parse(words, verb_name)
    except parser.UsageProblem as problem:
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return Exit.USAGE
    except SystemExit as stop:
        return int(stop.code or 0)
    if verb_name is None:
        from console.cli.start import open_console

        return open_console(options)
    from console.cli.context import run_verb
    from console.cli.unheard import LISTENED_TO, outlive_the_reader, what_cut_it_off

    if own_process and verb_name in IN_THE_BACKGROUND:
        from console.background import give_way

        give_way()
    if verb_name not in LISTENED_TO:
        outlive_the_reader()
    code = run_verb(VERBS[verb_name], options)
    cut = what_cut_it_off()
    if cut is None:
        return code
    # What was done stays done, and says so by its code; an answer that is not whole is none.
    print(f"{PROGRAM} {verb_name}: {cut.strerror} where its output goes: what stands there is not whole", file=sys.stderr)
    return Exit.UNAVAILABLE if code in {Exit.OK, Exit.NO} and VERBS[verb_name].group != "Act" else code


def _unknown(name: str) -> int:
    from backends.text import displayable
    from console.cli.verbs import VERBS
    from console.closest import closest

    near = closest(name, VERBS, n=3, cutoff=0.5)
    advice = f"did you mean {', '.join(near)}?" if near else f"see {PROGRAM} --help"
    print(f"{PROGRAM}: no verb {displayable(name)!r}; {advice}", file=sys.stderr)
    return Exit.USAGE


if __name__ == "__main__":
    entry()
