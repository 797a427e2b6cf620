"""Puts the HTTP side together. Decides nothing; starts nothing: `doorstep serve` runs it."""

from typing import Final

from fastapi import FastAPI

from alerts.api import (
    accuracy,
    alerts,
    audit,
    deeds,
    docs,
    episodes,
    health,
    location,
    notifications,
    pages,
    problems,
    reports,
    sessions,
    signals,
    stream,
    webhooks,
)
from alerts.api.edge import Edge
from alerts.api.looks import Looks
from alerts.api.ports import Ports
from alerts.api.throttle import Ration
from alerts.metrics import Blindness, Counts, ServiceMetrics
from alerts.signals import Horizon

_DESCRIPTION: Final = (
    "Alerts about people in home quarantine, for those who look after them. Send a token as"
    " `Authorization: Bearer ...`; one for looking is answered 403 to all but GET and HEAD. What"
    " belongs to another grid is not there: 404. Every error is a problem detail,"
    " application/problem+json. Instants are RFC 3339, UTC. Lists have `items` and `next`, the"
    " `cursor` of the next part."
)
DENIALS: Final = 30
"""Entries a minute that refusals of one member make."""
_ROUTES: Final = (
    sessions,
    # Before the alerts: `stream` is no alert's id.
    stream,
    alerts,
    deeds,
    location,
    episodes,
    signals,
    accuracy,
    reports,
    webhooks,
    notifications,
    audit,
    health,
)


def create_app(ports: Ports, version: str) -> Edge:
    """The application, on these ports. ASGI."""
    app = FastAPI(
        title="Doorstep",
        version=version,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    metrics = ServiceMetrics(
        ports.dispatcher,
        lambda: _counts(ports),
        lambda: _blindness(ports),
        ports.deliveries,
        ports.canary_ages,
        lambda: _overdue(ports),
    )
    app.state.ports = ports
    app.state.metrics = metrics
    app.state.denials = Ration(DENIALS)
    app.state.looks = Looks()
    app.state.door = sessions.Door(metrics.sign_ins)
    for module in _ROUTES:
        app.include_router(module.router)
    docs.install(app)
    pages.install(app, ports.console)
    problems.install(app, ports.unavailable)
    return Edge(app, metrics)


def _counts(ports: Ports) -> Counts | None:
    try:
        return ports.desk.alert_counts()
    except ports.unavailable:
        return None


def _overdue(ports: Ports) -> int | None:
    try:
        return ports.deadlines_overdue()
    except ports.unavailable:
        return None


def _blindness(ports: Ports) -> Blindness | None:
    try:
        return ports.desk.blindness(Horizon.at(ports.now(), ports.clock_factor))
    except ports.unavailable:
        return None
