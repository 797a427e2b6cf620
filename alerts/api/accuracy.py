"""How often rules, devices and models were right, over HTTP."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from alerts.accuracy import RECENT_US, By, Question
from alerts.api import shapes
from alerts.api.auth import PortsGiven, SignedIn, own_grid
from alerts.api.problems import Problem
from alerts.api.shapes_truth import AccuracyShape
from domain.instant import DAY_US, from_datetime, parse_rfc3339

router = APIRouter(prefix="/api/v1", tags=["truth"])

LONGEST_US: Final = 366 * DAY_US
_YEARS: Final = (parse_rfc3339("2000-01-01T00:00:00Z"), parse_rfc3339("2200-01-01T00:00:00Z"))


class AccuracyAsked(BaseModel):
    """What is judged, and from which alerts: those raised in the last 90 days, unless said."""

    by: By = By.RULE
    grid: shapes.Word = None
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    to: AwareDatetime | None = None
    swap_proposed: Annotated[
        bool | None, Field(description="of devices: only those proposed for a swap, or the others")
    ] = None
    cursor: shapes.GivenCursor = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


@router.get(
    "/rules/accuracy",
    summary="How often rules, devices and models were right",
    responses=shapes.answers(AccuracyShape, 401, 404),
)
def accuracy(
    staff: SignedIn, ports: PortsGiven, asked: Annotated[AccuracyAsked, Query()]
) -> Response:
    """What people found at the door, counted as confirmed, false or unknown.

    Only alerts with an outcome; one that ended by itself is not counted. `false_alarm_rate` is the
    mean of Beta(false + 1/2, confirmed + 1/2) (Jeffreys' prior) with the interval that holds 90 %
    of it. A device with at least 4 judged alerts and a mean of at least 0.6 has `swap_proposed`.
    """
    grid = own_grid(staff, asked.grid)
    page = ports.truth.accuracy(staff, grid, _question(asked, ports.now()))
    return JSONResponse({"items": page.items, "next": page.next})


def _question(asked: AccuracyAsked, now: int) -> Question:
    # What is raised at this very instant counts.
    to_at = now + 1 if asked.to is None else from_datetime(asked.to)
    from_at = to_at - RECENT_US if asked.from_ is None else from_datetime(asked.from_)
    ordered = _YEARS[0] <= from_at <= to_at <= _YEARS[1]
    if not ordered or to_at - from_at > LONGEST_US:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "from .. to must be 0 to 366 days, in the years 2000 to 2199",
            "invalid",
        )
    return Question(asked.by, from_at, to_at, asked.swap_proposed, asked.cursor, asked.limit)
