"""What every request passes: bounds on what comes in, headers on what goes out, a count.

The outermost part of the application, plain ASGI, so that streams pass it unbuffered.
"""

import asyncio
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from alerts.api.problems import Problem, response
from alerts.metrics import ServiceMetrics

LARGEST_BODY: Final = 65_536

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}
_HSTS: Final = "max-age=31536000"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Edge:
    """Wraps the application."""

    def __init__(self, app: FastAPI, metrics: ServiceMetrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, scope = scope["method"], _read(scope)
        began_at = asyncio.get_running_loop().time()
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message)
            await send(message)

        refusal = _refusal(scope)
        try:
            if refusal is not None:
                await response(refusal)(scope, receive, sending)
            else:
                await self.app(scope, _bounded(receive), sending)
        finally:
            self._count(asked, scope, status, asyncio.get_running_loop().time() - began_at)

    def _count(self, asked: str, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = asked if asked in _METHODS else "other"
        self._metrics.requests.labels(route, method, f"{status // 100}xx").inc()
        self._metrics.seconds.labels(route).observe(seconds)


def _read(scope: Scope) -> Scope:
    """HEAD is GET whose body the server below keeps back (RFC 9110, section 9.3.2).

    Not of a stream, which has no end to say at its beginning.
    """
    if scope["method"] != "HEAD" or scope["path"].endswith("/stream"):
        return scope
    return {**scope, "method": "GET"}


def _refusal(scope: Scope) -> Problem | None:
    """What no route should have to think of."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return Problem(HTTPStatus.BAD_REQUEST, "a NUL is in no name of ours", "invalid")
    if scope["path"].startswith("/api/") and _said_twice(scope["query_string"]):
        return Problem(HTTPStatus.BAD_REQUEST, "a parameter is given twice", "invalid")
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > LARGEST_BODY:
        return _too_large()
    return None


def _said_twice(query: bytes) -> bool:
    """Whether a parameter has two values, of which one would be lost: several have commas."""
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    return len(set(names)) < len(names)


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            problem = _too_large()
            raise HTTPException(problem.status.value, problem.detail)
        return message

    return receiving


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {LARGEST_BODY} bytes", "invalid"
    )


def _add_headers(scope: Scope, message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", _HSTS)
