"""Where the person of an alert was last, for those who go there."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from alerts.api import shapes
from alerts.api.auth import InPerson, PortsGiven
from alerts.api.problems import NotFound, Problem
from alerts.location import Withheld

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


class FixShape(BaseModel):
    """A position in WGS-84."""

    at: AwareDatetime
    lat: float
    lon: float
    accuracy_m: Annotated[float | None, Field(description="68 % radius; null: unknown")]
    near_home: bool
    distance_m: Annotated[
        float | None,
        Field(description="from the middle of the home, or the edge of its polygon; null: no home"),
    ]
    direction_deg: Annotated[
        int | None,
        Field(ge=0, lt=360, description="seen from home, clockwise from north; null: at home"),
    ]


class LocationShape(BaseModel):
    """Where somebody was last."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "fix": {
                    "at": "2026-02-03T04:05:06Z",
                    "lat": 32.0603,
                    "lon": 118.7969,
                    "accuracy_m": 12.0,
                    "near_home": False,
                    "distance_m": 412.0,
                    "direction_deg": 45,
                }
            }
        }
    )

    fix: Annotated[
        FixShape | None, Field(description="null: no usable fix within the last 24 hours")
    ]


@router.get(
    "/{alert_id}/location",
    summary="Where its person was last",
    responses=shapes.answers(LocationShape, 401, 403, 404),
)
def location(staff: InPerson, ports: PortsGiven, alert_id: str) -> Response:
    """For doctors and supervisors, while the alert is not closed, or given to them.

    Not with a token that may only look. Each look is in the audit log, a refused one too.
    """
    answer = ports.location.where(staff, alert_id, ports.now())
    if answer is None:
        raise NotFound("alert")
    if isinstance(answer, Withheld):
        raise Problem(HTTPStatus.FORBIDDEN, answer.reason, "withheld")
    return JSONResponse({"fix": answer.fix}, headers={"Cache-Control": "no-store"})
