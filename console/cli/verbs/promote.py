"""`quarterdeck promote M@V`: ask for a promotion, or execute an approved one; `promote APR-1` executes what was asked there."""

from __future__ import annotations

import argparse

from backends.shell_words import command_line
from backends.text import displayable
from console.cli.acting import act, acting_arguments, request_of, state_of, version_of
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import ActionKind
from console.control.approval import no_longer


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="M@V|APR-N", help="model and version, or a request that was approved")
    parser.add_argument("version", nargs="?", metavar="V", help="the version, where the model was named alone: promote M V")
    parser.add_argument("--waiver", metavar="WHY", help="ask to waive gates that may be waived (default: the open incident)")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    model, _, version = options.what.rpartition("@") if options.version is None else (options.what, "@", options.version)
    if model and version:
        to = version_of(context, model, version)
        return act(context, request_of(context, ActionKind.PROMOTE, model, to=to), waiver=options.waiver)
    state = state_of(context)
    approval = state.approvals.get(options.what)
    if approval is None:
        raise _nothing_named(options.what)
    payload = approval.payload
    if payload.environment != context.environment:
        raise Problem(Exit.USAGE, f"{approval.id} is about {payload.environment}: add --env {payload.environment}")
    ended = no_longer(approval, context.clock.now())
    if ended is not None and options.key not in state.action_by_key:
        raise Problem(Exit.REFUSED, f"{displayable(ended)}: nothing was sent; ask for it again")
    if approval.asked_as is not ActionKind.PROMOTE:
        asked = f"{approval.id} is no promotion, it asks for {approval.asked_as.value}"
        raise Problem(Exit.USAGE, f"{asked}; nothing was sent; use: qd {displayable(approval.execute_with)}")
    reason = options.reason if options.reason is not None else payload.reason
    return act(context, request_of(context, ActionKind.PROMOTE, payload.model, to=payload.to, reason=reason), waiver=options.waiver)


def _nothing_named(what: str) -> Problem:
    """A model alone, or a request that there is not."""
    if what.upper().startswith("APR-"):
        return Problem(Exit.NOT_FOUND, f"there is no request {what!r}; see: qd approvals")
    listed = command_line("versions", what.partition("@")[0])
    return Problem(Exit.USAGE, f"{what!r} names no version: write {what.partition('@')[0] or 'MODEL'}@VERSION; versions: qd {listed}")
