"""Carries a fleet's messages to a broker: MQTT, QoS 1, one connection for all bands.

The bands are multiplexed, so there is one last will at most and none is set: the `status` topics
stay empty. A message stays here until its puback: after a lost connection everything unconfirmed is
sent again, oldest first, before anything new, so that each device stays in order; the service sees
duplicates then, as in life. Receipts of all bands come by one subscription and are the fleet's to
use; a broker that grants none, or a service that sends none, changes nothing else. While the broker
is away nothing is made, because a fleet can be asked later. In flight are at most `WINDOW`
messages. The first connection is tried once, and its failure is `BrokerUnreachable`; later ones are
tried for ever with back-off and jitter.
"""

import asyncio
import contextlib
import logging
import math
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Final

import aiomqtt

from domain.instant import SECOND_US
from simulator.fleet import Fleet, Message
from simulator.noise import Channel, Noise
from simulator.pace import Clock
from simulator.receipt import TOPIC, decode, device_of

WINDOW: Final = 200
DRAIN_S: Final = 3.0
CONNECT_TIMEOUT_S: Final = 5.0
KEEP_ALIVE_S: Final = 15
BACKOFF_S: Final = (0.2, 5.0)
"""First and longest pause between two attempts."""
RECEIPTS: Final = 10_000
"""Receipts that may wait to be looked at; one that is lost is made up for by the next."""
ASKED_FOR_RECEIPTS: Final = 3
"""So many connections in a row that ended while we asked for receipts: the asking may be why."""
_REFUSED: Final = 0x80  # MQTT 5 section 3.9.3, MQTT 3.1.1 section 3.9.3: this and above
_NAP_S: Final = 0.5  # a clock may be set; look again at least this often

_log = logging.getLogger("doorstep.simulator")


