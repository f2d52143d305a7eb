"""What every verb is given: the workspace, the clock, who acts, and the two ways of answering (a page or JSON)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from backends.text import displayable, escaped_json
from console.cli.exits import Exit
from console.cli.verbs import Verb
from console.locate import Located, locate

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from console.clock import Clock
    from console.config import Workspace
    from console.lookout import Lookout
    from widgets.line import Page

WIDTH = 80
"""Plain output is made for this many columns."""


class Problem(Exception):
    """A verb cannot go on: one line for stderr and the exit code."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


class Context:
    """One run of one verb."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options

    @cached_property
    def located(self) -> Located:
        """Where the workspace should be, whether or not it is there."""
        return locate(self.options.workspace)

    @cached_property
    def workspace(self) -> Workspace:
        """The opened workspace. Raises Problem with what was looked for."""
        from console.config import WorkspaceProblem, open_workspace

        if not self.located.exists and not os.path.lexists(self.located.root):
            raise Problem(
                Exit.NOT_FOUND,
                f"no workspace at {self.located.root} (from {self.located.because}); "
                "try: quarterdeck demo, or: quarterdeck init --personal",
            )
        try:
            return open_workspace(self.located.root)
        except WorkspaceProblem as problem:
            raise Problem(Exit.USAGE, str(problem)) from None

    @cached_property
    def environment(self) -> str:
        """The environment asked for, or the workspace's first."""
        wanted = self.options.env
        known = self.workspace.settings.environments
        if wanted is not None and wanted not in known:
            raise Problem(Exit.NOT_FOUND, f"no environment {wanted!r} in this workspace; there are: {', '.join(known)}")
        return wanted or self.workspace.environment

    @cached_property
    def as_of(self) -> datetime | None:
        """The past moment to stand at, or None for the workspace's own time."""
        if self.options.as_of is None:
            return None
        return parse_moment(self.options.as_of)

    @cached_property
    def clock(self) -> Clock:
        """The clock of this run."""
        return self.workspace.clock(as_of=self._past)

    @cached_property
    def lookout(self) -> Lookout:
        """Answers questions with views."""
        from console.lookout import Lookout

        return Lookout(self.workspace, self.environment, self._past)

    @property
    def _past(self) -> datetime | None:
        """The moment to stand at in the workspace. Raises Problem for one that is none of its past."""
        from console.clock import no_past

        why = no_past(self.as_of, self.workspace.clock().now()) if self.as_of is not None else None
        if why is not None:
            raise Problem(Exit.USAGE, f"--as-of {self.options.as_of} {why}; leave --as-of out for the present")
        return self.as_of

    def show(self, view: BaseModel, schema: str, page: Callable[[], Page] | Page | None = None) -> None:
        """Print a view: as JSON under `quarterdeck/<schema>/1` with `--json`, else its page, which is made only then."""
        if self.options.json:
            from console.cli.schemas import name_key  # only an answer in JSON has one

            fields = view.model_dump(mode="json", by_alias=True)
            print(json_text({name_key(fields): f"quarterdeck/{schema}/1", **fields}))
        elif page is not None:
            print((page() if callable(page) else page).plain())

    @staticmethod
    def say(message: str) -> None:
        """Narration: one line on stderr."""
        print(displayable(message), file=sys.stderr)


def json_text(body: object) -> str:
    """`body` as JSON for standard output: exact for a parser, harmless in a terminal, whole in any encoding."""
    # A character that the stream cannot carry would be replaced by something that is no JSON.
    carries_all = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    return escaped_json(json.dumps(body, indent=2, ensure_ascii=not carries_all))


def parse_moment(text: str) -> datetime:
    """An aware time from `--as-of` or `--at`. Raises Problem when it has no offset or is no time."""
    from console.clock import no_moment

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(Exit.USAGE, f"{text!r} is not a time; write it as 2013-04-22T14:00-04:00") from None
    if moment.tzinfo is None:
        raise Problem(Exit.USAGE, f"{text!r} has no zone; write it with an offset, as in 2013-04-22T14:00-04:00 or ...Z")
    why = no_moment(moment)
    if why is not None:
        raise Problem(Exit.USAGE, f"{text!r} {why}")
    return moment


def run_verb(verb: Verb, options: argparse.Namespace) -> int:
    """Run a verb; every known kind of failure becomes one line on stderr and its exit code, any other one a report and its path."""
    context = Context(options)
    try:
        module = import_module(f"console.cli.verbs.{verb.module}")
        return int(module.run(context, options))
    except Problem as problem:
        return _said(verb, str(problem), problem.code)
    except BrokenPipeError:
        raise
    except Exception as problem:
        from console.cli.failures import exit_code_of, said  # only a run that fails needs it

        code = exit_code_of(problem)
        return _fault(verb, context, problem) if code is None else _said(verb, said(problem), code)
    finally:
        sys.stdout.flush()


def _fault(verb: Verb, context: Context, problem: Exception) -> Exit:
    from backends.credentials import without_credentials
    from console.clock import SystemClock
    from console.crash import kept_report

    path = kept_report(context.located.root, problem, SystemClock().real_now())
    first = (without_credentials(str(problem)).splitlines() or [""])[0][:200]
    where = f"; report: {path}" if path else ""
    return _said(verb, f"stopped by a fault of its own: {type(problem).__name__}: {first}{where}", Exit.FAULT)


def _said(verb: Verb, message: str, code: Exit) -> Exit:
    first, *others = message.splitlines() or [""]
    print("\n".join([f"quarterdeck {verb.name}: {displayable(first)}", *map(displayable, others)]), file=sys.stderr)
    return code
