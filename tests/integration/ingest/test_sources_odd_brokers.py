"""What a source does with a broker that refuses, lies, repeats itself or talks nonsense."""

import asyncio
from typing import Any

import pytest

from ingest.sources.port import SourceRefused
from ingest.sources.refusal import VersionRefused
from tests.integration.ingest.harness import Listener, eventually, make, running, throughout
from tests.integration.ingest.odd_broker import (
    OddBroker,
    answers,
    connack,
    packet,
    publish,
    suback,
    welcome,
)

pytestmark = pytest.mark.integration

NONSENSE = b"\xff\xff\xff\xff\xff\xff\xff\xff"
PUBACK_7 = b"\x40\x02\x00\x07"


@pytest.fixture(params=["5", "3.1.1"])
def version(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def level(connect: bytes) -> int:
    """The version of MQTT a CONNECT asks for, as the protocol counts them."""
    return connect[connect.index(b"MQTT") + 4]


async def refused(broker: OddBroker, protocol: str) -> SourceRefused:
    """What the source raises for this broker."""
    listener = Listener()
    with pytest.raises(SourceRefused) as caught:
        async with asyncio.timeout(10):
            await make(broker.url, protocol).run(listener.deliver, listener.report)
    assert listener.events == []
    return caught.value


@pytest.mark.parametrize("codes", [(0x85, 2), (0x86, 4), (0x87, 5)])
async def test_a_final_refusal_is_not_retried(version: str, codes: tuple[int, int]) -> None:
    code = codes[0] if version == "5" else codes[1]
    async with OddBroker(answers(connack(version, code))) as broker:
        await refused(broker, version)
        assert len(broker.connects) == 1


@pytest.mark.parametrize("answer", [connack("5", 0x87), connack("3.1.1", 5)])
async def test_a_final_refusal_does_not_make_auto_fall_back(answer: bytes) -> None:
    async with OddBroker(answers(answer)) as broker:
        assert not isinstance(await refused(broker, "auto"), VersionRefused)
        assert [level(each) for each in broker.connects] == [5]


async def test_a_busy_broker_is_asked_again(version: str) -> None:
    busy = answers(connack(version, 0x88 if version == "5" else 3))
    async with OddBroker(busy, busy, welcome(version)) as broker:
        async with running(make(broker.url, version)) as listener:
            assert len(broker.connects) == 3
            assert [each.generation for each in listener.connections] == [3]
            assert listener.losses == []


@pytest.mark.parametrize("code", [0x80, 0])
async def test_a_subscription_refused_or_without_promise_ends_the_source(
    version: str, code: int
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack(version))
        writer.write(suback(version, await packet(reader), code))
        await answers()(reader, writer)

    async with OddBroker(refuse) as broker:
        assert "devices/+/readings" in str(await refused(broker, version))


@pytest.mark.parametrize(
    "nonsense",
    [NONSENSE, b"\x90\x01\x00", b"\x20\x01\x00", b"\xd0\x05abcde", b"\x00\x00", b"\x82\x00"],
)
async def test_nonsense_ends_the_connection_and_not_the_source(
    version: str, nonsense: bytes
) -> None:
    good = publish(version, b"good", 7)
    async with OddBroker(welcome(version, nonsense), welcome(version, good)) as broker:
        async with running(make(broker.url, version)) as listener:
            await eventually(lambda: listener.payloads == [b"good"])
            assert [each.generation for each in listener.losses] == [1]
            assert listener.envelopes[0].token == (2, 7)


async def test_nonsense_instead_of_an_answer(version: str) -> None:
    async with OddBroker(answers(NONSENSE), welcome(version)) as broker:
        async with running(make(broker.url, version)) as listener:
            assert [each.generation for each in listener.connections] == [2]


async def test_messages_of_the_session_wait_for_the_suback(version: str) -> None:
    early = publish(version, b"early", 7)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack(version) + early)
        writer.write(suback(version, await packet(reader)) + publish(version, b"later", 8))
        await answers()(reader, writer)

    async with OddBroker(talk) as broker, running(make(broker.url, version)) as listener:
        await eventually(lambda: len(listener.envelopes) == 2)
        assert listener.payloads == [b"early", b"later"]


async def test_a_repeat_is_delivered_once_and_confirmed_once(version: str) -> None:
    again = asyncio.Event()
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await welcome_only(reader, writer)
        writer.write(publish(version, b"first", 7) + publish(version, b"first", 7, flags=0x0A))
        await again.wait()
        writer.write(publish(version, b"first", 7, flags=0x0A) + publish(version, b"other", 8))
        while (received := await packet(reader))[0] != 0xE0:
            heard.append(received)
            if received == PUBACK_7:
                # A number that was confirmed is free for another message.
                writer.write(publish(version, b"second", 7))

    async def welcome_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack(version))
        writer.write(suback(version, await packet(reader)))

    async with OddBroker(talk) as broker:
        source = make(broker.url, version)
        async with running(source) as listener:
            await eventually(lambda: listener.payloads == [b"first"])
            again.set()
            await eventually(lambda: listener.payloads == [b"first", b"other"])
            source.ack([(1, 7), (1, 7), (9, 8), (1, 99)])
            source.ack([(1, 99)])
            await eventually(lambda: listener.payloads == [b"first", b"other", b"second"])
    assert [each for each in heard if each[0] == 0x40] == [PUBACK_7]


