"""The console's session: sign in, who am I, sign out."""

import threading
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from starlette.responses import Response

from alerts.api import shapes
from alerts.api.auth import (
    COOKIE,
    SECURE_COOKIE,
    PortsGiven,
    SignedIn,
    not_signed_in,
    refuse_cross_origin,
    session_word,
)
from alerts.api.ports import Ports
from alerts.api.problems import Problem
from alerts.api.throttle import Ration, Throttle
from alerts.passwords import hashed, matches, new_session, outdated, sha256
from alerts.staff import Staff
from domain.instant import SECOND_US, format_rfc3339

FAILURES: Final = 60
"""Entries a minute that failed sign-ins make in the audit log, all together."""
_AT_ONCE: Final = 2
"""Passwords hashed at the same time: each takes some 20 MiB and all of a core."""

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class Door:
    """What sign-ins share within a process."""

    def __init__(self, sign_ins: Counter) -> None:
        self.sign_ins = sign_ins
        self.throttle = Throttle()
        self.entered = Ration(FAILURES)
        self.hashing = threading.Semaphore(_AT_ONCE)


@router.post(
    "",
    summary="Sign in",
    description="Sets the session cookie. Failed attempts are slowed down: 429 says for how long.",
    dependencies=[Depends(refuse_cross_origin)],
    responses=shapes.answers(shapes.SessionShape, 401, 403, 429),
)
def sign_in(request: Request, ports: PortsGiven, body: shapes.SignIn) -> Response:
    """Answers as slowly and in the same words whether the member or the password is wrong."""
    door, now = cast("Door", request.app.state.door), ports.real_now()
    address = request.client.host if request.client else ""
    wait_s = door.throttle.wait_s(body.staff, address, now)
    if wait_s:
        door.sign_ins.labels("throttled").inc()
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"try again in {wait_s} s",
            "too-many-attempts",
            {"Retry-After": str(wait_s)},
        )
    right = _right(door, ports, body)
    word = new_session()
    staff = ports.access.open_session(body.staff, sha256(word), now) if right else None
    if staff is None:
        door.throttle.failed(body.staff, address, now)
        door.sign_ins.labels("refused").inc()
        if door.entered.take("", now):
            ports.audit.sign_in_failed(body.staff)
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "the staff number or the password is not right",
            "not-signed-in",
        )
    door.sign_ins.labels("accepted").inc()
    answer = JSONResponse(_session(staff, ports))
    secure = request.url.scheme == "https"
    answer.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        word,
        max_age=ports.access.limits.lasts_us // SECOND_US,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.get("", summary="Who is signed in", responses=shapes.answers(shapes.SessionShape, 401))
def who(staff: SignedIn, ports: PortsGiven) -> Response:
    """The member of staff, and what time it is at the service."""
    return JSONResponse(_session(staff, ports))


@router.delete(
    "",
    summary="Sign out",
    status_code=HTTPStatus.NO_CONTENT,
    dependencies=[Depends(refuse_cross_origin)],
    responses=shapes.answers(None, 401, 403),
)
def sign_out(request: Request, ports: PortsGiven) -> Response:
    """Ends the session of the cookie."""
    word = session_word(request)
    if word is None:
        raise not_signed_in()
    ports.access.close_session(sha256(word))
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    for name in (COOKIE, SECURE_COOKIE):
        answer.delete_cookie(
            name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="strict"
        )
    return answer


def _right(door: Door, ports: Ports, said: shapes.SignIn) -> bool:
    """Whether the password is right. One whose hash has become too weak is hashed anew."""
    kept = ports.access.password_hash(said.staff)
    with door.hashing:
        right = matches(said.password, kept)
        anew = hashed(said.password) if right and kept and outdated(kept) else None
    if kept and anew:
        ports.access.rehash(said.staff, kept, anew)
    return right


def _session(staff: Staff, ports: Ports) -> dict[str, Any]:
    return {
        "staff": {
            "id": staff.id,
            "name": staff.name,
            "role": staff.role.value,
            "grids": sorted(staff.grids),
        },
        "clock": {"now": format_rfc3339(ports.now()), "factor": ports.clock_factor},
    }
