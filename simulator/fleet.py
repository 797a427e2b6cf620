"""All the bands of a city and whose turn it is: messages in order of time, and nothing sent.

A heap of bands by their next upload. Asked with an instant it gives the messages that are due,
however late it is asked; a service that was away gets arrays, as from bands that stored.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.band import Band, step, switch_on, wake_at
from simulator.city import City, Resident
from simulator.encoder import encode, readings_topic
from simulator.incident import Incident
from simulator.noise import Noise
from simulator.wearer import Wearer


@dataclass(frozen=True, slots=True)
class Message:
    """One upload of one band."""

    topic: str
    payload: bytes
    readings: int
    newest_at: int
    """`measured_at` of its last reading."""


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

    def __init__(self, bands: Sequence[Band], from_at: int) -> None:
        self._bands = bands
        self._states = [switch_on(band, from_at) for band in bands]
        self._heap: list[tuple[int, int]] = []
        for index in range(len(bands)):
            self._push(index)

    @property
    def next_at(self) -> int | None:
        """When the next upload is due; None: no band will ever say anything again."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now: int) -> Message | None:
        """The oldest upload due at `now`, None when nothing is."""
        while self._heap and self._heap[0][0] <= now:
            index = heapq.heappop(self._heap)[1]
            band = self._bands[index]
            self._states[index], samples = step(band, self._states[index], now)
            self._push(index)
            if samples:
                newest_at = samples[-1].measured_at
                topic = readings_topic(band.device)
                return Message(topic, encode(samples), len(samples), newest_at)
        return None

    def _push(self, index: int) -> None:
        at = wake_at(self._bands[index], self._states[index])
        if at is not None:
            heapq.heappush(self._heap, (at, index))


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
