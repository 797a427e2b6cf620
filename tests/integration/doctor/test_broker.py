"""What the doctor finds at real brokers, good ones and bad ones."""

import pytest

from doorstep.doctor import broker
from doorstep.doctor.broker_checks import BrokerFacts, Queued
from doorstep.doctor.mqtt_link import Session, Version, connected
from doorstep.doctor.queue_probe import MESSAGES, Probe, try_queue
from ingest.sources.address import SourceSettings
from tests.integration.doctor.visiting import Guarded, visit
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

pytestmark = pytest.mark.integration

NAME = "doorstep-doctor-test"


def looked(url: str, **more: object) -> BrokerFacts:
    found = broker.look(SourceSettings(url, "doorstep-ingest", **more), NAME)  # type: ignore[arg-type]
    assert isinstance(found, BrokerFacts), found
    return found


def test_mosquitto_as_it_comes_loses_what_it_confirmed(database: str) -> None:
    with Mosquitto("max_queued_messages 1000") as mosquitto:
        found = visit(database, mosquitto.url)
    assert found.code == 1
    assert found.failed() == {"broker.offline_queue"}
    assert found.seen("broker.offline_queue").startswith("1,000 of 1,100 ")
    assert "max_queued_messages 0" in found.items["broker.offline_queue"]["remedy"]
    assert found.stderr == ""


def test_mosquitto_without_the_limit_passes(database: str, mosquitto: Mosquitto) -> None:
    found = visit(database, mosquitto.url)
    assert (found.code, found.failed()) == (0, set())
    assert found.seen("broker.protocol") == "MQTT 5"
    assert found.seen("broker.offline_queue").startswith("1,100 of 1,100 ")
    assert found.verdict("broker.offline_queue") == "ok"
    assert found.verdict("broker.window") == "ok"
    assert found.verdict("broker.version") == "warn"
    assert "mosquitto version 2." in found.seen("broker.version")


def test_the_embedded_broker_passes_in_3_1_1(database: str, nats: Nats) -> None:
    found = visit(database, nats.url)
    assert (found.code, found.failed()) == (0, set())
    assert found.verdict("broker.protocol") == "warn"
    assert found.seen("broker.offline_queue").startswith("1,100 of 1,100 ")
    assert found.verdict("broker.dropped") == "warn"


def test_limits_are_read_from_the_connack() -> None:
    options = ("max_packet_size 2000", "max_inflight_messages 15", "retain_available false")
    with Mosquitto(*options) as mosquitto:
        limits = looked(mosquitto.url).limits
    assert limits is not None
    assert (limits.packet_bytes, limits.receive_maximum, limits.retain) == (2_000, 15, False)
    assert limits.wildcards is not False


def test_qos_0_only_is_seen_and_the_queue_cannot_be_tried(database: str) -> None:
    with Mosquitto("max_qos 0") as mosquitto:
        found = visit(database, mosquitto.url)
    assert found.code == 1
    assert found.failed() == {"broker.qos"}
    assert found.verdict("broker.offline_queue") == "warn"


def test_the_window_of_3_1_1_is_the_brokers() -> None:
    with Mosquitto("max_inflight_messages 20") as mosquitto:
        facts = looked(mosquitto.url, protocol="3.1.1")
    assert facts.protocol == "3.1.1"
    assert facts.limits is None
    assert facts.queue == Queued(confirmed=MESSAGES, returned=MESSAGES, ahead=20)


def test_access_rules_that_forbid_the_probe_are_not_taken_for_a_loss(database: str) -> None:
    with Guarded() as guarded:
        found = visit(database, guarded.url)
    assert (found.code, found.failed()) == (0, set())
    assert found.verdict("broker.offline_queue") == "warn"
    assert "cannot probe: we may not write and read" in found.seen("broker.offline_queue")


def test_a_broker_that_asks_for_a_login_is_told_from_one_that_does_not() -> None:
    login = {"username": "doorstep", "password": "a long word"}
    with Mosquitto() as mosquitto:
        assert looked(mosquitto.url, **login).anonymous is True
    with Mosquitto("allow_anonymous false") as closed:
        settings = SourceSettings(closed.url, "doorstep-ingest", **login)  # type: ignore[arg-type]
        refused = broker.look(settings, NAME)
    assert isinstance(refused, str)
    assert "the broker refuses us" in refused


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_the_probe_leaves_no_session_behind(mosquitto: Mosquitto, version: Version) -> None:
    settings = SourceSettings(mosquitto.url, "doorstep-ingest")
    assert isinstance(try_queue(Probe(settings, version, f"{NAME}-left")), Queued)
    with connected(settings, Session(f"{NAME}-left", version, fresh=False)) as link:
        assert not link.present
        assert not link.wait(lambda: bool(link.messages), 0.5)


def test_the_session_of_ingestion_is_not_touched(mosquitto: Mosquitto, database: str) -> None:
    settings = SourceSettings(mosquitto.url, "doorstep-ingest-there")
    kept = Session(settings.client_id, "5", kept_s=60)
    with connected(settings, kept) as ours:
        ours.subscribe(["doorstep/v1/devices/+/readings"])
        found = visit(database, mosquitto.url, MQTT__CLIENT_ID=settings.client_id)
        assert found.code == 0
        # Still connected, and nothing of the probe came our way.
        assert not ours.wait(lambda: bool(ours.messages), 0.2)
    with connected(settings, Session(settings.client_id, "5", fresh=False)) as again:
        assert again.present
