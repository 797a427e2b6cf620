"""The audit log over HTTP, for those who look after those who look."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from alerts import audit
from alerts.api import shapes
from alerts.api.auth import PortsGiven, SignedIn, denied
from alerts.api.shapes_audit import AuditAsked, AuditShape
from alerts.casework import BadCursor
from alerts.staff import Role, Staff

router = APIRouter(prefix="/api/v1", tags=["audit"])

_LONGEST_NUMBER: Final = 18


def reviewing(request: Request, ports: PortsGiven, staff: SignedIn) -> Staff:
    """Who is asking, if they may read the log. Raises `Problem`: 403."""
    if staff.role is Role.DOCTOR:
        raise denied(request, ports, staff, "the audit log is for supervisors, admins and auditors")
    return staff


@router.get(
    "/audit",
    summary="Who looked at whom, and who did what",
    responses=shapes.answers(AuditShape, 401, 403),
)
def entries(
    staff: Annotated[Staff, Depends(reviewing)],
    ports: PortsGiven,
    asked: Annotated[AuditAsked, Query()],
) -> Response:
    """Entries about your grids, the newest first; this look is one of the next.

    What was in no grid is for admins and auditors to whom no grid is foreign.
    """
    query = audit.Query(asked.staff, asked.object, asked.what, _number(asked.cursor), asked.limit)
    page = ports.audit.entries(staff, query)
    return JSONResponse({"items": page.items, "next": page.next})


def _number(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > _LONGEST_NUMBER:
        raise BadCursor("this cursor was not given out by this service")
    return int(cursor)