class BrokerUnreachable(Exception):
    """There is no broker, or it will not have us; the message says which and where."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to publish."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    def client(self) -> aiomqtt.Client:
        """A client for one connection: a clean session, for what counts is kept on this side."""
        client = aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            identifier=f"doorstep-simulator-{secrets.token_hex(4)}",
            timeout=CONNECT_TIMEOUT_S,
            keepalive=KEEP_ALIVE_S,
            tls_context=self.tls,
            max_inflight_messages=WINDOW,
            max_queued_incoming_messages=RECEIPTS,
            logger=_log,
        )
        client.pending_calls_threshold = WINDOW
        return client


@dataclass(slots=True)
class Tally:
    """What was confirmed by the broker, and how long it took."""

    messages: int = 0
    readings: int = 0
    again: int = 0
    """Readings that were sent before, and sent again for want of a receipt."""
    receipts: int = 0
    connections: int = 0
    unconfirmed: int = 0
    elapsed_s: float = 0.0


class Publisher:
    """Publishes a fleet until an instant, until no band has anything left, or until stopped."""

    def __init__(self, broker: Broker, fleet: Fleet, clock: Clock, speed: float) -> None:
        """`speed`: how many simulated seconds pass on `clock` in a real one; it only plans naps."""
        self._broker = broker
        self._fleet = fleet
        self._clock = clock
        self._speed = speed
        self._unconfirmed: dict[int, Message] = {}
        self._number = 0
        self._asked = 0
        self._told = False
        self._stop = asyncio.Event()
        self._deadline = asyncio.timeout(None)
        self.tally = Tally()

    def stop(self) -> None:
        """Makes no new message; `run` returns when all are confirmed, or after `DRAIN_S`."""
        if not self._stop.is_set():
            self._stop.set()
            self._deadline.reschedule(asyncio.get_running_loop().time() + DRAIN_S)

    async def run(self, until_at: int | None) -> Tally:
        """Publishes everything measured up to and including `until_at`; None: for ever.

        Raises `BrokerUnreachable` if the first connection fails. To be called once.
        """
        began_s = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with self._deadline:
                await self._connections(until_at)
        self._stop.set()  # from here on `stop` has nothing to do
        self.tally.unconfirmed = len(self._unconfirmed)
        self.tally.elapsed_s = time.monotonic() - began_s
        return self.tally

    async def _connections(self, until_at: int | None) -> None:
        jitter = Noise.of("back-off", secrets.token_hex(8))
        failures = 0
        while True:
            before = self.tally.messages
            lost = await self._connection(until_at)
            if lost is None or (self._stop.is_set() and not self._unconfirmed):
                return
            where = f"{self._broker.host}:{self._broker.port}"
            if self.tally.connections == 0:
                raise BrokerUnreachable(f"cannot reach the broker at {where}: {lost}")
            failures = 0 if self.tally.messages > before else failures + 1
            pause_s = min(BACKOFF_S[1], BACKOFF_S[0] * 2.0**failures)
            pause_s *= jitter.between(Channel.BACKOFF, failures, 0.5, 1.0)
            _log.warning("broker at %s lost, again in %.1f s: %s", where, pause_s, lost)
            # Not cut short by `stop`: what is unconfirmed deserves the rest of the drain time.
            await asyncio.sleep(pause_s)

    async def _connection(self, until_at: int | None) -> aiomqtt.MqttError | None:
        """One connection, from its start to the last puback (None) or to its loss (why)."""
        lost: aiomqtt.MqttError | None = None
        try:
            async with self._broker.client() as client:
                self.tally.connections += 1
                await self._session(client, until_at)
        except* aiomqtt.MqttError as group:
            lost = _first(group)
        return lost

    async def _session(self, client: aiomqtt.Client, until_at: int | None) -> None:
        window = asyncio.Semaphore(WINDOW)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._listen(client))
            async with asyncio.TaskGroup() as sends:
                for number in list(self._unconfirmed):
                    await window.acquire()
                    sends.create_task(self._send(client, number, window))
                while (fresh := await self._next(until_at)) is not None:
                    await window.acquire()
                    sends.create_task(self._send(client, fresh, window))
            watch.cancel()

    async def _next(self, until_at: int | None) -> int | None:
        """Waits until a message is due and notes it as unconfirmed; None when there are no more."""
        while not self._stop.is_set():
            next_at = self._fleet.next_at
            if next_at is None or (until_at is not None and next_at > until_at):
                return None
            now = self._clock.now()
            message = self._fleet.pop(now if until_at is None else min(now, until_at))
            if message is not None:
                self._number += 1
                self._unconfirmed[self._number] = message
                return self._number
            await self._nap((next_at - now) / SECOND_US / self._speed)
        return None

    async def _nap(self, wanted_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(wanted_s, 0.001), _NAP_S)):
                await self._stop.wait()

    async def _send(self, client: aiomqtt.Client, number: int, window: asyncio.Semaphore) -> None:
        message = self._unconfirmed[number]
        # No timeout of its own: the keep-alive finds a dead connection, and `_listen` hears of it.
        await client.publish(message.topic, message.payload, qos=1, timeout=math.inf)
        del self._unconfirmed[number]
        window.release()
        self.tally.messages += 1
        if message.again:
            self.tally.again += message.readings
        else:
            self.tally.readings += message.readings

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Hears receipts. Raises `MqttError` when the connection is gone: a publish only waits."""
        await self._ask_for_receipts(client)
        async for message in client.messages:
            device = device_of(message.topic.value)
            receipt = decode(message.payload)
            if device is not None and receipt is not None:
                self.tally.receipts += 1
                self._fleet.receipted(device, receipt, self._clock.now())

    async def _ask_for_receipts(self, client: aiomqtt.Client) -> None:
        """Without an answer it goes on: whether the connection is gone, the messages tell."""
        if self._asked >= ASKED_FOR_RECEIPTS:
            self._tell_deaf("connections are lost when asking")
            return
        self._asked += 1
        try:
            granted = await client.subscribe(TOPIC, qos=1)
        except aiomqtt.MqttError as error:
            self._tell_deaf(str(error))
        else:
            self._asked = 0
            codes = [each if isinstance(each, int) else each.value for each in granted]
            if any(code >= _REFUSED for code in codes):
                self._tell_deaf("the broker refuses")

    def _tell_deaf(self, why: str) -> None:
        if not self._told:
            _log.warning("no receipts can be heard: %s", why)
            self._told = True


def _first(group: BaseExceptionGroup[aiomqtt.MqttError]) -> aiomqtt.MqttError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, aiomqtt.MqttError)
    return error
