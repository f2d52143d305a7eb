"""`quarterdeck approvals`: requests that wait for a person; with an ID one in full; `verify ID` its signatures, `export ID` for others."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.control.errors import NotFound
from console.control.signatures import TrustUnavailable
from console.render.approvals import approval_page, approvals_page, bundle_page, signatures_page

_EXITS = {"holds": Exit.OK, "nobody signed": Exit.OK, "does not hold": Exit.NO, "cannot be checked": Exit.UNAVAILABLE}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", metavar="APR-N|verify|export", help="one request, or what to do with the one that follows")
    parser.add_argument("id", nargs="?", metavar="APR-N", help="the request to verify or to export")
    parser.add_argument("--to", type=Path, metavar="DIR", help="export: the folder to write to (default: APR-N)")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what in {"verify", "export"}:
        if options.id is None:
            raise Problem(Exit.USAGE, f"which request? quarterdeck approvals {options.what} APR-N")
        return _verify(context, options.id) if options.what == "verify" else _export(context, options)
    if options.id is not None:
        raise Problem(Exit.USAGE, f"{options.what!r} is neither verify nor export")
    if options.what is not None:
        view = context.lookout.approval(options.what)
        context.show(view, "approval", lambda: approval_page(view, width=WIDTH, height=0))
        return Exit.OK
    listed = context.lookout.approvals()
    context.show(listed, "approvals", lambda: approvals_page(listed, width=WIDTH, height=0))
    return Exit.OK


def _verify(context: Context, identifier: str) -> Exit:
    from console.views.approvals.signatures import signatures_view  # loads the gates, which --help does not need

    try:
        view = signatures_view(context.lookout.sight(), identifier)
    except NotFound as error:
        raise Problem(Exit.NOT_FOUND, str(error)) from None
    context.show(view, "approval-signatures", lambda: signatures_page(view))
    return _EXITS[view.verdict]


def _export(context: Context, options: argparse.Namespace) -> Exit:
    from console.views.approvals.signatures import export_bundle

    try:
        view = export_bundle(context.lookout.sight(), options.id, options.to or Path(options.id))
    except NotFound as error:
        raise Problem(Exit.NOT_FOUND, str(error)) from None
    except TrustUnavailable as error:
        raise Problem(Exit.UNAVAILABLE, str(error)) from None
    except OSError as error:
        raise Problem(Exit.UNAVAILABLE, f"{error.filename} cannot be written: {error.strerror}") from None
    context.show(view, "approval-bundle", lambda: bundle_page(view))
    return Exit.OK
