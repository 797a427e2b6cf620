"""What has to be so of every world at its end: one class a promise, each with `check`."""

from collections import Counter
from typing import Protocol

from alerts.alert import Response
from domain.instant import SECOND_US
from rules.finding import Finding, Rule, Severity
from tests.simulation.second_opinion import differences
from tests.simulation.world import World


class Checker(Protocol):
    """Raises `AssertionError` with what is wrong."""

    def check(self, world: World) -> None:
        """Looks at a world that has come to rest."""
        ...


class FindingsAsInCalm:
    """Promise 2: what faults there were changes no finding of event time."""

    def __init__(self, calm: set[Finding]) -> None:
        self._calm = calm

    def check(self, world: World) -> None:
        found = {f for f in world.ledger.findings.values() if not f.key.by_journal}
        assert found == self._calm


class FindingsAsTheOracleSays:
    """The verdict is that of the contract: the rules have no hand in this comparison."""

    def check(self, world: World) -> None:
        found = [f for f in world.ledger.findings.values() if not f.key.by_journal]
        assert not differences(found, world._roster, world.ledger.rows(), world.now)


class CaseloadKnowsTheFindings:
    """What people see rests on what the ledger holds."""

    def check(self, world: World) -> None:
        assert {*world.ledger.cases.findings} == {*world.ledger.findings.values()}


class OneOpenAlertOfEachKind:
    """At most one case of an (episode, rule) is not closed."""

    def check(self, world: World) -> None:
        open_ = Counter(
            (alert.episode_no, alert.rule)
            for alert in world.ledger.cases.alerts
            if alert.response is not Response.CLOSED
        )
        assert not [key for key, number in open_.items() if number > 1]


class OnlyPeopleClose:
    """What is urgent or critical is closed by an outcome and by nothing else (promise 3)."""

    def check(self, world: World) -> None:
        for alert in world.ledger.cases.alerts:
            if alert.response is Response.CLOSED and alert.severity is not Severity.ROUTINE:
                assert alert.outcome is not None


class EveryFindingHasAnAlert:
    """Somebody is told of every finding of event time, and of nothing that is none."""

    def __init__(self, calm: set[Finding]) -> None:
        self._calm = calm

    def check(self, world: World) -> None:
        told = {(alert.episode_no, alert.rule) for alert in world.ledger.cases.alerts}
        assert {(f.key.episode_no, f.key.rule) for f in self._calm} <= told


class VersionsOnlyRise:
    """Each step of an alert follows the one before."""

    def check(self, world: World) -> None:
        last: dict[str, int] = {}
        for step in world.ledger.steps:
            assert step.after.version >= last.get(step.after.id, 0)
            last[step.after.id] = step.after.version


class OurOutageIsNobodysSilence:
    """Nobody is silent longer, by the receive clock, than that clock has run."""

    def check(self, world: World) -> None:
        for finding in world.ledger.findings.values():
            if finding.key.rule is Rule.SILENT:
                assert finding.value * SECOND_US <= world.ledger.receive_clock_us


def checkers(calm: set[Finding]) -> tuple[Checker, ...]:
    """All of them. `calm` is what one pass over everything stored, in order, finds."""
    return (
        FindingsAsInCalm(calm),
        FindingsAsTheOracleSays(),
        CaseloadKnowsTheFindings(),
        OneOpenAlertOfEachKind(),
        OnlyPeopleClose(),
        EveryFindingHasAnAlert(calm),
        VersionsOnlyRise(),
        OurOutageIsNobodysSilence(),
    )
