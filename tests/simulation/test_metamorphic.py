"""What must not matter does not: over more than twenty thousand histories, each in two ways.

A case is the history of one wearer, delivered once in order and once in another way: permuted,
doubled, delayed, in other batches; or moved by days, given to other people, turned about the home.
"""

from dataclasses import replace

import numpy as np
import pytest

from domain.batch import MISSING, Rows, digests, in_order
from domain.geo import metres_per_degree
from domain.instant import DAY_US
from ingest.judging import Judgement
from ingest.work import History
from rules.engine import apply
from rules.finding import Finding, Rule, SiteClass
from rules.rulebook import DEFAULT
from rules.state import State, fresh
from rules.wearers import Wearers
from tests.simulation.histories import EVERYWHERE, KINDS, histories
from tests.unit.rules import oracle
from tests.unit.rules.alike import as_readings, as_the_oracle_says, of_the_first
from tests.unit.rules.making import NANJING, T0, Book, roster_of

WEARERS = 200
WORLDS = 56
CASES = 2 * WORLDS * WEARERS
NOW = T0 + 40 * DAY_US
KIND_OF = np.arange(WEARERS) % len(KINDS)


class Service:
    """The rules over many wearers, with late readings judged anew when it is told to."""

    def __init__(self, kinds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        self.wearers = Wearers.of(roster_of(*(KINDS[kind] for kind in kinds.tolist())), DEFAULT)
        self.state: State = fresh(len(self.wearers))
        self.book = Book()
        self._stored: list[Rows] = []
        self._late: dict[int, int] = {}

    def receive(self, rows: Rows) -> None:
        """A batch. What was stored before is dropped, as the ledger does."""
        rows = in_order(rows)
        stored = np.concatenate([*self._stored, rows[:0]])
        keys = ["slot", "measured_at", "digest"]
        rows = rows[np.unique(rows[keys], return_index=True)[1]]
        rows = in_order(rows[~np.isin(rows[keys], stored[keys])])
        done = self._judgement().judge(rows)
        self._stored.append(rows)
        for slot, at in done.late:
            self._late[slot] = min(at, self._late.get(slot, at))
        self.state = apply(self.state, done)
        self.book.write(done.changes)

    def settle(self) -> None:
        """Late work."""
        if not self._late:
            return
        rows = in_order(np.concatenate(self._stored))
        late = [
            History(
                *(slot + 1, slot + 1),
                rows[slice(*np.searchsorted(rows["slot"], [slot, slot + 1]))].copy(),
                tuple(self.book.of(slot)),
                at,
            )
            for slot, at in sorted(self._late.items())
        ]
        self._late.clear()
        done = self._judgement().rejudge(late)
        self.state = apply(self.state, done)
        self.book.write(done.changes)

    def _judgement(self) -> Judgement:
        return Judgement(self.state, self.wearers, DEFAULT, T0, 0)

    def findings(self) -> list[list[Finding]]:
        """By wearer."""
        return [self.book.of(slot) for slot in range(len(self.wearers))]


def straight(rows: Rows, kinds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Service:
    service = Service(kinds)
    service.receive(rows)
    service.settle()
    return service


def delivered(rows: Rows, rng: np.random.Generator) -> Service:
    """Permuted or nearly in order, some twice, in batches, late work now and then."""
    service = Service(KIND_OF)
    again = rows[rng.random(len(rows)) < 0.1]
    rows = np.concatenate([rows, again])
    if rng.random() < 0.5:
        order = rng.permutation(len(rows))
    else:
        late = np.where(rng.random(len(rows)) < 0.1, rng.integers(0, DAY_US, len(rows)), 0)
        order = np.argsort(rows["measured_at"] + late, kind="stable")
    for part in np.array_split(order, int(rng.integers(1, 8))):
        service.receive(rows[part])
        if rng.random() < 0.4:
            service.settle()
    service.settle()
    return service


def beside_the_oracle(
    rows: Rows, slot: int, found: list[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """What was found of one wearer, and what the contract has."""
    said = oracle.findings(KINDS[KIND_OF[slot]], as_readings(rows[rows["slot"] == slot]))
    return [of_the_first(each) for each in found], said


def moved(rows: Rows, rng: np.random.Generator) -> None:
    """Days later the same is found, days later."""
    kinds = KIND_OF % len(EVERYWHERE)
    days = int(rng.integers(1, 15)) * DAY_US
    later = rows.copy()
    later["measured_at"] += days
    before, after = (straight(each, kinds).findings() for each in (rows, later))
    assert [[_later(each, days) for each in of] for of in before] == [
        [replace(each, detail="") for each in of] for of in after
    ]


def _later(finding: Finding, days: int) -> Finding:
    ended_at = None if finding.ended_at is None else finding.ended_at + days
    return replace(
        finding,
        onset_at=finding.onset_at + days,
        ended_at=ended_at,
        last_at=finding.last_at + days,
        detail="",  # dates of nights
    )


def relabelled(rows: Rows, rng: np.random.Generator) -> None:
    """Other people with the same histories have the same findings."""
    order = rng.permutation(WEARERS)
    other = rows.copy()
    other["slot"] = order[rows["slot"]]
    other["device_no"] = other["episode_no"] = other["slot"] + 1
    kinds = np.empty(WEARERS, dtype=np.int64)
    kinds[order] = KIND_OF
    before, after = straight(rows, KIND_OF).findings(), straight(other, kinds).findings()
    for slot, found in enumerate(before):
        number = int(order[slot]) + 1
        assert after[order[slot]] == [
            replace(each, key=replace(each.key, episode_no=number, device_no=number))
            for each in found
        ]


def turned(rows: Rows, rng: np.random.Generator) -> None:
    """The same distances in another direction."""
    angle = float(rng.uniform(0, 6.28))
    other = rows.copy()
    fixes = rows["lat_e7"] != MISSING["lat_e7"]
    lat_m, lon_m = (per_degree / 1e7 for per_degree in metres_per_degree(NANJING.lat))
    north = (rows["lat_e7"][fixes] - NANJING.lat * 1e7) * lat_m
    other["lat_e7"][fixes] = np.round(NANJING.lat * 1e7 + np.cos(angle) * north / lat_m)
    other["lon_e7"][fixes] = np.round(NANJING.lon * 1e7 + np.sin(angle) * north / lon_m)
    other["digest"] = digests(other)
    before, after = (straight(each, KIND_OF).findings() for each in (rows, other))
    for one, two in zip(before, after, strict=True):
        assert [_about(each) for each in one] == [_about(each) for each in two]


def _about(finding: Finding) -> Finding:
    """Without its distances: they differ by a rounding."""
    away = finding.key.rule is Rule.LEFT_HOME
    return replace(finding, value=0, peak=0) if away else finding


OTHER_WAYS = (moved, relabelled, turned)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_must_not_matter_does_not(seed: int, request: pytest.FixtureRequest) -> None:
    rng = np.random.default_rng(seed)
    rows = histories(rng, WEARERS)
    found = straight(rows, KIND_OF).findings()
    assert delivered(rows, rng).findings() == found
    for slot in range(seed % 7, WEARERS, 7):
        assert as_the_oracle_says(*beside_the_oracle(rows, slot, found[slot]))
    OTHER_WAYS[seed % len(OTHER_WAYS)](rows, rng)
    request.node.user_properties.append(("metamorphic cases", 2 * WEARERS))


def test_there_are_enough_cases_and_every_rule_is_found() -> None:
    assert CASES >= 20_000
    found: dict[tuple[Rule, SiteClass], int] = {}
    for seed in range(4):
        service = straight(histories(np.random.default_rng(seed), WEARERS), KIND_OF)
        for key in {
            (f.key.rule, f.key.site_class, f.key.device_no): 1
            for f in service.book.standing.values()
        }:
            found[key[:2]] = found.get(key[:2], 0) + 1
    wanted = {
        (Rule.FEVER, SiteClass.CORE),
        (Rule.FEVER, SiteClass.SKIN),
        *((rule, SiteClass.NONE) for rule in (Rule.PULSE, Rule.OXYGEN, Rule.LEFT_HOME)),
        *((rule, SiteClass.NONE) for rule in (Rule.NOT_WORN, Rule.BATTERY_LOW, Rule.WATCH)),
    }
    rare = {key: found.get(key, 0) for key in wanted if found.get(key, 0) < 4 * WEARERS / 100}
    assert not rare, "fewer than one in a hundred"
