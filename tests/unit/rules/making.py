"""Wearers and readings for tests of the rules, and a model of the ledger that keeps findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.batch import MISSING, READING, Rows, digests, in_order
from domain.instant import DAY_US, MINUTE_US, SECOND_US, parse_rfc3339
from domain.people import (
    DEFAULT_TIMEZONE,
    Assignment,
    Device,
    Episode,
    Home,
    LeaveWindow,
    Roster,
    Threshold,
)
from domain.reading import Datum, Site, centi
from rules.columns import JOURNAL_COLUMNS, SPARSE
from rules.engine import Evaluation, apply, evaluate, merge_replayed, replay, revise, tick
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, SiteClass
from rules.homes import Homes
from rules.rulebook import DEFAULT, Rulebook
from rules.state import State, fresh
from rules.touched import Touched
from rules.wearers import Wearers

T0 = parse_rfc3339("2026-02-03T00:00:00Z")
NANJING = Home(Datum.WGS84, 32.06, 118.79, 50.0)
METRE_E7 = 90.2
"""Ten-millionths of a degree of latitude in a metre at Nanjing (110.9 km a degree)."""


def minutes(count: float) -> int:
    """The instant so many minutes after T0."""
    return T0 + round(count * MINUTE_US)


@dataclass(frozen=True)
class Worn:
    """One person with one device. Slot and numbers follow from the place in a list."""

    site: Site = Site.AXILLARY
    interval_s: int = 60
    spot: bool = False
    home: Home | None = NANJING
    fever: Mapping[Site, Threshold] = field(default_factory=dict)
    leave: tuple[LeaveWindow, ...] = ()
    homes_before: tuple[tuple[int, Home | None], ...] = ()
    fever_before: tuple[tuple[int, Mapping[Site, Threshold]], ...] = ()
    flags: tuple[str, ...] = ()
    birth_year: int | None = 1980
    starts_at: int = T0 - DAY_US
    ends_at: int = T0 + 30 * DAY_US
    spells: tuple[tuple[int, int | None], ...] = ((T0 - DAY_US, None),)
    timezone: str = DEFAULT_TIMEZONE


def roster_of(*worn: Worn, version: int = 1) -> Roster:
    """Wearer n wears device n + 1 in episode n + 1."""
    return Roster(
        version,
        devices={
            f"d{n}": Device(n, f"d{n}", "m", each.site, each.interval_s, each.spot)
            for n, each in enumerate(worn, 1)
        },
        episodes={
            n: Episode(
                n,
                f"e{n}",
                each.starts_at,
                each.ends_at,
                each.home,
                each.birth_year,
                each.flags,
                each.fever,
                each.leave,
                each.homes_before,
                each.fever_before,
                each.timezone,
            )
            for n, each in enumerate(worn, 1)
        },
        assignments={
            n: tuple(Assignment(n, n, from_at, to_at) for from_at, to_at in each.spells)
            for n, each in enumerate(worn, 1)
        },
    )


def reading(at: int, slot: int = 0, **quantities: Any) -> dict[str, Any]:
    """One reading, in the units of the wire: `temperature_c`, `accuracy_m`; `north_m` of home."""
    given: dict[str, Any] = dict(MISSING, slot=slot, device_no=slot + 1, episode_no=slot + 1)
    given.update(measured_at=at, received_at=at, datum=Datum.WGS84)
    if "temperature_c" in quantities:
        given["temperature_cc"] = centi(quantities.pop("temperature_c"))
    if "north_m" in quantities:
        given["lat_e7"] = round(NANJING.lat * 1e7 + quantities.pop("north_m") * METRE_E7)
        given["lon_e7"] = round(NANJING.lon * 1e7)
    if "accuracy_m" in quantities:
        given["accuracy_dm"] = round(quantities.pop("accuracy_m") * 10)
    unknown = [name for name in quantities if name not in given]
    assert not unknown
    given.update(quantities)
    return given


def exactly(distance_dm: int) -> dict[str, int]:
    """A position due north of `NANJING` that is measured to be so far away."""
    homes = Homes.of([NANJING], 1)
    guess = round(NANJING.lat * 1e7 + distance_dm / 10 * METRE_E7)
    lats = np.arange(guess - 500, guess + 500)
    lons = np.full(len(lats), NANJING.lon)
    measured = homes.distance_dm(np.zeros(len(lats), dtype=np.int64), lats / 1e7, lons)
    found = lats[measured == distance_dm]
    return {"lat_e7": int(found[len(found) // 2]), "lon_e7": round(NANJING.lon * 1e7)}


def rows_of(readings: Sequence[Mapping[str, Any]]) -> Rows:
    """The readings as rows, in order, with their digests."""
    rows = np.zeros(len(readings), dtype=READING)
    for n, each in enumerate(readings):
        for name, value in each.items():
            rows[n][name] = value
    rows["digest"] = digests(rows)
    return in_order(rows)


class Book:
    """What a ledger keeps of findings. Every change has to fit what is there."""

    def __init__(self) -> None:
        self.standing: dict[tuple[FindingKey, int], Finding] = {}
        self.told: list[FindingChange] = []

    def write(self, changes: Sequence[FindingChange]) -> None:
        for change in changes:
            finding, before = change.finding, change.before
            identity = finding.key, finding.onset_at
            self.told.append(change)
            if change.change is Change.BEGAN:
                assert before is None
                assert finding.ended_at is None
                assert identity not in self.standing
            else:
                assert before is not None
                assert self.standing.pop((before.key, before.onset_at)) == before
            if change.change is not Change.WITHDRAWN:
                self.standing[identity] = finding

    def of(self, slot: int) -> list[Finding]:
        """The findings of event-time rules of one wearer, in order."""
        return sorted(
            (
                each
                for each in self.standing.values()
                if each.key.device_no == slot + 1 and not each.key.by_journal
            ),
            key=lambda each: (each.onset_at, each.key.rule, each.key.site_class),
        )


class Service:
    """What the pipeline and the ledger do with the rules, in a few lines."""

    def __init__(self, *worn: Worn, rulebook: Rulebook = DEFAULT) -> None:
        self.rulebook = rulebook
        self.wearers = Wearers.of(roster_of(*worn), rulebook)
        self.state: State = fresh(0)
        self.book = Book()
        self.stored: list[Rows] = []
        self.late: dict[int, int] = {}
        self.clock_us = 0

    def receive(self, readings: Sequence[Mapping[str, Any]], now: int = T0) -> Evaluation:
        """Judges and takes over one batch; late readings are left to `settle`."""
        rows = rows_of(readings)
        untouched = self.state.copy(), rows.copy()
        done = evaluate(self.state, rows, self.wearers, self.rulebook, now, self.clock_us)
        assert (self.state.tobytes(), rows.tobytes()) == tuple(each.tobytes() for each in untouched)
        self._take_over(done)
        self.stored.append(rows)
        for slot, at in done.late:
            self.late[slot] = min(at, self.late.get(slot, at))
        return done

    def tick(self, now: int, clock_us: int | None = None) -> Evaluation:
        """The clock strikes `now`; the receive clock moves to `clock_us`."""
        if clock_us is not None:
            self.clock_us = clock_us
        untouched = self.state.copy()
        done = tick(self.state, self.wearers, self.rulebook, now, self.clock_us)
        assert self.state.tobytes() == untouched.tobytes()
        self._take_over(done)
        return done

    def settle(self, now: int = T0) -> list[FindingChange]:
        """Judges anew the wearers whose readings came late."""
        changes: list[FindingChange] = []
        for slot, late_from in sorted(self.late.items()):
            replayed, findings = self.replay(slot, now)
            revised = revise(self.book.of(slot), findings, late_from)
            slots = np.array([slot])
            merged = merge_replayed(self.state.gather(slots), replayed)
            self._take_over(Evaluation(slots, merged, revised, ()))
            changes += revised
        self.late.clear()
        return changes

    def replay(self, slot: int, now: int = T0) -> tuple[Touched, list[Finding]]:
        """What all that is stored of one wearer comes to."""
        rows = in_order(np.concatenate([*self.stored, rows_of([])]))
        mine = rows[rows["slot"] == slot]
        states, findings = replay(mine, np.array([slot]), self.wearers, self.rulebook, now)
        return states, findings[0]

    def _take_over(self, done: Evaluation) -> None:
        self.state = apply(self.state, done)
        self.book.write(done.changes)


def findings(
    readings: Sequence[Mapping[str, Any]], worn: Worn | None = None, rulebook: Rulebook = DEFAULT
) -> list[Finding]:
    """The findings of one wearer's readings, each in a batch of its own."""
    service = Service(worn or Worn(), rulebook=rulebook)
    for each in readings:
        service.receive([each])
    service.settle()
    return service.book.of(0)


def key(rule: Rule, site_class: SiteClass = SiteClass.NONE, number: int = 1) -> FindingKey:
    """The key of a finding of wearer `number`."""
    return FindingKey(number, number, rule, site_class)


def by_event_time(state: State) -> bytes:
    """All of it that does not depend on the order of arrival."""
    rows = state.gather(np.arange(len(state)))
    for name in JOURNAL_COLUMNS:
        if name not in SPARSE or rows.going(name).any():
            rows[name][:] = np.zeros((), dtype=rows[name].dtype)
    return rows.tobytes()


def seconds(count: float) -> int:
    """Microseconds."""
    return round(count * SECOND_US)
