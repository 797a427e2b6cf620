"""Every checker can fail: a world that came to rest, spoilt in one way, is not let through."""

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest

from alerts.alert import Response
from domain.instant import MINUTE_US
from rules.finding import Finding, Rule, Severity
from tests.simulation import checkers
from tests.simulation.calm import calm
from tests.simulation.checkers import Checker
from tests.simulation.people import roster
from tests.simulation.sending import STARTED_AT, is_good, sent
from tests.simulation.world import CALM, World


@cache
def _rested() -> World:
    world = World(1, roster(STARTED_AT), sent(random.Random(1)))
    world.faults = CALM
    world.run()
    return world


def at_rest() -> World:
    """Without a fault; to be spoilt."""
    return deepcopy(_rested())


def one(world: World, rule: Rule | None = None) -> Finding:
    """A finding of event time."""
    return next(
        each
        for each in world.ledger.findings.values()
        if not each.key.by_journal and rule in (None, each.key.rule)
    )


def confirms_what_is_not_kept(world: World) -> None:
    world.ledger.stored.clear()


def loses_a_reading(world: World) -> None:
    world.ledger.stored.pop(next(iter(world.ledger.stored)))


def loses_what_is_spoilt(world: World) -> None:
    spoilt = next(message for message in world.ledger.rejected if not is_good(message[1]))
    del world.ledger.rejected[spoilt]


def leaves_a_reading_rejected(world: World) -> None:
    """The band that nobody wore is somebody's now, and its readings are not judged again."""
    worn = world.ledger.roster.assignments
    given = tuple(replace(each, device_no=5) for each in worn[1])
    world.ledger.roster = replace(world.ledger.roster, assignments={**worn, 5: given})


def stores_twice(world: World) -> None:
    (device_no, at, digest), row = next(iter(world.ledger.stored.items()))
    world.ledger.stored[device_no, at, digest + 1] = row


def stores_what_nobody_sent(world: World) -> None:
    row = next(iter(world.ledger.stored.values()))
    row["measured_at"] += 1


def rejects_without_a_reason(world: World) -> None:
    message, kept = next(iter(world.ledger.rejected.items()))
    world.ledger.rejected[message] = replace(kept, rejections=())


def forgets_a_finding(world: World) -> None:
    del world.ledger.findings[one(world).key, one(world).onset_at]


def goes_on_after_the_end(world: World) -> None:
    open_ = replace(one(world), ended_at=None)
    world.ledger.findings[open_.key, open_.onset_at] = open_
    worn = world.ledger.roster.assignments
    device_no, until = open_.key.device_no, world.ticked_at - MINUTE_US
    given = tuple(replace(each, to_at=until) for each in worn[device_no])
    world.ledger.roster = replace(world.ledger.roster, assignments={**worn, device_no: given})


def opens_two_cases(world: World) -> None:
    step = next(each for each in world.ledger.steps if each.after.severity is Severity.URGENT)
    for name in ("first", "second"):
        again = replace(step.after, id=name, response=Response.OPEN)
        world.ledger.cases.moved(replace(step, after=again))


def closes_by_itself(world: World) -> None:
    step = next(each for each in world.ledger.steps if each.after.severity is Severity.URGENT)
    closed = replace(step.after, response=Response.CLOSED, outcome=None)
    world.ledger.cases.moved(replace(step, after=closed))


def tells_nobody(world: World) -> None:
    world.ledger.cases._alerts.clear()


def goes_back(world: World) -> None:
    step = world.ledger.steps[-1]
    world.ledger.steps.append(replace(step, after=replace(step.after, version=0)))


def takes_our_outage_for_silence(world: World) -> None:
    silent = replace(one(world).key, rule=Rule.SILENT)
    found = replace(one(world), key=silent, value=10**9)
    world.ledger.findings[silent, found.onset_at] = found


Spoils = Callable[[World], None]

BAD: dict[type[Checker], tuple[Spoils, ...]] = {
    checkers.ConfirmedIsKept: (confirms_what_is_not_kept,),
    checkers.NothingLost: (loses_a_reading, loses_what_is_spoilt, leaves_a_reading_rejected),
    checkers.StoredOnce: (stores_twice, stores_what_nobody_sent),
    checkers.OnlyWhatIsWrongIsRejected: (rejects_without_a_reason,),
    checkers.FindingsAsInCalm: (forgets_a_finding,),
    checkers.FindingsAsTheOracleSays: (forgets_a_finding,),
    checkers.CaseloadKnowsTheFindings: (forgets_a_finding,),
    checkers.NothingOutlastsItsSpell: (goes_on_after_the_end,),
    checkers.OneOpenAlertOfEachKind: (opens_two_cases,),
    checkers.OnlyPeopleClose: (closes_by_itself,),
    checkers.EveryFindingHasAnAlert: (tells_nobody,),
    checkers.VersionsOnlyRise: (goes_back,),
    checkers.OurOutageIsNobodysSilence: (takes_our_outage_for_silence,),
}
"""What each of them notices."""


@pytest.mark.parametrize(
    ("kind", "spoil"), [(kind, spoil) for kind, spoils in BAD.items() for spoil in spoils]
)
def test_it_fails_of_a_world_that_is_spoilt(kind: type[Checker], spoil: Spoils) -> None:
    world = at_rest()
    (checker,) = [each for each in checkers.checkers(calm(world)) if type(each) is kind]
    spoil(world)
    with pytest.raises(AssertionError):
        checker.check(world)


def test_they_hold_of_a_world_at_rest() -> None:
    world = at_rest()
    for checker in checkers.checkers(calm(world)):
        checker.check(world)
