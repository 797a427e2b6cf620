"""The description of the API is whole: every call of the contract, with its refusals."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from alerts.api.app import create_app
from alerts.api.ports import Ports
from alerts.api.webhook_ports import Webhooks
from alerts.dispatcher import Dispatcher
from alerts.feeds.notify import Notifier
from alerts.feeds.webhook import WebhookSender
from store.access_desk import AccessDesk
from store.alertfeed import AlertFeed
from store.audit_desk import AuditDesk
from store.contact_uses import Uses
from store.desk import Desk
from store.location_desk import LocationDesk
from store.notified import Directory
from store.pool import Pool
from store.truth_desk import TruthDesk
from store.webhook_desk import WebhookDesk

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"

CONTRACT = {
    ("GET", "/alerts"),
    ("GET", "/alerts/{alert_id}"),
    ("GET", "/alerts/{alert_id}/events"),
    ("POST", "/alerts/{alert_id}/acknowledge"),
    ("POST", "/alerts/{alert_id}/visit"),
    ("POST", "/alerts/{alert_id}/outcome"),
    ("POST", "/alerts/{alert_id}/note"),
    ("POST", "/alerts/{alert_id}/assign"),
    ("POST", "/alerts/{alert_id}/undo"),
    ("GET", "/alerts/stream"),
    ("GET", "/signals"),
    ("GET", "/episodes"),
    ("GET", "/episodes/{episode_id}"),
    ("GET", "/episodes/{episode_id}/readings"),
    ("GET", "/rules/accuracy"),
    ("GET", "/rejections"),
    ("GET", "/gaps"),
    ("GET", "/reports/daily"),
}
WEBHOOKS = {
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("GET", "/webhooks/{webhook_id}"),
    ("PATCH", "/webhooks/{webhook_id}"),
    ("DELETE", "/webhooks/{webhook_id}"),
    ("POST", "/webhooks/{webhook_id}/test"),
    ("POST", "/webhooks/{webhook_id}/rotate"),
    ("GET", "/webhooks/{webhook_id}/deliveries"),
    ("POST", "/webhooks/{webhook_id}/deliveries/{event_id}/resend"),
}
NOTIFICATIONS = {("POST", "/staff/me/notifications/test")}
LOCATION = {("GET", "/alerts/{alert_id}/location")}
AUDIT = {("GET", "/audit")}
SESSION = {("POST", "/session"), ("GET", "/session"), ("DELETE", "/session")}
ASKED = {
    "/api/v1/alerts": {"grid", "response", "rule", "severity", "person", "cursor", "limit"},
    "/api/v1/alerts/stream": {"grid", "Last-Event-ID", "last_event_id", "canary"},
    "/api/v1/episodes/{episode_id}/readings": {
        *("episode_id", "from", "to", "step", "cursor", "limit"),
    },
    "/api/v1/rejections": {"device", "cursor", "limit"},
    "/api/v1/gaps": {"device", "cursor", "limit"},
    "/api/v1/audit": {"staff", "object", "what", "cursor", "limit"},
    "/api/v1/signals": {"active", "cursor", "limit"},
    "/api/v1/reports/daily": {"grid", "date", "format"},
    "/api/v1/rules/accuracy": {*("by", "grid", "from", "to", "swap_proposed", "cursor", "limit")},
}


@cache
def openapi() -> dict[str, Any]:
    ports = Ports(
        desk=Desk(Pool(NOWHERE)),
        access=AccessDesk(Pool(NOWHERE)),
        audit=AuditDesk(Pool(NOWHERE)),
        truth=TruthDesk(Pool(NOWHERE)),
        location=LocationDesk(Pool(NOWHERE)),
        dispatcher=Dispatcher(lambda: AlertFeed(NOWHERE), ()),
        now=lambda: 0,
        real_now=lambda: 0,
        clock_factor=1.0,
        console=Path("nowhere"),
        unavailable=(),
        webhooks=Webhooks(WebhookDesk(Pool(NOWHERE)), WebhookSender(lambda: 0), lambda: ""),
        notifier=Notifier(Directory(Pool(NOWHERE)), Uses(Pool(NOWHERE)), "", lambda: 0, ()),
        deliveries=dict,
    )
    return create_app(ports, "1.2.3").app.openapi()


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path.removeprefix("/api/v1")): operation
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1")
    }


def test_every_call_of_the_contract_is_there_and_none_besides() -> None:
    extras = WEBHOOKS | NOTIFICATIONS | LOCATION | AUDIT
    assert {*operations()} == CONTRACT | SESSION | extras


def test_every_operation_says_what_it_is_and_has_a_name_of_its_own() -> None:
    for operation in operations().values():
        assert operation["summary"]
        assert operation["description"]
    names = [operation["operationId"] for operation in operations().values()]
    assert len({*names}) == len(names)


def test_every_operation_but_the_sign_in_needs_somebody() -> None:
    for (method, path), operation in operations().items():
        assert "401" in operation["responses"]
        if path != "/session" or method == "GET":
            assert {*next(iter(operation["security"]))} <= {"HTTPBearer", "APIKeyCookie"}


def test_refusals_are_described_as_problems() -> None:
    for operation in operations().values():
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert [*answer["content"]] == ["application/problem+json"], (operation, status)


@pytest.mark.parametrize("path", ASKED)
def test_what_can_be_asked(path: str) -> None:
    parameters = openapi()["paths"][path]["get"]["parameters"]
    assert {each["name"] for each in parameters} == ASKED[path]


def test_writes_take_their_conditions() -> None:
    for deed in ("acknowledge", "visit", "outcome", "note", "assign", "undo"):
        operation = operations()["POST", f"/alerts/{{alert_id}}/{deed}"]
        names = {each["name"] for each in operation["parameters"]}
        assert {"if-match", "idempotency-key"} <= {name.lower() for name in names}
        assert {"403", "404", "409", "412"} <= {*operation["responses"]}


def test_the_version_is_the_programs() -> None:
    assert openapi()["info"]["version"] == "1.2.3"


def test_whatever_a_path_names_is_a_parameter() -> None:
    for (_, path), operation in operations().items():
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        given = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert given == named, path
