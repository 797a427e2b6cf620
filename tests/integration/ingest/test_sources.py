"""The contract of every source of readings, against real brokers."""

import asyncio

import pytest
from typing_extensions import override

from doorstep.embedded import broker as embedded
from ingest.sources.port import SourceRefused
from tests.integration.ingest.harness import (
    RECEIVED_AT,
    TOPIC,
    WINDOW,
    Listener,
    Proxy,
    Stage,
    eventually,
    lose_sessions,
    make,
    numbered,
    publish,
    running,
    throughout,
)
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

pytestmark = pytest.mark.integration


async def received(listener: Listener, payloads: list[bytes]) -> None:
    """All of these have come at least once."""
    await eventually(lambda: {*payloads} <= {*listener.payloads})


async def test_messages_come_once_in_order_and_say_what_they_are(stage: Stage) -> None:
    async with running(stage.source()) as listener:
        await stage.publish(numbered(1, 10))
        await received(listener, numbered(1, 10))
        assert listener.payloads == numbered(1, 10)
        assert {each.topic for each in listener.envelopes} == {TOPIC}
        assert {each.received_at for each in listener.envelopes} == {RECEIVED_AT}
        assert not any(each.retain or each.duplicate for each in listener.envelopes)
        assert len({*listener.tokens()}) == 10


async def test_messages_at_qos_0_have_no_token(stage: Stage) -> None:
    async with running(stage.source()) as listener:
        await publish(stage.broker.port, [b"a"], qos=0)
        await received(listener, [b"a"])
        assert listener.envelopes[0].token is None


async def test_other_topics_do_not_come(stage: Stage) -> None:
    async with running(stage.source()) as listener:
        await publish(stage.broker.port, [b"other"], topic="doorstep/v1/devices/w-1/errors")
        await stage.publish([b"last"])
        await received(listener, [b"last"])
        assert listener.payloads == [b"last"]


async def test_the_session_is_new_once_and_then_resumed(stage: Stage) -> None:
    async with running(stage.source()) as listener:
        assert [each.session_present for each in listener.connections] == [False]
    async with running(stage.source()) as listener:
        assert [each.session_present for each in listener.connections] == [True]


async def test_after_a_clean_stop_the_confirmed_never_come_again(stage: Stage) -> None:
    source = stage.source()
    async with running(source) as listener:
        await stage.publish(numbered(1, 10))
        await received(listener, numbered(1, 10))
        source.ack(listener.tokens(numbered(1, 7)))
    await stage.publish(numbered(11, 12))
    async with running(stage.source()) as listener:
        await received(listener, numbered(8, 12))
        assert {*listener.payloads} == {*numbered(8, 12)}


async def test_after_a_cut_the_unconfirmed_come_again_and_the_confirmed_do_not(
    stage: Stage,
) -> None:
    async with Proxy(stage.broker.port) as proxy:
        source = stage.source(proxy.url)
        async with running(source) as listener:
            await stage.publish(numbered(1, WINDOW))
            await received(listener, numbered(1, WINDOW))
            source.ack(listener.tokens(numbered(1, 15)))
            # Where the window is bounded, the last of these comes when all 15 have been confirmed.
            await stage.publish(numbered(WINDOW + 1, WINDOW + 15))
            await received(listener, numbered(WINDOW + 1, WINDOW + 15))
            listener.envelopes.clear()
            proxy.cut()
            await received(listener, numbered(16, WINDOW + 15))
            assert {*listener.payloads} == {*numbered(16, WINDOW + 15)}
            assert [each.generation for each in listener.losses] == [1]
            first, second = listener.connections
            assert second.session_present
            assert second.generation > first.generation


async def test_without_a_confirmation_nothing_is_confirmed(stage: Stage) -> None:
    async with running(stage.source()) as listener:
        await stage.publish(numbered(1, 10))
        await received(listener, numbered(1, 10))
    async with running(stage.source()) as listener:
        await received(listener, numbered(1, 10))


async def test_stale_tokens_confirm_nothing_when_the_session_was_lost(stage: Stage) -> None:
    """After a lost session the broker counts packets from 1 again."""
    source = stage.source()
    async with running(source) as listener:
        await stage.publish(numbered(1, 10))
        await received(listener, numbered(1, 10))
        stale = listener.tokens()
        lose_sessions(stage.broker)
        await eventually(lambda: len(listener.connections) == 2)
        assert not listener.connections[1].session_present
        await stage.publish(numbered(11, 20))
        await received(listener, numbered(11, 20))
        fresh = listener.tokens(numbered(11, 20))
        assert {packet_id for _, packet_id in stale} & {packet_id for _, packet_id in fresh}
        source.ack(stale)
    async with running(stage.source()) as listener:
        await received(listener, numbered(11, 20))


