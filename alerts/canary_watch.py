"""What canaries say: when each grid's next one is due, how far each has come, where the way is cut.

Theory of operation. The way is a tree of hops: to the broker, from there through ingestion into the
database, and from there to the streams and to the worker of the feeds, which hands on to MQTT and
to the webhooks that ask for it. Every hop is held against the one before it: it is *cut* for a grid
when two that came past the hop before have not come past it, the first for `overdue_us`: two, since
one may have been lost with what broke before it. So one cut is told once, of the hop that is cut,
and those behind it, which nothing reaches, say nothing. A hop is
*open* again when what is told of every grid is newer; between the two nothing is known, and what
was said stands.

The database is watched beside it, by whether it answers: what has come past ingestion is read from
it, so that without it nothing is said of ingestion. Times are microseconds of one clock that goes
forward. When nobody looked for a while (the process was stopped) the watch begins anew.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from alerts.canary import MOST_IN_A_MESSAGE
from alerts.signals import Kind
from domain.instant import SECOND_US


class Hop(StrEnum):
    """Where something has come past, or not."""

    BROKER = "broker"
    DATABASE = "database"
    INGEST = "ingest"
    STREAM = "stream"
    FEEDS = "feeds"
    MQTT = "mqtt"
    WEBHOOK = "webhook"

    @property
    def subject(self) -> str:
        """Of the signal that it is cut; the same as long as it stands."""
        return f"canary:{self.value}"


_BEFORE: Final[Mapping[Hop, Hop | None]] = {
    Hop.BROKER: None,
    Hop.INGEST: Hop.BROKER,
    Hop.STREAM: Hop.INGEST,
    Hop.FEEDS: Hop.INGEST,
    Hop.MQTT: Hop.FEEDS,
    Hop.WEBHOOK: Hop.FEEDS,
}
KIND: Final[Mapping[Hop, Kind]] = {
    Hop.BROKER: Kind.BLIND,
    Hop.DATABASE: Kind.STALLED,
    Hop.INGEST: Kind.BLIND,
    Hop.STREAM: Kind.UNDELIVERABLE,
    Hop.FEEDS: Kind.UNDELIVERABLE,
    Hop.MQTT: Kind.UNDELIVERABLE,
    Hop.WEBHOOK: Kind.UNDELIVERABLE,
}
"""What it means that it is cut, as a signal of contract section 6."""
_CUT: Final[Mapping[Hop, str]] = {
    Hop.BROKER: "the broker does not take canaries",
    Hop.DATABASE: "the database does not answer",
    Hop.INGEST: "canaries come to the broker and no further: ingestion does not store them",
    Hop.STREAM: "canaries are stored and do not come to the streams",
    Hop.FEEDS: "canaries are stored and do not come to the feeds",
    Hop.MQTT: "canaries do not come out by MQTT",
    Hop.WEBHOOK: "canaries do not come to a webhook that asks for them",
}
_KEPT: Final = 8
"""Passages of a hop that are remembered; `Watch` is told of a cut long before they run out."""
_GAP_US: Final = 5 * SECOND_US
"""At least so long nobody looked, before the watch begins anew."""
NAMED: Final = 3
"""Grids that a signal names; of more it says how many."""


@dataclass(frozen=True, slots=True, order=True)
class Grid:
    """One that has canaries."""

    no: int
    id: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A hop that is cut, and for which grids; none are named where it is for all."""

    hop: Hop
    grids: tuple[Grid, ...]
    everybody: bool

    @property
    def subject(self) -> str:
        """Of its signal."""
        return self.hop.subject

    @property
    def kind(self) -> Kind:
        """Of its signal."""
        return KIND[self.hop]

    @property
    def detail(self) -> str:
        """In words, with the grids."""
        if not self.grids:
            return _CUT[self.hop]
        named = ", ".join(grid.id for grid in self.grids[:NAMED])
        more = len(self.grids) - NAMED
        return f"{_CUT[self.hop]}: {named}{f' and {more} more' if more > 0 else ''}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said at one look. Hops that are in neither are not known of."""

    cut: tuple[Cut, ...]
    open: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How often, and how late is too late."""

    every_us: int
    overdue_us: int
    answers_us: int
    """A database that has not answered for so long may have been away."""


@dataclass(frozen=True, slots=True)
class _Passage:
    number: int
    sent_at: int
    at: int


def _kept() -> deque[_Passage]:
    return deque(maxlen=_KEPT)


@dataclass(slots=True)
class _Track:
    """One grid's canaries."""

    grid: Grid
    next_at: int
    began_at: int
    passages: dict[Hop | None, deque[_Passage]] = field(default_factory=dict)
    """By hop, ascending in number; under None when they were sent."""

    def newest(self, hop: Hop | None) -> _Passage | None:
        kept = self.passages.get(hop)
        return kept[-1] if kept else None

    def note(self, hop: Hop | None, passage: _Passage) -> None:
        newest = self.newest(hop)
        if newest is None or newest.number < passage.number:
            self.passages.setdefault(hop, _kept()).append(passage)

    def waiting_since(self, hop: Hop) -> int | None:
        """When the first that has not come past came past the hop before; None if not two wait."""
        newest = self.newest(hop)
        number = 0 if newest is None else newest.number
        before = self.passages.get(_BEFORE[hop], ())
        waiting = [each.at for each in before if each.number > number]
        return waiting[0] if len(waiting) > 1 else None


