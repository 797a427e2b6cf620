"""All the bands of a city and whose turn it is: messages in order of time, and nothing sent.

A heap of bands by their next upload. Asked with an instant it gives the messages that are due,
however late it is asked; a service that was away gets arrays, as from bands that stored. What was
said and is not receipted is held, and said again (`simulator.held`).
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from simulator import held
from simulator.band import MEMORY_US, UPLOAD_LIMIT, Band, measure, step, switch_on, wake_at
from simulator.city import City, Resident
from simulator.encoder import Sample, encode, readings_topic
from simulator.incident import Incident
from simulator.noise import Noise
from simulator.receipt import Receipt
from simulator.wearer import Wearer


@dataclass(frozen=True, slots=True)
class Message:
    """One upload of one band."""

    topic: str
    payload: bytes
    readings: int
    newest_at: int
    """`measured_at` of its last reading."""
    again: bool = False
    """All of it was said before."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When things happen: the scenario's start, the first instant measured, the interval."""

    start_at: int
    from_at: int
    interval_us: int

    @property
    def boot(self) -> str:
        """The boot word of every band: sequence numbers begin with each start of the simulator."""
        return f"s{self.from_at // 1000:x}"


class Fleet:
    """The bands, each with its state."""

    def __init__(self, bands: Sequence[Band], from_at: int, patience_us: int | None = None) -> None:
        """`patience_us`: how long bands wait for a receipt; None: they hold nothing for one."""
        self._bands = bands
        self._patience_us = patience_us
        self._states = [switch_on(band, from_at) for band in bands]
        self._held = [held.Held()] * len(bands)
        self._index = {band.device: index for index, band in enumerate(bands)}
        self._due: list[int | None] = [None] * len(bands)
        self._heap: list[tuple[int, int]] = []
        """Entries that differ from `_due` are out of date."""
        for index in range(len(bands)):
            self._schedule(index)

    @property
    def next_at(self) -> int | None:
        """When the next message is due; None: no band will say anything again of its own."""
        return self._heap[0][0] if self._heap else None

    @property
    def unreceipted(self) -> int:
        """Readings that bands hold."""
        return sum(held.count(each.runs) for each in self._held)

    def pop(self, now: int) -> Message | None:
        """The oldest message due at `now`, None when nothing is."""
        while self._heap and self._heap[0][0] <= now:
            index = heapq.heappop(self._heap)[1]
            self._due[index] = None
            message = self._upload(index, now) or self._again(index, now)
            self._schedule(index)
            if message is not None:
                return message
        return None

    def receipted(self, device: str, receipt: Receipt, now: int) -> None:
        """Takes what the service says; nothing of another boot or of a stranger's."""
        index = self._index.get(device)
        if index is None or receipt.boot != self._bands[index].boot:
            return
        self._held[index] = held.receipted(self._held[index], receipt, now)
        self._schedule(index)

    def _upload(self, index: int, now: int) -> Message | None:
        band = self._bands[index]
        self._states[index], samples = step(band, self._states[index], now)
        if not samples:
            return None
        if self._patience_us is not None:
            numbers = [(one.seq or 0, band.tick_from(one.measured_at)) for one in samples]
            kept = held.sent(self._held[index], numbers, now)
            self._held[index] = held.forget(kept, band.tick_from(now - MEMORY_US))
        return _message(band, samples)

    def _again(self, index: int, now: int) -> Message | None:
        if self._patience_us is None:
            return None
        band = self._bands[index]
        kept = held.forget(self._held[index], band.tick_from(now - MEMORY_US))
        self._held[index], again = held.again(kept, now, self._patience_us, UPLOAD_LIMIT)
        if not again:
            return None
        samples = [measure(band, band.tick_at(tick), number) for number, tick in again]
        return _message(band, samples, again=True)

    def _schedule(self, index: int) -> None:
        at = wake_at(self._bands[index], self._states[index])
        if self._patience_us is not None:
            again_at = held.due_at(self._held[index], self._patience_us)
            at = min((each for each in (at, again_at) if each is not None), default=None)
        if at is not None and at != self._due[index]:
            heapq.heappush(self._heap, (at, index))
        self._due[index] = at
        while self._heap and self._heap[0][0] != self._due[self._heap[0][1]]:
            heapq.heappop(self._heap)


def _message(band: Band, samples: Sequence[Sample], *, again: bool = False) -> Message:
    topic, newest_at = readings_topic(band.device), samples[-1].measured_at
    return Message(topic, encode(samples), len(samples), newest_at, again)


def bands(city: City, fates: Sequence[Sequence[Incident]], schedule: Schedule) -> tuple[Band, ...]:
    """A band for each resident; their ticks are spread evenly over the interval."""
    return tuple(
        _band(city, resident, tuple(fate), schedule)
        for resident, fate in zip(city.residents, fates, strict=True)
    )


def _band(city: City, resident: Resident, fate: tuple[Incident, ...], schedule: Schedule) -> Band:
    phase_us = schedule.interval_us * resident.index // len(city.residents)
    return Band(
        device=resident.device,
        boot=schedule.boot,
        site=resident.site,
        anchor_at=schedule.start_at + phase_us,
        interval_us=schedule.interval_us,
        home=(resident.lat, resident.lon),
        beacon=resident.beacon,
        wearer=Wearer(Noise.of(city.noise.key, "wearer", resident.index), fate),
    )
