"""Webhooks over HTTP: supervisors and admins make, change, test and rotate those of their grids."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from alerts.api import shapes
from alerts.api import webhook_shapes as told
from alerts.api.auth import PortsGiven, SignedIn, denied, own_grid
from alerts.api.problems import NotFound, Problem
from alerts.api.webhook_ports import Poster
from alerts.delivery import Later, Sent, State
from alerts.feeds.webhook import new_id, new_trial_id
from alerts.staff import Role, Staff
from alerts.subscription import Changes, each_once, trial, webhook_of
from alerts.targets import refusal
from domain.instant import SECOND_US, format_rfc3339

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])

_LARGEST_ID: Final = 2**63 - 1


def keeping(request: Request, ports: PortsGiven, staff: SignedIn) -> Staff:
    """Who is asking, if they may keep webhooks. Raises `Problem`: 403."""
    if staff.role not in (Role.SUPERVISOR, Role.ADMIN):
        detail = f"webhooks are kept by supervisors and admins, not by a {staff.role.value}"
        raise denied(request, ports, staff, detail)
    return staff


Keeping = Annotated[Staff, Depends(keeping)]
EventId = Annotated[int, Path(ge=1, le=_LARGEST_ID)]


@router.get("", summary="Webhooks", responses=shapes.answers(told.WebhooksShape, 401, 403))
def webhooks(staff: Keeping, ports: PortsGiven) -> Response:
    """Those all of whose grids are yours. Secrets are not shown."""
    items = ports.webhooks.desk.listed(staff, ports.real_now())
    return JSONResponse({"items": items, "next": None})


@router.post(
    "",
    summary="Make a webhook",
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"model": told.NewWebhookShape},
        **shapes.answers(None, 401, 403, 404, 409),
    },
)
def make(staff: Keeping, ports: PortsGiven, body: told.NewWebhook) -> Response:
    """It is sent the alert events of its grids from now on. The secret is shown this once."""
    _refuse_target(ports.webhooks.poster, body.url)
    wanted = webhook_of(new_id(), body.url, body.name, _numbers(staff, body.grids), staff.id)
    secret, now = ports.webhooks.new_secret(), ports.real_now()
    if not ports.webhooks.desk.add(staff, wanted, secret, now):
        raise Problem(HTTPStatus.CONFLICT, "there are as many webhooks as there may be")
    made = _there(ports.webhooks.desk.one(staff, wanted.id, now))
    headers = {"Location": f"/api/v1/webhooks/{wanted.id}"}
    return JSONResponse({**made, "secret": secret}, HTTPStatus.CREATED, headers)


@router.get(
    "/{webhook_id}",
    summary="One webhook",
    responses=shapes.answers(told.WebhookShape, 401, 403, 404),
)
def webhook(staff: Keeping, ports: PortsGiven, webhook_id: str) -> Response:
    """With how it has been answering."""
    return JSONResponse(_there(ports.webhooks.desk.one(staff, webhook_id, ports.real_now())))


@router.patch(
    "/{webhook_id}",
    summary="Change a webhook, stop it or start it again",
    responses=shapes.answers(told.WebhookShape, 401, 403, 404),
)
def change(
    staff: Keeping, ports: PortsGiven, webhook_id: str, body: told.WebhookChanges
) -> Response:
    """Started again (`enabled`), it goes on with the event it had reached."""
    if body.url is not None:
        _refuse_target(ports.webhooks.poster, body.url)
    grid_nos = None if body.grids is None else each_once(_numbers(staff, body.grids))
    changes = Changes(body.name, body.url, grid_nos, body.enabled)
    now = ports.real_now()
    if not ports.webhooks.desk.change(staff, webhook_id, changes, now):
        raise NotFound("webhook")
    return JSONResponse(_there(ports.webhooks.desk.one(staff, webhook_id, now)))


@router.delete(
    "/{webhook_id}",
    summary="Take a webhook away",
    status_code=HTTPStatus.NO_CONTENT,
    responses=shapes.answers(None, 401, 403, 404),
)
def remove(staff: Keeping, ports: PortsGiven, webhook_id: str) -> Response:
    """With its delivery log."""
    if not ports.webhooks.desk.remove(staff, webhook_id):
        raise NotFound("webhook")
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{webhook_id}/test",
    summary="Send a test message",
    responses=shapes.answers(told.TestShape, 401, 403, 404),
)
async def test(staff: Keeping, ports: PortsGiven, webhook_id: str) -> Response:
    """Of `type` test, signed as any other, now and once; also to one that is stopped."""
    desk, now = ports.webhooks.desk, ports.real_now()
    consumer = await asyncio.to_thread(desk.to_test, staff, webhook_id, now)
    if consumer is None:
        raise NotFound("webhook")
    body = trial(new_trial_id(), consumer.id, ports.now())
    answer = await ports.webhooks.poster.post(consumer, body["id"], body)
    assert not isinstance(answer, Later), "a webhook is sent or not"
    said = {"delivered": isinstance(answer, Sent), "status": answer.status}
    return JSONResponse({"id": body["id"], **said})


@router.post(
    "/{webhook_id}/rotate",
    summary="A new secret",
    responses=shapes.answers(told.SecretShape, 401, 403, 404),
)
def rotate(
    staff: Keeping, ports: PortsGiven, webhook_id: str, body: told.Rotation | None = None
) -> Response:
    """Shown this once. Until `overlap_s` is over, messages carry a signature of the old one too."""
    now, secret = ports.real_now(), ports.webhooks.new_secret()
    until = now + (body or told.Rotation()).overlap_s * SECOND_US
    if not ports.webhooks.desk.rotate(staff, webhook_id, secret, (now, until)):
        raise NotFound("webhook")
    return JSONResponse({"secret": secret, "old_secret_until": format_rfc3339(until)})


@router.get(
    "/{webhook_id}/deliveries",
    summary="What became of events",
    responses=shapes.answers(told.DeliveriesShape, 401, 403, 404),
)
def deliveries(
    staff: Keeping,
    ports: PortsGiven,
    webhook_id: str,
    state: State | None = None,
    cursor: Annotated[str | None, Query(max_length=20, pattern=shapes.NOT_NUL)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The newest events first. What was delivered is kept for two weeks."""
    found = ports.webhooks.desk.deliveries(staff, webhook_id, state, (cursor, limit))
    if found is None:
        raise NotFound("webhook")
    return JSONResponse({"items": found.items, "next": found.next})


@router.post(
    "/{webhook_id}/deliveries/{event_id}/resend",
    summary="Send an event again",
    status_code=HTTPStatus.ACCEPTED,
    response_class=Response,
    responses=shapes.answers(None, 401, 403, 404, 409),
)
def resend(staff: Keeping, ports: PortsGiven, webhook_id: str, event_id: EventId) -> Response:
    """With the id it had, whatever became of it; within a second or two."""
    sent = ports.webhooks.desk.resend(staff, webhook_id, event_id, ports.real_now())
    if sent is None:
        raise NotFound("webhook or event")
    if not sent:
        raise Problem(HTTPStatus.CONFLICT, "too much waits for this webhook already")
    return Response(status_code=HTTPStatus.ACCEPTED)


def _refuse_target(poster: Poster, url: str) -> None:
    why = refusal(url, private=poster.private)
    if why is not None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"url: {why}", "invalid")


def _numbers(staff: Staff, grids: list[str]) -> tuple[int, ...]:
    for grid in grids:
        own_grid(staff, grid)
    return tuple(staff.grids[grid] for grid in grids)


def _there(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        raise NotFound("webhook")
    return found