async def test_qos_2_is_not_taken(version: str) -> None:
    twice = publish(version, b"twice", 7, flags=4)
    async with OddBroker(welcome(version, twice + b"\x62\x02\x00\x07"), welcome(version)) as broker:
        async with running(make(broker.url, version)) as listener:
            await eventually(lambda: len(listener.connections) == 2)
            assert "QoS 2" in listener.losses[0].reason
            assert listener.envelopes == []


# The codec panics over such bytes, and leaves an exception lying about.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "seen"), [("5", "a\ufffdb"), ("3.1.1", "")])
async def test_a_topic_that_is_not_utf_8_does_not_block_the_stream(name: str, seen: str) -> None:
    bad = publish(name, b"bad", 7, topic=b"a\xffb")
    async with OddBroker(welcome(name, bad, publish(name, b"good", 8))) as broker:
        async with running(make(broker.url, name)) as listener:
            await eventually(lambda: listener.payloads == [b"bad", b"good"])
            assert listener.envelopes[0].topic == seen
            assert listener.tokens() == [(1, 7), (1, 8)]


async def test_a_dismissal_is_reported_with_its_reason() -> None:
    shutting_down = b"\xe0\x01\x8b"
    async with OddBroker(welcome("5", shutting_down), welcome("5")) as broker:
        async with running(make(broker.url, "5")) as listener:
            await eventually(lambda: len(listener.connections) == 2)
            assert "SERVER_SHUTTING_DOWN" in listener.losses[0].reason


async def test_taken_over_it_says_so_and_stays_away() -> None:
    async with OddBroker(welcome("5", b"\xe0\x01\x8e")) as broker:
        async with running(make(broker.url, "5")) as listener:
            await eventually(lambda: len(listener.losses) == 1)
            assert "SESSION_TAKEN_OVER" in listener.losses[0].reason
            await throughout(lambda: len(broker.connects) == 1, 3.0)


@pytest.mark.parametrize("answer", [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00"])
async def test_only_a_refused_version_makes_auto_fall_back(answer: bytes) -> None:
    async with OddBroker(answers(answer), welcome("3.1.1")) as broker:
        async with running(make(broker.url, "auto")) as listener:
            assert [level(each) for each in broker.connects] == [5, 4]
            assert [each.generation for each in listener.connections] == [2]
    async with OddBroker(answers(answer)) as broker:
        assert isinstance(await refused(broker, "5"), VersionRefused)


@pytest.mark.parametrize("answer", [b"", b"\x20\x02\x00\x03", b"\x20\x03\x00\x88\x00", NONSENSE])
async def test_no_other_failure_makes_auto_fall_back(answer: bytes) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with OddBroker(reset, reset, welcome("5")) as broker:
        async with running(make(broker.url, "auto")):
            assert [level(each) for each in broker.connects] == [5, 5, 5]


async def test_the_greeting_asks_for_what_the_settings_say() -> None:
    async with OddBroker(welcome("5")) as broker:
        more: dict[str, Any] = {
            "receive_maximum": 0x0102,
            "session_expiry_s": 0x01020304,
            "keep_alive_s": 0x0A0B,
            "username": "u\u00e4",
            "password": "p\u00e4",
        }
        async with running(make(broker.url, "5", **more)):
            greeting = broker.connects[0]
    assert b"\x21\x01\x02" in greeting
    assert b"\x11\x01\x02\x03\x04" in greeting
    # Version 5; user name and password, but no clean start; the keep-alive.
    assert b"MQTT\x05\xc0\x0a\x0b" in greeting
    assert greeting.endswith("\x00\x03u\u00e4\x00\x03p\u00e4".encode())


async def test_a_stopped_source_sends_its_pubacks_and_a_goodbye(version: str) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack(version))
        writer.write(suback(version, await packet(reader)))
        writer.write(b"".join(publish(version, b"%d" % n, n) for n in range(1, 11)))
        while (received := await packet(reader))[0] != 0xE0:
            heard.append(received)
            # Unread bytes at the other end must not cost a puback.
            writer.write(publish(version, b"more", 11))
        heard.append(received)

    async with OddBroker(talk) as broker:
        source = make(broker.url, version, echo_s=0)
        async with running(source) as listener:
            await eventually(lambda: len(listener.envelopes) == 10)
            source.ack(listener.tokens())
    pubacks = [each for each in heard if each[0] == 0x40]
    assert [each[3] for each in pubacks] == list(range(1, 11))
    assert heard[-1] == b"\xe0\x00"


async def test_the_broker_hears_nothing_of_a_broken_connection_twice(version: str) -> None:
    """Once stopped, nobody connects again."""
    async with OddBroker(welcome(version)) as broker:
        async with running(make(broker.url, version)):
            pass
        await throughout(lambda: len(broker.connects) == 1, 1.5)
