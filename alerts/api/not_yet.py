"""What the contract has and this version has not: each answers 501 and says so."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Depends

from alerts.api import shapes
from alerts.api.auth import signed_in
from alerts.api.problems import Problem

ROUTES: Final = (("GET", "/reports/daily"),)

router = APIRouter(prefix="/api/v1", tags=["not yet"])


def _not_yet() -> None:
    """Not yet: part of the contract, and to come."""
    raise Problem(HTTPStatus.NOT_IMPLEMENTED, "not yet: this comes in a later version", "not-yet")


for _method, _path in ROUTES:
    router.add_api_route(
        _path,
        _not_yet,
        methods=[_method],
        dependencies=[Depends(signed_in)],
        summary="Not yet",
        operation_id=f"not_yet_{_path.strip('/').replace('/', '_')}",
        responses=shapes.answers(None, 401, 501),
    )
