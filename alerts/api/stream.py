"""The alert stream's door: who may listen, to which grids, from where on."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from alerts.api import shapes
from alerts.api.auth import PortsGiven, ProofShown, SignedIn, own_grid, still_allowed
from alerts.api.looks import looked
from alerts.api.problems import Problem
from alerts.api.shapes_canary import CanaryShape
from alerts.audit import What
from alerts.dispatcher import LISTENERS
from alerts.feeds.sse import Client, EventStream

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_LARGEST_ID: Final = 2**63 - 1

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "`event: alert` with an `id`, or `event: signal` without, or `event: canary`"
        " where it was asked for; data as described; a comment at least every 15 s",
        "content": {
            "text/event-stream": {
                "itemSchema": {
                    "type": "object",
                    "properties": {
                        "event": {"enum": ["alert", "signal", "canary"]},
                        "id": {"type": "string"},
                        "data": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "contentSchema": {
                                "anyOf": [
                                    shapes.ChangeShape.model_json_schema(),
                                    shapes.SignalShape.model_json_schema(),
                                    CanaryShape.model_json_schema(),
                                ]
                            },
                        },
                    },
                }
            }
        },
    },
    **shapes.answers(None, 401, 404),
}


def last_event_id(
    header: Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)] = None,
    query: Annotated[str | None, Query(alias="last_event_id", max_length=20)] = None,
) -> int | None:
    """The event the client had last, where it resumes. Raises `Problem`."""
    word = header or query
    if not word:
        return None
    if not (word.isascii() and word.isdigit()) or int(word) > _LARGEST_ID:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "Last-Event-ID: give back an `id` of ours", "invalid"
        )
    return int(word)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to hear."""

    resume_after: int | None
    """The event it had last."""
    grid: str | None
    """None: all that are theirs."""
    canaries: bool


def wish(
    resume_after: Annotated[int | None, Depends(last_event_id)],
    grid: str | None = None,
    canary: Annotated[
        bool | None, Query(description="true: canaries too, which say that the way to here is open")
    ] = None,
) -> Wish:
    """The wish of a request. Raises `Problem`."""
    return Wish(resume_after, grid, bool(canary))


@router.get(
    "/stream",
    summary="Alert events as they happen",
    status_code=HTTPStatus.OK,
    response_class=EventStream,
    responses=_ANSWERS,
)
def stream(
    request: Request,
    staff: SignedIn,
    proof: ProofShown,
    ports: PortsGiven,
    wanted: Annotated[Wish, Depends(wish)],
) -> Response:
    """Of all your grids or one. `Last-Event-ID` resumes: nothing is lost, nothing comes twice.

    Signals that stand come first, then each that begins or ends; gaps are in `GET /signals` only.
    """
    grid = wanted.grid
    own_grid(staff, grid)
    dispatcher = ports.dispatcher
    if not dispatcher.ready or dispatcher.stopping or dispatcher.listening >= LISTENERS:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "try again in a few seconds",
            "unavailable",
            {"Retry-After": "5"},
        )
    looked(request, ports, staff, What.VIEWED_ALERTS, {"grid": grid, "as": "stream"})
    grid_nos = [staff.grids[grid]] if grid is not None else list(staff.grids.values())
    client = Client(
        grid_nos=frozenset(grid_nos),
        last_event_id=wanted.resume_after,
        missed=lambda event_id: ports.desk.events_since(staff, grid, event_id),
        newest=ports.desk.last_event_id,
        allowed=still_allowed(ports, proof, staff),
        passing=ports.unavailable,
        canaries=wanted.canaries,
    )
    return EventStream(dispatcher, client)
