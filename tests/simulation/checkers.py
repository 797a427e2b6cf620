"""What has to be so of every world: one class a promise, each with `check`.

`throughout` is asked after every step that is stored and every message that is confirmed, the
others of a world that has come to rest. `test_checkers.py` shows of each that it can fail.
"""

import json
from collections import Counter
from functools import lru_cache
from typing import Protocol

from alerts.alert import Response
from domain.instant import SECOND_US, parse_rfc3339
from rules.finding import Finding, FindingKey, Rule, Severity
from rules.rulebook import DEFAULT
from tests.simulation.devices import Message, device_of
from tests.simulation.ledger import FOR_WANT_OF_A_ROSTER
from tests.simulation.second_opinion import differences
from tests.simulation.sending import is_good
from tests.simulation.world import World


class Checker(Protocol):
    """Raises `AssertionError` with what is wrong."""

    def check(self, world: World) -> None:
        """Looks at a world."""
        ...


class ConfirmedIsKept:
    """Promise 1: what is confirmed to the broker is a reading or a rejection by then.

    Looks at what was confirmed since it looked last.
    """

    def __init__(self) -> None:
        self._seen = 0

    def check(self, world: World) -> None:
        fresh = world.acked[self._seen :]
        if fresh:
            stored = _stored(world)
            assert all(m in world.ledger.rejected or _reading(m) in stored for m in fresh)
        self._seen = len(world.acked)


class NothingLost:
    """Promise 1: what was sent is confirmed, and a reading if it is one and somebody's.

    What is spoilt is kept byte for byte; so is a reading while nobody wears the device, no longer.
    """

    def check(self, world: World) -> None:
        assert {*world.acked} == {*world.sent}
        ledger, stored = world.ledger, _stored(world)
        for message in world.sent:
            reading = _reading(message)
            if reading is None:
                assert message in ledger.rejected
                continue
            device, at, _ = reading
            if ledger.roster.assigned(ledger.roster.devices[device].no, at) is None:
                assert reading in stored or message in ledger.rejected
            else:
                assert reading in stored
                assert message not in ledger.rejected


class StoredOnce:
    """Promise 1: no reading is there twice, and none that nobody sent."""

    def __init__(self) -> None:
        self._sent: set[Reading | None] = set()

    def check(self, world: World) -> None:
        self._sent = self._sent or {_reading(message) for message in world.sent}
        times = _stored(world)
        assert {*times} <= self._sent
        assert [reading for reading, number in times.items() if number > 1] == []


class OnlyWhatIsWrongIsRejected:
    """A rejection has a reason, and a reading is kept for want of a roster and nothing else."""

    def check(self, world: World) -> None:
        for message, kept in world.ledger.rejected.items():
            reasons = {each.reason for each in kept.rejections}
            assert reasons
            assert not is_good(message[1]) or reasons <= {*FOR_WANT_OF_A_ROSTER}


class FindingsAsInCalm:
    """Promise 2: what faults there were, and when the roster was read, changes no finding."""

    def __init__(self, calm: set[Finding]) -> None:
        self._calm = calm

    def check(self, world: World) -> None:
        found = {f for f in world.ledger.findings.values() if not f.key.by_journal}
        assert found == self._calm


class FindingsAsTheOracleSays:
    """The verdict is that of the contract: the rules have no hand in this comparison."""

    def check(self, world: World) -> None:
        ledger = world.ledger
        # The oracle knows the contract's own figures and no others.
        if ledger.rulebook == DEFAULT:
            found = [f for f in ledger.findings.values() if not f.key.by_journal]
            assert not differences(found, ledger.roster, ledger.rows(), world.ticked_at)


class CaseloadKnowsTheFindings:
    """What people see rests on what the ledger holds."""

    def check(self, world: World) -> None:
        assert {*world.ledger.cases.findings} == {*world.ledger.findings.values()}


class NothingOutlastsItsSpell:
    """When a device is taken off or an episode ends, what was found with it ends, by any rule."""

    def check(self, world: World) -> None:
        for finding in world.ledger.findings.values():
            begun = [
                until_at
                for from_at, until_at in _spells(world, finding.key)
                if from_at <= world.ticked_at
            ]
            if begun and max(begun) <= world.ticked_at:
                assert finding.ended_at is not None


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


def throughout() -> tuple[Checker, ...]:
    """Safety: so at any moment."""
    return (
        ConfirmedIsKept(),
        StoredOnce(),
        OnlyWhatIsWrongIsRejected(),
        CaseloadKnowsTheFindings(),
        OneOpenAlertOfEachKind(),
        OnlyPeopleClose(),
        VersionsOnlyRise(),
        OurOutageIsNobodysSilence(),
    )


def checkers(calm: set[Finding]) -> tuple[Checker, ...]:
    """All that is so at the end; `calm` is what one pass over all that is stored finds."""
    return (
        *throughout(),
        NothingLost(),
        FindingsAsInCalm(calm),
        FindingsAsTheOracleSays(),
        NothingOutlastsItsSpell(),
        EveryFindingHasAnAlert(calm),
    )


def _spells(world: World, key: FindingKey) -> list[tuple[int, int]]:
    """When a device was or will be worn in an episode that runs: (from, until)."""
    roster = world.ledger.roster
    episode = roster.episodes[key.episode_no]
    return [
        (
            max(each.from_at, episode.starts_at),
            episode.ends_at if each.to_at is None else min(each.to_at, episode.ends_at),
        )
        for each in roster.assignments.get(key.device_no, ())
        if each.episode_no == key.episode_no
    ]


Reading = tuple[str, int, int]
"""(device id, measured_at, seq): a device gives no number twice for one instant."""


@lru_cache(maxsize=4096)
def _reading(message: Message) -> Reading | None:
    """None of what is spoilt."""
    if not is_good(message[1]):
        return None
    body = json.loads(message[1])
    return device_of(message[0]), parse_rfc3339(body["measured_at"]), body["seq"]


def _stored(world: World) -> Counter[Reading | None]:
    """How often each reading is there."""
    ids = {device.no: device.id for device in world.ledger.roster.devices.values()}
    return Counter(
        (ids[int(row["device_no"])], int(row["measured_at"]), int(row["seq"]))
        for row in world.ledger.stored.values()
    )
