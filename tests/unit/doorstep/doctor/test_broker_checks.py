"""What each thing seen of a broker is judged to be."""

from dataclasses import replace

import pytest

from doorstep.doctor.broker_checks import (
    LARGEST_PACKET,
    Asked,
    BrokerFacts,
    Limits,
    NotProbed,
    Queued,
    judge,
)
from doorstep.doctor.check import Check, Verdict

ASKED = Asked(host="broker", tls=True, session_expiry_s=604_800, receive_maximum=2_000)
HERE = replace(ASKED, host="127.0.0.1", tls=False)
GOOD = BrokerFacts(
    protocol="5",
    anonymous=False,
    queue=Queued(confirmed=1_100, returned=1_100, ahead=1_100),
    limits=Limits(),
    version="mosquitto version 2.1.2",
    dropped=0,
)


def judged(facts: BrokerFacts | str, asked: Asked = ASKED) -> dict[str, Check]:
    return {check.name: check for check in judge(asked, facts)}


def verdict(name: str, facts: BrokerFacts, asked: Asked = ASKED) -> Verdict:
    return judged(facts, asked)[name].verdict


def test_a_good_broker_is_all_ok() -> None:
    checks = judge(ASKED, GOOD)
    assert {check.verdict for check in checks} == {Verdict.OK}
    assert len({check.name for check in checks}) == len(checks) == 14


def test_of_an_unreachable_broker_only_the_address_is_judged() -> None:
    checks = judged("connection refused")
    assert [*checks] == ["broker.reachable", "broker.transport"]
    assert checks["broker.reachable"].unreachable
    assert checks["broker.reachable"].seen == "connection refused"


def test_3_1_1_is_a_warning_and_has_no_limits_to_judge() -> None:
    checks = judged(replace(GOOD, protocol="3.1.1", limits=None))
    assert checks["broker.protocol"].verdict is Verdict.WARN
    assert "broker.packet_size" not in checks


@pytest.mark.parametrize(
    ("limits", "name", "expected"),
    [
        (Limits(receive_maximum=19), "broker.receive_maximum", Verdict.WARN),
        (Limits(receive_maximum=20), "broker.receive_maximum", Verdict.OK),
        (Limits(maximum_qos=0), "broker.qos", Verdict.FAIL),
        (Limits(maximum_qos=1), "broker.qos", Verdict.OK),
        (Limits(retain=False), "broker.retain", Verdict.WARN),
        (Limits(retain=True), "broker.retain", Verdict.OK),
        (Limits(wildcards=False), "broker.wildcards", Verdict.FAIL),
        (Limits(packet_bytes=65_536), "broker.packet_size", Verdict.FAIL),
        (Limits(packet_bytes=LARGEST_PACKET), "broker.packet_size", Verdict.OK),
        (Limits(session_expiry_s=604_799), "broker.session_expiry", Verdict.FAIL),
        (Limits(session_expiry_s=604_800), "broker.session_expiry", Verdict.OK),
    ],
)
def test_limits(limits: Limits, name: str, expected: Verdict) -> None:
    assert verdict(name, replace(GOOD, limits=limits)) is expected


def test_the_largest_message_of_the_contract_fits_the_largest_packet() -> None:
    topic = f"doorstep/v1/devices/{'a' * 64}/readings"
    # Fixed header, topic with its length, packet id, no properties (MQTT 5, section 3.3).
    assert 5 + 2 + len(topic) + 2 + 1 + 65_536 <= LARGEST_PACKET


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        (Queued(confirmed=1_100, returned=1_000, ahead=1_000), Verdict.FAIL),
        (Queued(confirmed=1_100, returned=0, ahead=0), Verdict.FAIL),
        (Queued(confirmed=1_050, returned=1_050, ahead=20), Verdict.OK),
        (NotProbed("we may not"), Verdict.WARN),
    ],
)
def test_what_was_confirmed_must_come_back(queue: Queued | NotProbed, expected: Verdict) -> None:
    assert verdict("broker.offline_queue", replace(GOOD, queue=queue)) is expected


def test_a_queue_that_cannot_be_tried_says_so() -> None:
    checks = judged(replace(GOOD, queue=NotProbed("we may not")))
    assert checks["broker.offline_queue"].seen == "cannot probe: we may not"
    assert "broker.window" not in checks


@pytest.mark.parametrize(
    ("ahead", "asked", "expected"),
    [
        (1_100, 2_000, Verdict.OK),
        (500, 500, Verdict.OK),
        (100, 2_000, Verdict.OK),
        (99, 2_000, Verdict.WARN),
        (20, 20, Verdict.OK),
    ],
)
def test_the_window(ahead: int, asked: int, expected: Verdict) -> None:
    facts = replace(GOOD, queue=Queued(1_100, 1_100, ahead))
    assert verdict("broker.window", facts, replace(ASKED, receive_maximum=asked)) is expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("mosquitto version 2.0.21", Verdict.WARN),
        ("mosquitto version 1.6.9", Verdict.WARN),
        ("mosquitto version 2.1.2", Verdict.OK),
        ("mosquitto version 2.10.0", Verdict.OK),
        ("mosquitto version 3.0", Verdict.OK),
    ],
)
def test_mosquitto_writes_before_it_confirms_from_2_1_on(version: str, expected: Verdict) -> None:
    assert verdict("broker.version", replace(GOOD, version=version)) is expected


@pytest.mark.parametrize("version", [None, "", "mosquitto version x.y", "another 1.0"])
def test_of_another_brokers_version_nothing_is_known(version: str | None) -> None:
    assert "broker.version" not in judged(replace(GOOD, version=version))


@pytest.mark.parametrize(
    ("dropped", "expected"), [(0, Verdict.OK), (1, Verdict.WARN), (None, Verdict.WARN)]
)
def test_drops(dropped: int | None, expected: Verdict) -> None:
    assert verdict("broker.dropped", replace(GOOD, dropped=dropped)) is expected


@pytest.mark.parametrize(
    ("asked", "anonymous", "expected"),
    [
        (ASKED, False, Verdict.OK),
        (ASKED, True, Verdict.FAIL),
        (HERE, True, Verdict.WARN),
        (ASKED, None, Verdict.WARN),
    ],
)
def test_strangers(asked: Asked, anonymous: bool | None, expected: Verdict) -> None:
    assert verdict("broker.anonymous", replace(GOOD, anonymous=anonymous), asked) is expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(ASKED, Verdict.OK), (HERE, Verdict.OK), (replace(ASKED, tls=False), Verdict.WARN)],
)
def test_plain_text_to_another_machine(asked: Asked, expected: Verdict) -> None:
    assert verdict("broker.transport", GOOD, asked) is expected
