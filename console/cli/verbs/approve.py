"""`quarterdeck approve APR-N`: sign a request as the second person. What is signed is what is printed first."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backends.sshsig.keys import short_fingerprint
from console.cli.acting import acting_arguments, desk_of, said, typed_name
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import ActionKind
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.render.approvals import approval_summary, signed_lines

PATIENCE = 60.0
"""Seconds that signing waits for what is true now; without it the request is signed as it was asked."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="APR-N", help="the request")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="sign with this SSH key (default: the one of yours in your agent)")
    acting_arguments(parser, moves=False)


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.views.approvals.asked import approval_asked, approval_at_once  # loads the gates, which --help does not need

    try:
        asked = approval_asked(context.lookout.sight(), options.id, PATIENCE, key_file=options.key_file)
        view = asked.view
        page = approval_summary(view)
        if options.dry_run:
            context.show(view, "approval", page)
            return Exit.OK if view.refusal is None else Exit.REFUSED
        with desk_of(context) as desk:
            if view.refusal is not None:
                raise Problem(Exit.REFUSED, f"{view.request.id}: {view.refusal}")
            print(page.plain(), file=sys.stderr)
            key = f" with {short_fingerprint(view.key.fingerprint)}" if view.key is not None else ""
            asked_for = desk.policy.typed_name((ActionKind.APPROVE,), view.request.environment, view.request.model)
            name = typed_name(context, asked_for, view.request.model, None, f"sign as {desk.actor.name}{key}")
            desk.approve(
                options.id,
                seen_digest=view.request.payload_digest,
                typed_name=name,
                reason=options.reason or "",
                current_world=asked.world,
                key_file=options.key_file,
                may_ask=sys.stdin.isatty(),
            )
    except (NotFound, JournalUnavailable) as error:
        raise said(error) from None
    except Refused as error:
        raise Problem(Exit.REFUSED, "; ".join([str(error), *(each for each in error.changed if each not in str(error))])) from None
    after = approval_at_once(context.lookout.sight(), options.id)
    if options.json:
        context.show(after, "approval")
    else:
        print("\n".join(each.text for each in signed_lines(after)))
    return Exit.OK
