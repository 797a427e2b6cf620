"""`/healthz`, `/readyz` and `/metrics` of the ingestion process."""

import asyncio
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ingest.metrics import PipelineCollector, Signals
from ingest.pipeline import Pipeline

PATHS: Final = ("/healthz", "/readyz", "/metrics")


def not_ready_because(pipeline: Pipeline, signals: Signals) -> list[str]:
    """Why readings are not being stored right now; empty when they are."""
    reasons = []
    if not pipeline.connected:
        reasons.append("no session with the broker")
    if signals.hearing.deaf:
        reasons.append("messages do not come back from the broker")
    if pipeline.failing:
        reasons.append("the database does not take readings")
    elif pipeline.hung:
        reasons.append("a commit has been under way for more than a second")
    if pipeline.flooded:
        reasons.append("far too many messages are rejected: see GET /rejections")
    if signals.roster_unread:
        reasons.append("the roster cannot be read: readings are judged by an older one")
    return reasons


def application(pipeline: Pipeline, signals: Signals) -> Starlette:
    """The three routes; nothing else is served."""
    registry = CollectorRegistry()
    registry.register(
        PipelineCollector(pipeline, signals, lambda: asyncio.get_running_loop().time())
    )

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        reasons = not_ready_because(pipeline, signals)
        body = {"ready": not reasons, "reasons": reasons}
        return JSONResponse(body, status_code=503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    handlers = (healthz, readyz, metrics)
    return Starlette(
        routes=[Route(path, handler) for path, handler in zip(PATHS, handlers, strict=True)]
    )
