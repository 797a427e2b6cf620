"""`/healthz`, `/readyz` and `/metrics` of the serving process, without a token."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from alerts.api.auth import PortsGiven

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
def healthz() -> Response:
    """200 as long as it is."""
    return JSONResponse({"alive": True})


@router.get("/readyz", summary="Can it answer?", responses={503: {"description": "It cannot"}})
def readyz(ports: PortsGiven) -> Response:
    """200, or 503 with the reasons."""
    reasons = ports.desk.ready()
    if not reasons and not ports.dispatcher.reading:
        reasons = ["the alert log is not being read"]
    body = {"ready": not reasons, "reasons": reasons}
    return JSONResponse(body, status_code=503 if reasons else 200)


@router.get("/metrics", summary="For Prometheus", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """The closed list of `alerts.metrics`."""
    registry = request.app.state.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
