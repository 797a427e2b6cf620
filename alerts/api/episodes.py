"""People under care and their vitals over HTTP; and what did not become a reading."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from alerts.api import shapes
from alerts.api.auth import PortsGiven, SignedIn, own_grid
from alerts.api.looks import looked
from alerts.api.problems import NotFound, Problem
from alerts.audit import What
from alerts.casework import Page, Window
from domain.instant import DAY_US, from_datetime, parse_rfc3339

router = APIRouter(prefix="/api/v1", tags=["episodes"])

LONGEST_WINDOW_US: Final = 31 * DAY_US
_YEARS: Final = (parse_rfc3339("2000-01-01T00:00:00Z"), parse_rfc3339("2200-01-01T00:00:00Z"))
_DEFAULT_WINDOW_US: Final = DAY_US

Cursor = Annotated[str | None, Query(max_length=500, pattern=shapes.NOT_NUL)]
Limit = Annotated[int, Query(ge=1, le=500)]


class ReadingsAsked(BaseModel):
    """Which readings are asked for: the last day, unless said otherwise."""

    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    to: AwareDatetime | None = None
    step: Annotated[int, Field(ge=0, le=86_400, description="seconds a bucket; 0: as they are")] = 0
    cursor: shapes.GivenCursor = None
    limit: Annotated[int, Field(ge=1, le=5_000)] = 1_000


@router.get(
    "/episodes",
    summary="People under care",
    responses=shapes.answers(shapes.EpisodesShape, 401, 404),
)
def episodes(
    request: Request,
    staff: SignedIn,
    ports: PortsGiven,
    grid: Annotated[str | None, Query(max_length=200, pattern=shapes.NOT_NUL)] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """In the order of their ids, without names.

    `presence` is `home`, `away` or `unknown`: what nothing is known of is not away.
    """
    page = ports.desk.episodes(staff, own_grid(staff, grid), cursor, limit, ports.now())
    looked(request, ports, staff, What.VIEWED_EPISODES, {"grid": grid})
    return _page(page)


@router.get(
    "/episodes/{episode_id}",
    summary="One of them",
    responses=shapes.answers(shapes.EpisodeShape, 401, 404),
)
def episode(staff: SignedIn, ports: PortsGiven, episode_id: str) -> Response:
    """With name, address and phone for doctors and supervisors."""
    found = ports.desk.episode(staff, episode_id, ports.now())
    if found is None:
        raise NotFound("episode")
    return JSONResponse(found)


@router.get(
    "/episodes/{episode_id}/readings",
    summary="Their vitals",
    responses=shapes.answers(shapes.ReadingsShape, 401, 404),
)
def readings(
    staff: SignedIn,
    ports: PortsGiven,
    episode_id: str,
    asked: Annotated[ReadingsAsked, Query()],
) -> Response:
    """As they came, or in buckets of `step` seconds.

    A bucket has the highest temperature, the mean pulse, the lowest oxygen and the last fix.
    Positions are shown as distances from home. What was not measured is absent.
    """
    window = _window(asked, ports.now())
    found = ports.desk.readings(staff, episode_id, window)
    if found is None:
        raise NotFound("episode")
    return _page(found)


@router.get(
    "/rejections",
    summary="What did not become a reading",
    responses=shapes.answers(shapes.RejectionsShape, 401, 404),
)
def rejections(
    staff: SignedIn,
    ports: PortsGiven,
    device: Annotated[str | None, Query(max_length=64, pattern=shapes.NOT_NUL)] = None,
    cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None,
    limit: Limit = 100,
) -> Response:
    """Messages refused in whole or in part, with every reason. The bytes stay in the database."""
    found = ports.desk.rejections(staff, device, cursor, limit)
    if found is None:
        raise NotFound("device")
    return _page(found)


def _window(asked: ReadingsAsked, now: int) -> Window:
    to_at = now if asked.to is None else from_datetime(asked.to)
    from_at = to_at - _DEFAULT_WINDOW_US if asked.from_ is None else from_datetime(asked.from_)
    ordered = _YEARS[0] <= from_at <= to_at <= _YEARS[1]
    if not ordered or to_at - from_at > LONGEST_WINDOW_US:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "from .. to must be 0 to 31 days, in the years 2000 to 2199",
            "invalid",
        )
    return Window(from_at, to_at, asked.step, asked.cursor, asked.limit)


def _page(page: Page) -> Response:
    return JSONResponse({"items": page.items, "next": page.next})
