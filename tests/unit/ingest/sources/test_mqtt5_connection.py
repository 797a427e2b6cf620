"""Transcripts: bytes in, bytes out, with a transport that only writes down."""

import asyncio
from collections.abc import Sequence
from typing import Any

import mqtt5
import pytest
from typing_extensions import override

from ingest.sources.address import SourceSettings
from ingest.sources.echo import Echo
from ingest.sources.mqtt5_connection import PINGS_PER_KEEP_ALIVE, Mqtt5Connection
from ingest.sources.port import Connected, Envelope, Notice, SourceEvent, SourceRefused
from ingest.sources.reconnect import Ended

CONNACK = mqtt5.ConnAckPacket(session_present=True).write()
SUBACK = mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write()
PINGREQ = mqtt5.PingReqPacket().write()
PINGRESP = mqtt5.PingRespPacket().write()
WINDOW = 30
GOODBYE = mqtt5.DisconnectPacket().write()


class Paper(asyncio.Transport):
    """A transport that only writes down."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.reading = True
        self.closed = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    @override
    def pause_reading(self) -> None:
        self.reading = False

    @override
    def resume_reading(self) -> None:
        self.reading = True

    @override
    def close(self) -> None:
        self.closed = True

    @override
    def abort(self) -> None:
        self.closed = True


class Scene:
    """A connection with its paper transport, and what it told."""

    def __init__(self, *, paused: bool = False, echo_s: float = 0) -> None:
        self.calls: list[list[bytes]] = []
        self.events: list[SourceEvent] = []
        settings = SourceSettings("mqtt://h", "ingest", receive_maximum=WINDOW, keep_alive_s=300)
        self.echo = Echo("ingest", echo_s, 99)
        self.it = Mqtt5Connection(
            4, settings, lambda: 99, self.echo, self.deliver, self.events.append
        )
        if paused:
            self.it.pause()
        self.paper = Paper()
        self.it.connection_made(self.paper)

    def deliver(self, envelopes: Sequence[Envelope]) -> None:
        self.calls.append([each.payload for each in envelopes])

    def up(self) -> "Scene":
        self.it.data_received(CONNACK)
        self.it.data_received(SUBACK)
        self.paper.writes.clear()
        return self

    def sends(self, *messages: tuple[int, bytes]) -> None:
        self.it.data_received(b"".join(publish(*message) for message in messages))

    async def ending(self) -> Ended:
        self.it.connection_lost(None)
        return await self.it.ended


def publish(packet_id: int, payload: bytes) -> bytes:
    qos = mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket("t", payload, qos=qos, packet_id=packet_id).write()


async def test_it_greets_subscribes_and_reports() -> None:
    scene = Scene()
    (greeting,) = scene.paper.writes
    connect, _ = mqtt5.read(memoryview(greeting))
    assert isinstance(connect, mqtt5.ConnectPacket)
    assert (connect.clean_start, connect.receive_max, connect.keep_alive) == (False, WINDOW, 300)
    scene.it.data_received(CONNACK)
    subscribe, _ = mqtt5.read(memoryview(scene.paper.writes[1]))
    assert isinstance(subscribe, mqtt5.SubscribePacket)
    (topic,) = subscribe.topic_filters
    assert topic.retain_handling == mqtt5.RetainHandling.SEND_NEVER
    assert scene.events == []
    scene.it.data_received(SUBACK)
    assert scene.events == [Connected(4, session_present=True)]


async def test_one_read_is_one_call_and_one_confirmation_is_one_write() -> None:
    scene = Scene().up()
    scene.sends((1, b"a"), (2, b"b"), (3, b"c"))
    assert scene.calls == [[b"a", b"b", b"c"]]
    scene.it.confirm([(4, 1), (3, 2), (4, 3)])
    assert scene.paper.writes == [b"\x40\x02\x00\x01\x40\x02\x00\x03"]
    scene.it.confirm([(4, 1), (3, 2)])
    assert len(scene.paper.writes) == 1


async def test_messages_in_front_of_the_suback_come_behind_the_report() -> None:
    scene = Scene()
    scene.it.data_received(CONNACK + publish(1, b"a"))
    assert scene.calls == []
    scene.it.data_received(publish(2, b"b") + SUBACK + publish(3, b"c"))
    assert len(scene.events) == 1
    assert [payload for call in scene.calls for payload in call] == [b"a", b"b", b"c"]


async def test_paused_before_it_is_up_it_finishes_the_handshake_and_then_stops_reading() -> None:
    scene = Scene(paused=True)
    scene.it.data_received(CONNACK + publish(1, b"a"))
    assert scene.paper.reading
    scene.it.data_received(SUBACK)
    assert not scene.paper.reading
    assert (len(scene.events), scene.calls) == (1, [])
    scene.it.resume()
    assert scene.paper.reading
    assert scene.calls == [], "never inside the call"
    await asyncio.sleep(0)
    assert scene.calls == [[b"a"]]


async def test_a_broker_that_overruns_the_window_is_not_read_until_enough_is_confirmed() -> None:
    scene = Scene().up()
    scene.sends(*((number, b"x") for number in range(1, WINDOW + 1)))
    assert scene.paper.reading
    scene.sends((WINDOW + 1, b"x"))
    assert not scene.paper.reading
    scene.it.resume()
    assert not scene.paper.reading
    scene.it.confirm([(4, 7)])
    assert scene.paper.reading
    assert sum(map(len, scene.calls)) == WINDOW + 1


async def test_pings_that_nobody_answers_end_it() -> None:
    scene = Scene().up()
    for _ in range(PINGS_PER_KEEP_ALIVE):
        assert not scene.paper.closed
        scene.it._ping()
    scene.it._ping()
    assert scene.paper.closed
    assert scene.paper.writes == [PINGREQ] * PINGS_PER_KEEP_ALIVE
    assert "ping" in (await scene.ending()).reason


async def test_any_byte_is_a_sign_of_life() -> None:
    scene = Scene().up()
    for sign in (PINGRESP, publish(1, b"a"), b"\x32"):
        for _ in range(PINGS_PER_KEEP_ALIVE):
            scene.it._ping()
        scene.it.data_received(sign)
    assert not scene.paper.closed


async def test_our_own_pause_is_not_the_brokers_silence() -> None:
    scene = Scene().up()
    scene.it.pause()
    for _ in range(PINGS_PER_KEEP_ALIVE * 10):
        scene.it._ping()
    assert scene.paper.writes == [PINGREQ] * PINGS_PER_KEEP_ALIVE * 10
    scene.it.resume()
    for _ in range(PINGS_PER_KEEP_ALIVE - 1):
        scene.it._ping()
    assert not scene.paper.closed


async def test_notices_go_out_in_one_write_and_only_while_it_is_up() -> None:
    scene = Scene()
    notices = [Notice("t", b"a", 1), Notice("t", b"b", 0), Notice("t", b"c", 1)]
    assert scene.it.publish(notices) == 0
    scene.up()
    assert scene.it.publish([]) == 0
    assert scene.it.publish(notices) == 3
    assert len(scene.paper.writes) == 1
    scene.it.data_received(b"".join(mqtt5.PubAckPacket(n).write() for n in (3, 4)))
    scene.it.pause_writing()
    assert scene.it.publish(notices) == 0
    scene.it.resume_writing()
    assert scene.it.publish(notices) == 3
    scene.it.finish()
    assert scene.it.publish(notices) == 0
    assert len(scene.paper.writes) == 3
    assert (await scene.ending()).reason == "stopped"


async def test_the_broker_says_how_many_notices_may_be_under_way() -> None:
    scene = Scene()
    scene.it.data_received(mqtt5.ConnAckPacket(receive_max=2).write())
    scene.it.data_received(SUBACK)
    assert scene.it.publish([Notice("t", b"a", 1)] * 3) == 2


async def test_a_goodbye_goes_out_behind_the_pubacks_and_reads_to_the_end() -> None:
    scene = Scene().up()
    scene.sends((1, b"a"), (2, b"b"))
    scene.it.pause()
    scene.it.confirm([(4, 1)])
    scene.it.finish()
    assert scene.paper.writes == [b"\x40\x02\x00\x01", GOODBYE]
    assert scene.paper.reading
    assert not scene.paper.closed
    scene.sends((3, b"c"))
    scene.it.confirm([(4, 2)])
    assert (len(scene.paper.writes), scene.calls) == (2, [[b"a", b"b"]])
    assert (await scene.ending()).reason == "stopped"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\x01\x00", "malformed"),
        (mqtt5.PingReqPacket().write(), "PingReqPacket"),
        (mqtt5.PubAckPacket(1).write(), "PubAckPacket"),
        (CONNACK, "ConnAckPacket"),
        (SUBACK, "SubAckPacket"),
    ],
)
async def test_a_broken_protocol_ends_it_and_says_so(data: bytes, reason: str) -> None:
    scene = Scene().up()
    scene.it.data_received(data)
    goodbye, _ = mqtt5.read(memoryview(scene.paper.writes[0]))
    assert isinstance(goodbye, mqtt5.DisconnectPacket)
    assert goodbye.reason_code == mqtt5.DisconnectReasonCode.PROTOCOL_ERROR
    assert scene.paper.closed
    ended = await scene.ending()
    assert reason in ended.reason
    assert ended.connected_s is not None


@pytest.mark.parametrize("data", [publish(1, b"a"), SUBACK, PINGRESP, b"\xe0\x00"])
async def test_before_connack_nothing_else_is_taken(data: bytes) -> None:
    scene = Scene()
    scene.it.data_received(data)
    assert scene.paper.closed
    assert (scene.calls, scene.events) == ([], [])
    assert (await scene.ending()).connected_s is None


@pytest.mark.parametrize(
    ("code", "contested"), [(0x8E, True), (0x9C, True), (0x8B, False), (0x00, False)]
)
async def test_a_dismissal_says_whether_to_stay_away(code: int, contested: bool) -> None:
    scene = Scene().up()
    scene.it.data_received(bytes((0xE0, 1, code)))
    ended = await scene.ending()
    assert "disconnects us" in ended.reason
    assert ended.contested is contested


async def test_an_exception_in_deliver_reaches_whoever_waits_for_the_end() -> None:
    class Bug(Exception):
        pass

    scene = Scene().up()
    scene.it.connection_lost(Bug())
    with pytest.raises(Bug):
        await scene.it.ended


async def test_a_refusal_reaches_whoever_waits_for_the_end() -> None:
    scene = Scene()
    scene.it.data_received(b"\x20\x03\x00\x87\x00")
    scene.it.connection_lost(None)
    with pytest.raises(SourceRefused, match="not authorised"):
        await scene.it.ended


async def test_a_lost_network_is_an_end_like_others() -> None:
    scene = Scene().up()
    scene.it.connection_lost(ConnectionResetError("reset"))
    scene.it.connection_lost(None)
    assert "reset" in (await scene.it.ended).reason


async def test_an_exception_while_letting_go_drops_the_connection() -> None:
    scene = Scene(paused=True)
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))

    def raising(_: object) -> None:
        raise ZeroDivisionError

    scene.it._gate._deliver = raising
    scene.it.data_received(CONNACK + publish(1, b"a"))
    scene.it.data_received(SUBACK)
    scene.it.resume()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert scene.paper.closed
    assert [type(context["exception"]) for context in seen] == [ZeroDivisionError]
    assert "handing over" in (await scene.ending()).reason


ECHO_GRANTED = mqtt5.SubAckPacket(2, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE]).write()
ECHO_REFUSED = mqtt5.SubAckPacket(2, [mqtt5.SubAckReasonCode.NOT_AUTHORIZED]).write()


def echoing() -> Scene:
    """Up, with the echo granted and its first message gone out."""
    scene = Scene(echo_s=300)
    scene.it.data_received(CONNACK + SUBACK)
    subscribe, _ = mqtt5.read(memoryview(scene.paper.writes[-1]))
    assert isinstance(subscribe, mqtt5.SubscribePacket)
    (topic,) = subscribe.topic_filters
    assert (topic.pattern, topic.max_qos) == (scene.echo.topic, mqtt5.QoS.AT_MOST_ONCE)
    scene.paper.writes.clear()
    scene.it.data_received(ECHO_GRANTED)
    return scene


async def test_an_echo_is_heard_and_not_handed_over() -> None:
    scene = echoing()
    (sent,) = scene.paper.writes
    scene.it.data_received(publish(1, b"a") + sent + publish(2, b"b"))
    assert scene.calls == [[b"a", b"b"]]
    assert scene.echo.heard_at is not None
    scene.it.data_received(sent)
    assert len(scene.calls) == 1


async def test_echoes_that_stay_away_end_a_connection_that_is_read() -> None:
    scene = echoing()
    scene.it.data_received(scene.paper.writes[0])
    scene.it.pause()
    for _ in range(10):
        scene.it._beat()
    scene.it.resume()
    for _ in range(3):
        scene.it._beat()
        scene.it.data_received(PINGRESP)
    assert not scene.paper.closed
    scene.it._beat()
    assert scene.paper.closed
    assert "do not come back" in (await scene.ending()).reason
    assert scene.echo.deaf


async def test_a_full_window_is_not_deafness() -> None:
    scene = echoing()
    scene.it.data_received(scene.paper.writes[0])
    scene.sends(*((number, b"x") for number in range(1, WINDOW + 1)))
    for _ in range(10):
        scene.it._beat()
    assert not scene.paper.closed
    scene.it.confirm([(4, 7)])
    for _ in range(4):
        scene.it._beat()
    assert scene.paper.closed


async def test_a_refused_echo_ends_nothing() -> None:
    scene = Scene(echo_s=300)
    scene.it.data_received(CONNACK + SUBACK + ECHO_REFUSED)
    scene.sends((1, b"a"))
    assert not scene.paper.closed
    assert scene.calls == [[b"a"]]


async def test_a_second_answer_to_the_echo_is_a_broken_protocol() -> None:
    scene = echoing()
    scene.it.data_received(ECHO_GRANTED)
    assert scene.paper.closed
    assert "SubAckPacket" in (await scene.ending()).reason
