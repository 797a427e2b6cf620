"""What every request passes, whatever it asks for."""

from pathlib import Path

import httpx
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


async def _ask(method: str, path: str) -> httpx.Response:
    ports = Ports(
        desk=Desk(Pool(NOWHERE)),
        access=AccessDesk(Pool(NOWHERE)),
        truth=TruthDesk(Pool(NOWHERE)),
        audit=AuditDesk(Pool(NOWHERE)),
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
    transport = httpx.ASGITransport(create_app(ports, "1.2.3"))
    async with httpx.AsyncClient(transport=transport, base_url="http://doorstep") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json"])
async def test_what_can_be_read_can_be_asked_for_its_head(path: str) -> None:
    asked = await _ask("HEAD", path)
    read = await _ask("GET", path)
    assert (asked.status_code, asked.headers["content-length"]) == (
        read.status_code,
        read.headers["content-length"],
    )


@pytest.mark.parametrize("path", ["/api/v1/alerts/stream", "/api/v1/alerts/a/acknowledge"])
async def test_a_stream_and_a_deed_have_no_head(path: str) -> None:
    assert (await _ask("HEAD", path)).status_code == 405


async def test_a_nul_reaches_nobody() -> None:
    answer = await _ask("GET", "/api/v1/alerts?person=%00")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
