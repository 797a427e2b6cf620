"""What the ledger is told, how often and in which order."""

from dataclasses import replace
from itertools import pairwise

from domain.people import Threshold
from domain.reading import Site
from rules.finding import Change, FindingChange, Rule, Severity, SiteClass
from tests.unit.rules.making import Service, Worn, key, minutes, reading


def fever(*readings: tuple[float, float], slot: int = 0) -> list[dict[str, object]]:
    return [reading(minutes(m), slot, temperature_c=c) for m, c in readings]


BEGINS = ((0, 38.0), (5, 38.0), (10, 38.0))


def kinds(changes: object) -> list[Change]:
    assert isinstance(changes, list)
    return [each.change for each in changes if isinstance(each, FindingChange)]


def test_a_finding_seen_again_is_told_once_with_its_newest_support() -> None:
    service = Service(Worn())
    service.receive(fever(*BEGINS))
    (change,) = service.receive(fever((11, 38.1), (12, 38.4), (13, 38.2))).changes
    assert (change.change, change.late) == (Change.SEEN, False)
    assert (change.finding.last_at, change.finding.value) == (minutes(13), 3820)
    assert change.finding.peak == 3840
    assert change.before is not None
    assert change.before.last_at == minutes(10)


def test_in_the_batch_in_which_it_begins_too() -> None:
    changes = Service(Worn()).receive(fever(*BEGINS, (11, 38.1), (12, 38.2))).changes
    assert kinds(changes) == [Change.BEGAN, Change.SEEN]
    assert changes[0].before is None
    assert changes[1].before == changes[0].finding


def test_an_end_carries_the_newest_support_itself() -> None:
    readings = fever(*BEGINS, (11, 38.1), (20, 36), (35, 36), (50, 36))
    changes = Service(Worn()).receive(readings).changes
    assert kinds(changes) == [Change.BEGAN, Change.ENDED]
    assert changes[1].finding.last_at == minutes(11)
    assert changes[1].finding.ended_at == minutes(20)


def test_getting_worse_is_told() -> None:
    service = Service(Worn())
    service.receive(fever(*BEGINS))
    changes = service.receive(fever((11, 39.2), (12, 38.4))).changes
    assert kinds(changes) == [Change.WORSENED, Change.SEEN]
    assert [each.finding.severity for each in changes] == [Severity.CRITICAL] * 2


def test_until_when_a_persons_own_threshold_counts_is_said_where_it_was_used() -> None:
    own = Threshold(3700, "dr-03", expires_at=minutes(60))
    service = Service(Worn(fever={Site.AXILLARY: own}), Worn())
    changes = service.receive([*fever(*BEGINS), *fever(*BEGINS, slot=1)]).changes
    assert [(each.finding.origin, each.finding.detail) for each in changes] == [
        ("dr-03", '{"expires_at":"2026-02-03T01:00:00Z"}'),
        ("rulebook", ""),
    ]


def test_two_findings_one_after_the_other_in_a_batch() -> None:
    spot = Worn(spot=True)
    changes = Service(spot).receive(fever((0, 38), (1, 38), (2, 36), (3, 38), (4, 38))).changes
    assert kinds(changes) == [Change.BEGAN, Change.ENDED, Change.BEGAN, Change.SEEN]
    assert changes[2].before is None


def test_changes_come_by_wearer_then_reading_then_rule() -> None:
    service = Service(Worn(), Worn())
    out = {"north_m": 500.0, "accuracy_m": 10.0}
    readings = [
        reading(minutes(m), slot, temperature_c=c, **(out if m in (8, 10) else {}))
        for slot in (1, 0)
        for m, c in (*BEGINS, (8, 38.0))
    ]
    changes = service.receive(readings).changes
    assert [each.finding.key for each in changes] == [
        key(Rule.FEVER, SiteClass.CORE, 1),
        key(Rule.LEFT_HOME, SiteClass.NONE, 1),
        key(Rule.FEVER, SiteClass.CORE, 2),
        key(Rule.LEFT_HOME, SiteClass.NONE, 2),
    ]


def test_the_finding_that_was_is_what_was_told_last() -> None:
    service = Service(Worn())
    service.receive(fever(*BEGINS))
    service.receive(fever((11, 39.2), (12, 38.4)))
    service.receive(fever((20, 36), (35, 36), (50, 36)))
    told = service.book.told
    assert all(later.before == earlier.finding for earlier, later in pairwise(told))
    assert told[-1].finding == replace(told[-2].finding, ended_at=minutes(20))
