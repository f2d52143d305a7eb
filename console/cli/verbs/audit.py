"""`quarterdeck audit log`: who did what; `audit verify`: whether the chain is whole."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context, Problem, parse_moment
from console.cli.exits import Exit
from console.render.audit import audit_page, chain_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("log", "verify"), help="log: entries, newest first; verify: recompute the chain")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="how many entries, 50 if not given; 0 for all")
    parser.add_argument("--who", metavar="NAME", help="only what this person or rule did: mara, mara@bastion")
    parser.add_argument("--kind", metavar="KIND", help="only kinds that begin so: action., approval., incident., alert., run.")
    parser.add_argument("--model", metavar="MODEL", help="only what concerns this model")
    parser.add_argument("--subject", metavar="ID", help="only what concerns this action, approval, incident or alert")
    parser.add_argument("--since", metavar="TIME", help="only from this moment on")
    parser.add_argument("--text", metavar="TEXT", help="only entries with this text in the sentence or the reason")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.control.audit import AuditFilter  # noqa: PLC0415

    if options.what == "verify":
        chain = context.lookout.chain()
        context.show(chain, "audit-verify", chain_page(chain, context.workspace.zone, width=WIDTH))
        return {"whole": Exit.OK, "broken": Exit.NO, "unreadable": Exit.UNAVAILABLE}[chain.state]
    if options.limit < 0:
        raise Problem(Exit.USAGE, f"--limit {options.limit}: how many entries cannot be negative; 0 lists all")
    filters = AuditFilter(
        who=options.who,
        kind=options.kind,
        subject=options.subject,
        model=options.model,
        since=parse_moment(options.since) if options.since is not None else None,
        text=options.text,
    )
    view = context.lookout.audit(limit=options.limit or None, filters=filters)
    context.show(view, "audit-log", audit_page(view, width=WIDTH))
    return Exit.UNAVAILABLE if view.chain.state == "unreadable" else Exit.OK
