"""Notifications over HTTP: the button that tries one's own contacts."""

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from alerts.api import shapes
from alerts.api.auth import PortsGiven, SignedIn
from alerts.api.problems import Problem
from alerts.audit import What

router = APIRouter(prefix="/api/v1/staff/me/notifications", tags=["notifications"])


class TriedShape(BaseModel):
    """What came of one contact."""

    scheme: str
    """What kind of contact it is; its address is a secret."""
    taken: bool
    """Whether the service behind it took the message."""


class TriedContacts(BaseModel):
    """One's contacts, in the order of the roster."""

    items: list[TriedShape]
    next: None


@router.post(
    "/test",
    summary="Try my contacts",
    responses=shapes.answers(TriedContacts, 401, 403, 409, 429),
)
async def test(staff: SignedIn, ports: PortsGiven) -> Response:
    """Sends a test message to each of my contacts now, and says which of them took it.

    409: the roster has no contact of mine. 429: a contact's limit is used up for now.
    """
    tried = await ports.notifier.test(staff.id)
    if not tried:
        raise Problem(HTTPStatus.CONFLICT, "the roster has no contact of yours")
    wait_s = max(each.wait_s for each in tried)
    if wait_s:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "a contact has had as many messages as it may have for now",
            headers={"Retry-After": str(int(wait_s) + 1)},
        )
    await asyncio.to_thread(ports.audit.enter, staff, What.TESTED_CONTACTS, staff.id)
    items = [{"scheme": each.scheme, "taken": each.taken} for each in tried]
    return JSONResponse({"items": items, "next": None})
