"""Every refusal is a problem detail (RFC 9457), whoever refuses: a route, the framework, a bug.

A problem never repeats what was sent, and of our own mistakes it says only that there was one.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from alerts.casework import BadCursor

MEDIA_TYPE: Final = "application/problem+json"

TYPES: Final = {
    "overtaken": "somebody else moved the alert first",
    "refused-by-lifecycle": "the alert does not allow it as it stands",
    "key-reused": "the Idempotency-Key belongs to another request",
    "not-signed-in": "no valid token or session",
    "too-many-attempts": "too many failed sign-ins",
    "cross-origin": "a session cookie came from another site's page",
    "read-only": "the role may look and not act",
    "read-token": "the token may look and not act",
    "withheld": "a position that is not for you, or not any more",
    "invalid": "the request does not have the form it should",
    "unavailable": "the database does not answer just now",
}
"""What `type` may end in, after `urn:doorstep:problem:`; other problems have `about:blank`."""

log = logging.getLogger(__name__)


class Problem(Exception):
    """Answers the request with a problem detail."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        assert kind is None or kind in TYPES
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.headers = dict(headers or {})
        self.members = members


class NotFound(Problem):
    """There is no such thing, or it is another grid's, which is the same to who asks."""

    def __init__(self, what: str) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, f"there is no such {what} in your grids")


def response(problem: Problem) -> Response:
    """The problem as an answer."""
    body = {
        "type": f"urn:doorstep:problem:{problem.kind}" if problem.kind else "about:blank",
        "title": TYPES[problem.kind] if problem.kind else problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        **problem.members,
    }
    return JSONResponse(body, problem.status.value, problem.headers, MEDIA_TYPE)


def install(app: FastAPI, unavailable: tuple[type[Exception], ...]) -> None:
    """Makes every error of an application a problem detail."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(BadCursor, _bad_cursor)
    app.add_exception_handler(Exception, _broken)
    for kind in unavailable:
        app.add_exception_handler(kind, _unavailable)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response(error)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = error.detail if error.detail != status.phrase else status.description
    return response(Problem(status, detail or status.phrase, headers=error.headers))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [
        {"pointer": "/" + "/".join(str(part) for part in each["loc"]), "detail": each["msg"]}
        for each in error.errors()
    ]
    detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in problems[:5])
    return response(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, "invalid", errors=problems))


async def _bad_cursor(_: Request, error: Exception) -> Response:
    return response(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "invalid"))


async def _unavailable(_: Request, error: Exception) -> Response:
    log.warning("the database does not answer", extra={"error": str(error)})
    return response(
        Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "try again in a few seconds",
            "unavailable",
            {"Retry-After": "5"},
        )
    )


async def _broken(_: Request, __: Exception) -> Response:
    """The server below logs it: it is raised again after this answer."""
    return response(
        Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is our mistake; it has been logged")
    )
