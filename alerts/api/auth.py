"""Who is asking: a bearer token, or the console's session cookie.

A cookie alone does not prove that the person meant it: a write that comes with one must not come
from another site's page. Whether a thing is in somebody's grids is not decided here; the desk only
ever looks there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, cast
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from alerts.api.ports import Ports
from alerts.api.problems import NotFound, Problem
from alerts.passwords import sha256
from alerts.staff import Staff
from alerts.tokens import Bearer, Scope

if TYPE_CHECKING:
    from alerts.api.throttle import Ration

COOKIE: Final = "doorstep_session"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""Its name over TLS: browsers then refuse it from anywhere but this host, over TLS."""
_READS: Final = ("GET", "HEAD", "OPTIONS")
_LONGEST_WORD: Final = 512


def ports_of(request: Request) -> Ports:
    """What the application was given."""
    return cast("Ports", request.app.state.ports)


PortsGiven = Annotated[Ports, Depends(ports_of)]


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows of themselves."""

    token: bool
    """A token; else a session."""
    sha256: bytes

    def whose(self, ports: Ports, *, uses: bool = True) -> Bearer | None:
        """Who that is by now; None for a word that is unknown, revoked or over.

        A session ends when nobody `uses` it.
        """
        now = ports.real_now()
        if self.token:
            return ports.access.by_token(self.sha256, now)
        staff = ports.access.by_session(self.sha256, now, uses=uses)
        return None if staff is None else Bearer(staff)


def session_word(request: Request) -> str | None:
    """What the session cookie says."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


def refuse_cross_origin(request: Request) -> None:
    """Raises `Problem` for a write that a browser sends for another site's page.

    Browsers say where a request comes from; what says nothing is no browser, and has no cookie but
    its own (the reasoning of Go's http.CrossOriginProtection).
    """
    if request.method in _READS:
        return
    site = request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    origin = request.headers.get("origin")
    if site is None and (origin is None or urlsplit(origin).netloc == request.headers.get("host")):
        return
    raise Problem(HTTPStatus.FORBIDDEN, "sent by a page of another site", "cross-origin")


def proof_of(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    _: Annotated[str | None, Depends(APIKeyCookie(name=COOKIE, auto_error=False))],
) -> Proof:
    """What the request shows. Raises `Problem` when it shows nothing."""
    if bearer is not None:
        word = bearer.credentials
    elif (cookie := session_word(request)) is not None and "authorization" not in request.headers:
        refuse_cross_origin(request)
        word = cookie
    else:
        raise not_signed_in()
    if not 0 < len(word) <= _LONGEST_WORD:
        raise not_signed_in()
    return Proof(bearer is not None, sha256(word))


ProofShown = Annotated[Proof, Depends(proof_of)]


def bearer_of(ports: PortsGiven, proof: ProofShown) -> Bearer:
    """Who is asking, and what for. Raises `Problem`: 401."""
    bearer = proof.whose(ports)
    if bearer is None:
        raise not_signed_in()
    return bearer


BearerKnown = Annotated[Bearer, Depends(bearer_of)]


def signed_in(request: Request, ports: PortsGiven, bearer: BearerKnown) -> Staff:
    """Who is asking, if their token is for it. Raises `Problem`: 401, 403."""
    if bearer.scope is Scope.READ and request.method not in _READS:
        raise _not_for_that(request, ports, bearer)
    return bearer.staff


SignedIn = Annotated[Staff, Depends(signed_in)]


def in_person(request: Request, ports: PortsGiven, bearer: BearerKnown) -> Staff:
    """Who is asking, if they may act: for what is shown to who goes to a door. As `signed_in`."""
    if bearer.scope is Scope.READ:
        raise _not_for_that(request, ports, bearer)
    return bearer.staff


InPerson = Annotated[Staff, Depends(in_person)]


def _not_for_that(request: Request, ports: Ports, bearer: Bearer) -> Problem:
    detail = "this token may look, and not act or see positions"
    return denied(request, ports, bearer.staff, detail, "read-token")


def denied(
    request: Request, ports: Ports, staff: Staff, detail: str, kind: str | None = None
) -> Problem:
    """403, entered in the audit log: who asked for what they may not."""
    ration = cast("Ration", request.app.state.denials)
    if ration.take(staff.id, ports.real_now()):
        ports.audit.denied(staff, f"{request.method} {quote(request.url.path)}")
    return Problem(HTTPStatus.FORBIDDEN, detail, kind)


def acting(request: Request, ports: PortsGiven, staff: SignedIn) -> Staff:
    """Who is asking, if their role goes to doors. Raises `Problem`: 403."""
    if not staff.role.cares:
        detail = f"the role {staff.role.value} looks and does not act"
        raise denied(request, ports, staff, detail, "read-only")
    return staff


Acting = Annotated[Staff, Depends(acting)]


def not_signed_in() -> Problem:
    """401."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "send a token as `Authorization: Bearer ...`, or sign in",
        "not-signed-in",
        {"WWW-Authenticate": "Bearer"},
    )


def own_grid(staff: Staff, grid: str | None) -> str | None:
    """The grid asked for. Raises `NotFound` for one that is not the member's."""
    if grid is not None and grid not in staff.grids:
        raise NotFound("grid")
    return grid


def still_allowed(ports: Ports, proof: Proof, staff: Staff) -> Callable[[], bool]:
    """A look, to be repeated, at whether somebody still may see all that they could see."""

    def look() -> bool:
        now = proof.whose(ports, uses=False)
        return now is not None and (now.staff.no, now.staff.grids) == (staff.no, staff.grids)

    return look
