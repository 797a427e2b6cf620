"""Where the service is blind, over HTTP: numbers that never came, and signals about ourselves."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from starlette.responses import Response

from alerts import signals as noticed
from alerts.api import shapes
from alerts.api.auth import PortsGiven, SignedIn
from alerts.api.problems import NotFound

router = APIRouter(prefix="/api/v1", tags=["signals"])

Cursor = Annotated[str | None, Query(max_length=100, pattern=shapes.NOT_NUL)]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get(
    "/gaps",
    summary="Sequence numbers that are missing",
    responses=shapes.answers(shapes.GapsShape, 401, 404),
)
def gaps(
    staff: SignedIn,
    ports: PortsGiven,
    device: Annotated[str | None, Query(max_length=64, pattern=shapes.NOT_NUL)] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Of devices in your grids: numbers they have counted past and that were never received.

    One that is filled is gone from here. A range may name more than is missing, never less.
    """
    found = ports.desk.gaps(staff, device, (cursor, limit), ports.now())
    if found is None:
        raise NotFound("device")
    return JSONResponse({"items": found.items, "next": found.next})


@router.get(
    "/signals",
    summary="Where the service is blind",
    responses=shapes.answers(shapes.SignalsShape, 401),
)
def signals(
    staff: SignedIn,
    ports: PortsGiven,
    active: Annotated[
        bool | None, Query(description="true: what is so now; false: what is over; both without")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """The newest first. Those about the service are everybody's; gaps, of devices in your grids."""
    horizon = noticed.Horizon.at(ports.now(), ports.clock_factor)
    after = None if cursor is None else noticed.Place.of(cursor)
    page = ports.desk.signals(staff, horizon, noticed.Query(active, after, limit))
    return JSONResponse({"items": page.items, "next": page.next})