async def test_a_killed_broker_is_found_again(stage: Stage) -> None:
    source = stage.source()
    async with running(source) as listener:
        stage.broker.kill()
        await eventually(lambda: len(listener.losses) == 1)
        stage.broker.start()
        await eventually(lambda: len(listener.connections) == 2)
        await stage.publish([b"after"])
        await received(listener, [b"after"])


async def test_paused_it_holds_back_and_stays_connected(stage: Stage) -> None:
    source = stage.source()
    async with running(source) as listener:
        source.pause()
        await stage.publish(numbered(1, 10))
        # Well past the moment (1.5 keep-alives) at which the broker drops a client without pings,
        # and past the one at which unanswered pings would mean a dead broker.
        await throughout(lambda: not listener.envelopes and not listener.losses, 5.0)
        source.resume()
        await received(listener, numbered(1, 10))
        assert listener.losses == []


async def test_paused_it_reconnects_and_still_holds_back(stage: Stage) -> None:
    async with Proxy(stage.broker.port) as proxy:
        source = stage.source(proxy.url)
        async with running(source) as listener:
            await stage.publish(numbered(1, 3))
            await received(listener, numbered(1, 3))
            listener.envelopes.clear()
            source.pause()
            proxy.cut()
            await eventually(lambda: len(listener.connections) == 2)
            await stage.publish([b"4"])
            assert listener.envelopes == []
            source.resume()
            await received(listener, numbered(1, 4))


async def test_a_broker_that_falls_silent_is_left(stage: Stage) -> None:
    async with Proxy(stage.broker.port) as proxy, running(stage.source(proxy.url)) as listener:
        proxy.frozen = True
        await eventually(lambda: len(listener.losses) == 1)
        proxy.frozen = False
        await eventually(lambda: len(listener.connections) == 2)
        await stage.publish([b"after"])
        await received(listener, [b"after"])


async def test_a_second_client_of_the_same_id_is_reported_and_not_fought(stage: Stage) -> None:
    async with running(stage.source()) as first, running(stage.source()) as second:
        await eventually(lambda: bool(first.losses))
        # A fight without back-off would be hundreds of connections in this time.
        await throughout(lambda: len(first.connections + second.connections) <= 8, 4.0)


async def test_what_deliver_raises_comes_out_of_run(stage: Stage) -> None:
    class Bug(Exception):
        pass

    def deliver(_: object) -> None:
        raise Bug

    source, listener = stage.source(), Listener()

    async def publish_when_connected() -> None:
        await eventually(lambda: bool(listener.connections))
        await stage.publish([b"1"])

    async with asyncio.TaskGroup() as group:
        group.create_task(publish_when_connected())
        with pytest.raises(Bug):
            await source.run(deliver, listener.report)
    async with running(stage.source()) as listener:
        await received(listener, [b"1"])


async def test_a_cancelled_run_lets_go_of_its_connection(stage: Stage) -> None:
    source, listener = stage.source(), Listener()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(source.run(listener.deliver, listener.report), 1.0)
    assert listener.connections
    source.ack([(1, 1)])
    async with running(stage.source()) as again:
        assert again.connections[0].session_present


async def test_stop_before_run_and_while_there_is_no_broker(stage: Stage) -> None:
    stage.broker.kill()
    source, listener = stage.source(), Listener()
    async with asyncio.TaskGroup() as group:
        group.create_task(source.run(listener.deliver, listener.report))
        await asyncio.sleep(0)
        await asyncio.wait_for(source.stop(), 5.0)
    assert listener.events == []
    await asyncio.wait_for(source.run(listener.deliver, listener.report), 5.0)


class GuardedNats(Nats):
    """Lets in one user."""

    login = embedded.Login("ingest", "right")

    @override
    def prepare(self) -> None:
        text = embedded.configuration(self.port, self.folder / "store", None, self.login)
        (self.folder / "nats.conf").write_text(text)

    @override
    def answers(self) -> bool:
        return embedded.answers(self.port, self.login)


@pytest.mark.parametrize("protocol", ["5", "3.1.1", "auto"])
async def test_refused_credentials_end_the_source_mosquitto(protocol: str) -> None:
    with Mosquitto("allow_anonymous false") as broker:
        source, listener = make(broker.url, protocol, username="ingest", password="x"), Listener()
        with pytest.raises(SourceRefused, match=r"not authorised|password"):
            await asyncio.wait_for(source.run(listener.deliver, listener.report), 10.0)
    assert listener.events == []


async def test_refused_credentials_end_the_source_nats() -> None:
    with GuardedNats() as broker:
        source, listener = make(broker.url, "3.1.1", username="ingest", password="x"), Listener()
        with pytest.raises(SourceRefused, match=r"not authorised|password"):
            await asyncio.wait_for(source.run(listener.deliver, listener.report), 10.0)
        async with running(make(broker.url, "3.1.1", username="ingest", password="right")):
            pass
    assert listener.events == []
