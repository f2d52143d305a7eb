"""`quarterdeck promote M@V`: ask for a promotion, or execute an approved one; `promote APR-1` executes what was asked there."""

from __future__ import annotations

import argparse

from backends.text import displayable
from console.cli.acting import act, acting_arguments, request_of, state_of, version_of
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import KIND_OF_STATE, ActionKind
from console.control.approval import ApprovalState

_OVER = frozenset({ApprovalState.VETOED, ApprovalState.EXPIRED, ApprovalState.VOID})
"""Where a request stands for good without having been executed."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="M@V|APR-N", help="model and version, or a request that was approved")
    parser.add_argument("--waiver", metavar="WHY", help="ask to waive gates that may be waived (default: the open incident)")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    model, mark, version = options.what.rpartition("@")
    if mark and model and version:
        to = version_of(context, model, version)
        return act(context, request_of(context, ActionKind.PROMOTE, model, to=to), waiver=options.waiver)
    approval = state_of(context).approvals.get(options.what)
    if approval is None:
        raise Problem(Exit.NOT_FOUND, f"{options.what!r} is neither MODEL@VERSION nor a request; see: quarterdeck approvals")
    payload = approval.payload
    if payload.environment != context.environment:
        raise Problem(Exit.USAGE, f"{approval.id} is about {payload.environment}: add --env {payload.environment}")
    state = approval.state_at(context.clock.now())
    if state in _OVER:
        why = f": {approval.ended_reason}" if approval.ended_reason else ""
        message = f"{approval.id} is {state.value}{displayable(why)}: nothing was sent; ask anew with promote {payload.model}@{payload.to}"
        raise Problem(Exit.REFUSED, message)
    kind = payload.action
    if kind is not ActionKind.PROMOTE:
        # What was asked for is a way back of the kill switch, to the state in the payload.
        kind = next(each for state, each in KIND_OF_STATE.items() if state.value == payload.to)
    to = payload.to if kind is ActionKind.PROMOTE else None
    reason = options.reason if options.reason is not None else payload.reason
    return act(context, request_of(context, kind, payload.model, to=to, reason=reason), waiver=options.waiver)
