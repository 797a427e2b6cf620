"""Notices wait their turn: in order, none twice, and no more than there is room for."""

import asyncio
from collections.abc import Sequence

from ingest.outgoing import HANG_UPS, MOST, OFF_S, Outgoing
from ingest.sources.port import NOTICES_MAX, Notice


class Broker:
    """Lets only so many notices be under way."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[Notice] = []
        self.largest = 0

    def publish(self, notices: Sequence[Notice]) -> int:
        taken = notices[: self.room]
        self.largest = max(self.largest, len(notices))
        self.room -= len(taken)
        self.taken += taken
        return len(taken)

    async def until(self, count: int) -> None:
        """With a deadline; the event loop turns meanwhile."""
        async with asyncio.timeout(10):
            while len(self.taken) < count:
                await asyncio.sleep(0.001)


def _notices(count: int, first: int = 0) -> list[Notice]:
    return [Notice(f"topic/{n}", b"{}", 1) for n in range(first, first + count)]


async def test_what_can_be_sent_is_sent_at_once_and_in_portions() -> None:
    broker = Broker(room=10_000)
    notices = _notices(2 * NOTICES_MAX + 1)
    Outgoing(broker.publish).add(notices)
    assert broker.taken == notices
    assert broker.largest == NOTICES_MAX


async def test_the_rest_waits_in_order_and_nothing_overtakes() -> None:
    broker = Broker(room=3)
    outgoing = Outgoing(broker.publish)
    notices = _notices(8)
    outgoing.add(notices[:5])
    assert broker.taken == notices[:3]
    broker.room = 1
    outgoing.add(notices[5:])
    assert broker.taken == notices[:3]
    await broker.until(4)
    broker.room = 100
    await broker.until(8)
    assert broker.taken == notices


async def test_without_a_session_they_wait() -> None:
    broker = Broker(room=0)
    outgoing = Outgoing(broker.publish)
    outgoing.add(_notices(2))
    assert broker.taken == []
    broker.room = 2
    await broker.until(2)
    assert broker.taken == _notices(2)


async def test_beyond_the_bound_the_newest_are_dropped() -> None:
    broker = Broker(room=0)
    outgoing = Outgoing(broker.publish)
    outgoing.add(_notices(MOST - 1))
    outgoing.add(_notices(10, first=MOST - 1))
    outgoing.add(_notices(10, first=MOST + 9))
    broker.room = 2 * MOST
    await broker.until(MOST)
    assert broker.taken == _notices(MOST)


async def test_after_a_stop_nothing_is_sent() -> None:
    broker = Broker(room=1)
    outgoing = Outgoing(broker.publish)
    outgoing.add(_notices(3))
    loop = asyncio.get_running_loop()
    outgoing.stop()
    broker.room = 10
    over = loop.create_future()
    loop.call_later(0.1, over.set_result, None)
    await over
    assert broker.taken == _notices(1)


async def test_a_broker_that_hangs_up_on_notices_is_sent_none_for_a_while() -> None:
    """Readings matter more. A session that breaks for another reason starts the count again."""
    broker = Broker(room=100)
    outgoing = Outgoing(broker.publish)
    for sent in (1, 2):
        outgoing.add(_notices(1))
        assert len(broker.taken) == sent
        outgoing.session_lost(confirmed=False)
    outgoing.session_lost(confirmed=False)
    for sent in range(3, 3 + HANG_UPS):
        outgoing.add(_notices(1))
        assert len(broker.taken) == sent
        outgoing.session_lost(confirmed=False)
    outgoing.add(_notices(1))
    assert len(broker.taken) == 2 + HANG_UPS
    outgoing._off_until -= OFF_S
    outgoing.add(_notices(1))
    assert len(broker.taken) == 3 + HANG_UPS


async def test_a_broker_that_confirms_and_is_killed_again_and_again_goes_on_being_told() -> None:
    broker = Broker(room=100)
    outgoing = Outgoing(broker.publish)
    for sent in range(1, 3 * HANG_UPS):
        outgoing.add(_notices(1))
        assert len(broker.taken) == sent
        outgoing.session_lost(confirmed=True)