class Watch:
    """See the module's theory of operation. Belongs to one who sends and looks."""

    def __init__(self, hops: Sequence[Hop], limits: Limits) -> None:
        """`hops` beside the database, in order, each after the one before it."""
        self._hops = tuple(hops)
        self._limits = limits
        self._tracks: dict[int, _Track] = {}
        self._marks: dict[str, tuple[int, int]] = {}
        """Mark -> (number, when sent), of the last few intervals."""
        self._number = 0
        self._looked_at: int | None = None
        self._answered_at: int | None = None
        self._answers_since = 0
        self.strangers = 0
        """Canaries that came back and were not ours, in all."""

    def grids(self, grids: Iterable[Grid], now: int) -> None:
        """Which have canaries from now on. New ones are spread over the interval."""
        wanted = sorted(grids)
        new = [grid for grid in wanted if grid.no not in self._tracks]
        begun = {
            grid.no: _Track(grid, now + nth * self._limits.every_us // len(new), now)
            for nth, grid in enumerate(new)
        }
        known = {**self._tracks, **begun}
        self._tracks = {grid.no: known[grid.no] for grid in wanted}

    def due(self, now: int) -> list[Grid]:
        """Those whose next canary is to be sent now, at most what a message holds.

        What was not sent for an interval and more is sent once.
        """
        due = [track for track in self._tracks.values() if track.next_at <= now]
        for track in due[:MOST_IN_A_MESSAGE]:
            missed = (now - track.next_at) // self._limits.every_us
            track.next_at += (missed + 1) * self._limits.every_us
        return [track.grid for track in due[:MOST_IN_A_MESSAGE]]

    def sent(self, grids: Iterable[Grid], mark: str, now: int) -> None:
        """One is sent for each of these, and this is how it is known again."""
        self._number += 1
        self._marks[mark] = (self._number, now)
        oldest = now - _KEPT * self._limits.every_us
        for old in [each for each, (_, at) in self._marks.items() if at < oldest]:
            del self._marks[old]
        for grid in grids:
            self._tracks[grid.no].note(None, _Passage(self._number, now, now))

    def passed(self, hop: Hop, grid_no: int, mark: str, now: int) -> None:
        """One has come past a hop, and so past those before it."""
        known, track = self._marks.get(mark), self._tracks.get(grid_no)
        if known is None:
            self.strangers += 1
            return
        if track is None:
            return
        number, sent_at = known
        way: Hop | None = hop
        while way is not None:
            track.note(way, _Passage(number, sent_at, now))
            way = _BEFORE[way]

    def ours(self, mark: str) -> bool:
        """Whether it is the mark of one that was sent lately."""
        return mark in self._marks

    def answered(self, now: int) -> None:
        """The database has answered a question."""
        if self._answered_at is None or now - self._answered_at > self._limits.answers_us:
            self._answers_since = now
        self._answered_at = now

    def begin_anew(self) -> None:
        """Nothing is known any more; who has canaries stays."""
        self._marks.clear()
        self._looked_at = self._answered_at = None
        for track in self._tracks.values():
            track.passages.clear()

    def look(self, now: int) -> Verdict:
        """What can be said now."""
        gap = max(_GAP_US, self._limits.overdue_us // 3)
        if self._looked_at is not None and now - self._looked_at > gap:
            self.begin_anew()
        self._looked_at = now
        if self._answered_at is None:
            self.answered(now)
        cuts, opens = [], []
        for hop in (Hop.DATABASE, *self._hops):
            late = self._database_away(now) if hop is Hop.DATABASE else self._late(hop, now)
            if late is None:
                continue
            if late:
                grids = () if hop is Hop.DATABASE else tuple(late)
                cuts.append(Cut(hop, grids, everybody=len(late) == len(self._tracks)))
            else:
                opens.append(hop)
        return Verdict(tuple(cuts), tuple(opens))

    def ages(self, now: int) -> dict[tuple[Grid, Hop], int]:
        """How old the newest is that came past each hop; since the beginning if none has."""
        found = {}
        for track in self._tracks.values():
            for hop in self._hops:
                newest = track.newest(hop)
                since = track.began_at if newest is None else newest.sent_at
                found[track.grid, hop] = now - since
        return found

    def _database_away(self, now: int) -> list[Grid] | None:
        """Everybody, if it has not answered for too long; nobody if it does; None between."""
        assert self._answered_at is not None
        silent_us = now - self._answered_at
        if silent_us >= self._limits.overdue_us:
            return [track.grid for track in self._tracks.values()]
        return [] if silent_us <= self._limits.answers_us else None

    def _late(self, hop: Hop, now: int) -> list[Grid] | None:
        """Grids for which it is cut; nobody if all have come past; None if it is not known."""
        from_at = 0
        if hop is not Hop.BROKER:
            assert self._answered_at is not None
            if now - self._answered_at > self._limits.answers_us:
                return None
            from_at = self._answers_since
        late, unknown = [], False
        for track in self._tracks.values():
            since, overdue_us = track.waiting_since(hop), self._limits.overdue_us
            if since is not None and now - max(since, from_at) >= overdue_us:
                late.append(track.grid)
            unknown |= track.newest(hop) is None
            unknown |= since is not None and now - since >= overdue_us
        return None if unknown and not late else late
