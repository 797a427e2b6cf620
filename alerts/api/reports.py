"""The daily report over HTTP: JSON, or CSV for those who keep tables."""

from datetime import date as calendar_date
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from starlette.responses import Response

from alerts.api import shapes
from alerts.api.auth import PortsGiven, SignedIn, own_grid
from alerts.api.problems import Problem
from alerts.api.shapes_report import ReportShape
from alerts.report_csv import lines

router = APIRouter(prefix="/api/v1", tags=["truth"])

CSV: Final = "text/csv"
_YEARS: Final = (calendar_date(2000, 1, 1), calendar_date(2199, 12, 31))
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **shapes.answers(None, 401, 404),
    200: {"model": ReportShape, "content": {CSV: {"schema": {"type": "string"}}}},
}


@router.get("/reports/daily", summary="A day for the health authority", responses=_ANSWERS)
def daily(
    staff: SignedIn,
    ports: PortsGiven,
    grid: Annotated[str | None, Query(max_length=200, pattern=shapes.NOT_NUL)] = None,
    date: calendar_date | None = None,
    format: Annotated[  # noqa: A002 - the name outsiders use
        Literal["json", "csv"] | None, Query(description="stronger than `Accept`")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What happened in a day, by the clocks of the grid's community; nobody is in it.

    Of one grid, or of all of mine together. Without `date` the day is today, and `complete` is
    false. How many people are in an age band is `<5` from one to four; all else is exact.
    """
    if date is not None and not _YEARS[0] <= date <= _YEARS[1]:
        raise _no_such_day("the years are 2000 to 2199")
    report = ports.truth.report(staff, own_grid(staff, grid), date, ports.now())
    if report is None:
        raise _no_such_day("that day has not begun, or there is no grid")
    headers = {"Vary": "Accept"}
    if (format or _preferred(accept)) != "csv":
        return JSONResponse(report, headers=headers)
    name = f"doorstep-{report['date']}.csv"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response("".join(lines(report)), media_type=CSV, headers=headers)


def _preferred(accept: str) -> Literal["json", "csv"]:
    """CSV where it is named before JSON; weights are for those who offer more than two."""
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    named = [each for each in kinds if each in (CSV, "application/json")]
    return "csv" if named[:1] == [CSV] else "json"


def _no_such_day(why: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"/query/date: {why}", "invalid")
