"""The HTTP endpoint: single and bulk evaluation of OFREP 0.3 over the kill switches, and a health check. Serves, never changes anything.

Bounded on every side: bodies by size and time, names by what is known. No header invites other origins; with a token everything but
the health check needs it, without one only requests that name this machine are answered, so that no web page can reach in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from backends.ofrep.flags import flag_set_metadata, flags_of
from backends.ofrep.published import Look, Watched

EVALUATE: Final = "/ofrep/v1/evaluate/flags"
HEALTH: Final = "/health"

LARGEST_BODY: Final = 64 * 1024
"""Bytes of a request: a context is some attributes of a caller, and no flag here depends on any of them."""

BODY_SECONDS: Final = 10.0
"""How long a caller may take to send its body."""

_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class BadRequest(Exception):
    """The request cannot be evaluated: HTTP status, error code of the protocol (None where it has none) and details."""

    def __init__(self, status: int, code: str | None, details: str) -> None:
        super().__init__(details)
        self.status, self.code, self.details = status, code, details


def application(watched: Watched, now: Callable[[], datetime], *, token: str | None, environment: str | None = None) -> Starlette:
    """The endpoint over `watched`, by the clock `now`; `environment` limits it to one. None as `token`: for this machine only."""

    def flags(look: Look) -> dict[str, dict[str, Any]]:
        if look.published is None:
            # Where the file lies and what stands in it is for whoever runs the endpoint, not for its callers.
            raise BadRequest(500, None, "switches.json cannot be read, and never could since this endpoint started")
        return flags_of(look, now(), environment)

    async def single(request: Request) -> Response:
        key = request.path_params["key"]
        try:
            await _context(request)
            found = flags(await asyncio.to_thread(watched.look)).get(key)
        except BadRequest as problem:
            return _failed(problem, key)
        if found is None:
            return _json(404, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": "no model that is known here has this flag"})
        return _json(400 if "errorCode" in found else 200, found)

    async def bulk(request: Request) -> Response:
        try:
            await _context(request)
            look = await asyncio.to_thread(watched.look)
            body = {"flags": list(flags(look).values()), "metadata": flag_set_metadata(look)}
        except BadRequest as problem:
            return _failed(problem)
        tag = f'"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if _matches(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return _json(200, body, headers)

    async def health(_request: Request) -> Response:
        look = await asyncio.to_thread(watched.look)
        status = "STALE" if look.stale else "OK" if look.published is not None else "UNKNOWN"
        return _json(503 if look.published is None else 200, {"status": status, **({} if look.published is None else _version(look))})

    async def refused(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        details = error.detail if isinstance(error, HTTPException) else "a fault of the endpoint itself"
        return _json(status, {"errorDetails": details}, headers)

    return Starlette(
        routes=[
            Route(EVALUATE, bulk, methods=["POST"]),
            Route(EVALUATE + "/{key:path}", single, methods=["POST"]),
            Route(HEALTH, health, methods=["GET"]),
        ],
        middleware=[Middleware(_Gate, token=token)],
        exception_handlers={HTTPException: refused, Exception: refused},
    )


class _Gate:
    """Lets through who shows the token; where there is none, who asked this machine by a name of its own."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self._expected = None if token is None else _digest(token.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["path"] == HEALTH and self._expected is not None):
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._expected is None:
            if _host(headers.get(b"host", b"")) in _HERE:
                await self.app(scope, receive, send)
                return
            answer = _json(403, {"errorDetails": "this endpoint has no token and answers requests to this machine by its own name only"})
        else:
            # Digests are compared, in a time that depends on neither; so not even the length of the token can be measured.
            if any(hmac.compare_digest(_digest(given), self._expected) for given in _given(headers)):
                await self.app(scope, receive, send)
                return
            answer = _json(401, {"errorDetails": "a bearer token is needed"}, {"WWW-Authenticate": "Bearer"})
        await answer(scope, receive, send)


def _given(headers: dict[bytes, bytes]) -> list[bytes]:
    """Tokens that a request shows: the bearer token, and the key that the protocol allows as well."""
    scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
    bearer = [shown.strip()] if scheme.lower() == b"bearer" else []
    return bearer + ([headers[b"x-api-key"]] if b"x-api-key" in headers else [])


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _host(value: bytes) -> str:
    """The name in a `Host` header, without its port: `127.0.0.1`, `::1`."""
    text = value.decode("latin-1")
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]


async def _context(request: Request) -> None:
    """Read the body and hold it against the protocol. No flag depends on a context, so none has to be in it. Raises BadRequest."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = b""
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > LARGEST_BODY:
                    raise BadRequest(413, "PARSE_ERROR", f"a request has at most {LARGEST_BODY} bytes")
    except TimeoutError:
        raise BadRequest(408, "PARSE_ERROR", f"the request did not arrive within {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise BadRequest(400, "PARSE_ERROR", "the request was broken off") from None
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadRequest(400, "PARSE_ERROR", "the request is no JSON") from None
    if not isinstance(body, dict):
        raise BadRequest(400, "PARSE_ERROR", "the request is no JSON object")
    if not isinstance(body.get("context", {}), dict):
        raise BadRequest(400, "INVALID_CONTEXT", "the context is no JSON object")


def _matches(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names `tag`: a list, `*`, weak tags, and tags whose quotes a client has taken off."""
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in named or tag in named or tag.strip('"') in named


def _version(look: Look) -> dict[str, int]:
    return {"version": look.published.version} if look.published is not None else {}


def _failed(problem: BadRequest, key: str | None = None) -> Response:
    body: dict[str, str] = {"errorDetails": problem.details}
    if problem.code is not None:
        body = {**({} if key is None else {"key": key}), "errorCode": problem.code, **body}
    # What was not read of a body would be taken for the next request.
    return _json(problem.status, body, {"Connection": "close"} if problem.status in {408, 413} else {})


def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    extra = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    return Response(json.dumps(body), status, extra, media_type="application/json")
