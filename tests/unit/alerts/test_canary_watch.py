from collections.abc import Iterable

import pytest

from alerts.canary import MOST_IN_A_MESSAGE
from alerts.canary_watch import Cut, Grid, Hop, Limits, Verdict, Watch
from alerts.signals import Kind

S = 1_000_000
LIMITS = Limits(every_us=60 * S, overdue_us=90 * S, answers_us=30 * S)
HOPS = (Hop.BROKER, Hop.INGEST, Hop.STREAM, Hop.FEEDS, Hop.MQTT)
LEAVES = (Hop.STREAM, Hop.MQTT)
ONE, TWO = Grid(1, "grid-1"), Grid(2, "grid-2")
NOBODY: tuple[Hop, ...] = ()


class Town:
    """A watch with a clock, looked at every second, and hops that can be cut."""

    def __init__(self, *grids: Grid) -> None:
        self.watch = Watch(HOPS, LIMITS)
        self.now = 0
        self.cut: dict[Hop, frozenset[int]] = {}
        """Hop -> grids for which nothing comes past."""
        self.answers = True
        self.verdict = Verdict((), ())
        self.all = frozenset(grid.no for grid in grids)
        self.watch.grids(grids, 0)

    def run(self, seconds: int) -> dict[Hop, int]:
        """So many seconds; when each hop was first said to be cut."""
        said: dict[Hop, int] = {}
        for _ in range(seconds):
            self.now += S
            if self.answers:
                self.watch.answered(self.now)
            due = self.watch.due(self.now)
            if due:
                self.fly(due)
            self.verdict = self.watch.look(self.now)
            for cut in self.verdict.cut:
                said.setdefault(cut.hop, self.now // S)
        return said

    def fly(self, due: Iterable[Grid]) -> None:
        grids = list(due)
        mark = f"m{self.now}"
        self.watch.sent(grids, mark, self.now)
        for grid in grids:
            for hop in (Hop.BROKER, *LEAVES):
                way = {Hop.BROKER: (), Hop.STREAM: (Hop.INGEST,), Hop.MQTT: (Hop.INGEST, Hop.FEEDS)}
                came = [*way.get(hop, ()), hop]
                if hop is not Hop.BROKER:
                    came.insert(0, Hop.BROKER)
                for each in came:
                    if grid.no in self.cut.get(each, ()):
                        break
                    self.watch.passed(each, grid.no, mark, self.now)


def cuts(verdict: Verdict) -> list[Hop]:
    return [cut.hop for cut in verdict.cut]


def test_nothing_is_said_while_all_come_back() -> None:
    town = Town(ONE, TWO)
    assert town.run(1_000) == {}
    assert town.verdict.open == (Hop.DATABASE, *HOPS)


@pytest.mark.parametrize("hop", HOPS)
def test_the_hop_that_is_cut_is_said_within_three_minutes_and_no_other(hop: Hop) -> None:
    town = Town(ONE, TWO)
    for start in range(0, 60, 7):
        town.run(300 + start)
        town.cut[hop] = town.all
        began = town.now // S
        said = town.run(180)
        assert list(said) == [hop]
        assert 90 <= said[hop] - began <= 151
        (cut,) = town.verdict.cut
        assert (cut.grids, cut.everybody) == ((ONE, TWO), True)
        town.run(3_600)
        assert cuts(town.verdict) == [hop]
        town.cut.clear()
        town.run(60)
        assert town.verdict.open == (Hop.DATABASE, *HOPS)


def test_what_is_lost_with_the_broker_is_no_cut_behind_it() -> None:
    town = Town(ONE)
    town.run(120)
    town.cut[Hop.MQTT] = town.all
    town.run(60)  # one canary
    town.cut = {Hop.BROKER: town.all}
    assert list(town.run(600)) == [Hop.BROKER]
    town.cut.clear()
    assert town.run(59).keys() == {Hop.BROKER}
    assert town.run(200) == {}


def test_a_cut_for_one_grid_names_it_and_is_for_it_alone() -> None:
    town = Town(ONE, TWO)
    town.cut[Hop.MQTT] = frozenset({2})
    town.run(200)
    assert town.verdict.cut == (Cut(Hop.MQTT, (TWO,), everybody=False),)
    (cut,) = town.verdict.cut
    assert (cut.subject, cut.kind) == ("canary:mqtt", Kind.UNDELIVERABLE)
    assert cut.detail == "canaries do not come out by MQTT: grid-2"


def test_a_database_that_is_away_is_said_and_not_ingestion() -> None:
    town = Town(ONE)
    town.run(300)
    town.answers = False
    town.cut[Hop.INGEST] = town.all  # nobody can read whether it is so
    assert list(town.run(400)) == [Hop.DATABASE]
    assert town.verdict.cut == (Cut(Hop.DATABASE, (), everybody=True),)
    town.answers = True
    town.cut.clear()
    assert town.run(100) == {}
    assert town.verdict.open == (Hop.DATABASE, *HOPS)


def test_what_was_cut_before_the_database_was_away_is_not_open_for_that() -> None:
    town = Town(ONE)
    town.cut[Hop.INGEST] = town.all
    town.run(300)
    assert cuts(town.verdict) == [Hop.INGEST]
    town.answers = False
    town.run(40)
    town.answers = True
    for _ in range(95):
        town.run(1)
        assert Hop.INGEST not in town.verdict.open
    assert cuts(town.verdict) == [Hop.INGEST]


def test_after_a_while_without_a_look_it_begins_anew() -> None:
    town = Town(ONE)
    town.run(130)
    town.cut[Hop.INGEST] = town.all
    town.run(80)
    town.now += 3_600 * S  # stopped, with a canary on its way
    town.cut.clear()
    assert town.run(200) == {}


def test_nothing_is_known_at_first() -> None:
    watch = Watch(HOPS, LIMITS)
    watch.grids([ONE], 0)
    assert watch.look(0) == Verdict((), (Hop.DATABASE,))


def test_without_grids_nothing_is_sent_and_nothing_is_cut() -> None:
    town = Town(ONE)
    town.cut[Hop.INGEST] = town.all
    town.run(300)
    town.watch.grids([], town.now)
    town.run(1)
    assert town.watch.due(town.now) == []
    assert town.verdict.open == (Hop.DATABASE, *HOPS)


def test_many_grids_are_spread_over_the_interval() -> None:
    watch = Watch(HOPS, LIMITS)
    grids = [Grid(no, f"g{no}") for no in range(6_000)]
    watch.grids(grids, 0)
    sent = [watch.due(second * S) for second in range(61)]
    assert max(map(len, sent)) <= 101
    assert sorted(grid for part in sent for grid in part) == [grids[0], *grids]
    assert len(watch.due(3_600 * S)) == MOST_IN_A_MESSAGE  # and what was missed is sent once
    for _ in range(11):
        watch.due(3_600 * S)
    assert watch.due(3_600 * S) == []


def test_a_new_grid_does_not_move_the_others() -> None:
    watch = Watch(HOPS, LIMITS)
    watch.grids([ONE], 0)
    assert watch.due(0) == [ONE]
    watch.grids([TWO, ONE], 30 * S)
    assert watch.due(30 * S) == [TWO]
    assert watch.due(60 * S) == [ONE]
    assert watch.due(90 * S) == [TWO]


def test_a_mark_that_nobody_sent_opens_nothing() -> None:
    town = Town(ONE)
    town.cut[Hop.INGEST] = town.all
    for _ in range(300):
        town.run(1)
        town.watch.passed(Hop.STREAM, 1, "forged", town.now)
    assert cuts(town.verdict) == [Hop.INGEST]
    assert town.watch.strangers == 300


def test_an_old_mark_is_forgotten() -> None:
    watch = Watch(HOPS, LIMITS)
    watch.grids([ONE], 0)
    watch.sent([ONE], "old", 0)
    assert watch.ours("old")
    watch.sent([ONE], "new", 8 * 60 * S + 1)
    assert not watch.ours("old")
    assert watch.ours("new")


def test_a_puback_that_comes_late_or_not_at_all_takes_nothing_back() -> None:
    watch = Watch(HOPS, LIMITS)
    watch.grids([ONE], 0)
    watch.sent([ONE], "a", 0)
    watch.passed(Hop.STREAM, 1, "a", S)
    watch.passed(Hop.MQTT, 1, "a", S)
    watch.passed(Hop.BROKER, 1, "a", 2 * S)
    assert watch.look(2 * S).open == (Hop.DATABASE, *HOPS)


def test_ages_are_since_it_was_sent_and_since_the_beginning_before() -> None:
    watch = Watch(HOPS, LIMITS)
    watch.grids([ONE], 0)
    watch.sent([ONE], "a", 5 * S)
    watch.passed(Hop.INGEST, 1, "a", 9 * S)
    ages = watch.ages(10 * S)
    assert ages[ONE, Hop.BROKER] == ages[ONE, Hop.INGEST] == 5 * S
    assert ages[ONE, Hop.STREAM] == 10 * S
    assert (ONE, Hop.DATABASE) not in ages


def test_of_many_grids_three_are_named() -> None:
    grids = tuple(Grid(no, f"g{no}") for no in range(5))
    assert Cut(Hop.STREAM, grids, everybody=True).detail.endswith(": g0, g1, g2 and 2 more")
