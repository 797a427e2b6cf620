"""Findings and alerts for the tests of this folder, from the few words that matter to each."""

from dataclasses import replace
from itertools import count
from typing import Any

from alerts.alert import Alert, Condition, Outcome, Response
from alerts.evidence import Held, Surroundings, Worn
from alerts.lifecycle import Facts, Happened, Kind, Refused, Step, apply, moved
from alerts.triage import Case, Decision, decide
from domain.instant import MINUTE_US
from rules.finding import Finding, FindingKey, Rule, Severity, SiteClass

T0 = 1_770_000_000_000_000
"""2026-02-02T02:40:00Z."""

WHERE = Surroundings(
    episode="e-1",
    person="p-1",
    grid="grid-1",
    building="3",
    timezone="Asia/Shanghai",
    fence_m=50.0,
    devices={1: Worn("w-1", 60), 2: Worn("w-2", 60)},
)


def at(minutes: float) -> int:
    return T0 + int(minutes * MINUTE_US)


def finding(
    onset: float = 0,
    ended: float | None = None,
    severity: Severity = Severity.URGENT,
    device_no: int = 1,
    rule: Rule = Rule.FEVER,
    **given: Any,
) -> Finding:
    """Minutes since `T0`."""
    site_class = SiteClass.CORE if rule is Rule.FEVER else SiteClass.NONE
    given.setdefault("last_at", at(onset + 10 if ended is None else ended))
    return Finding(
        key=FindingKey(7, device_no, rule, site_class),
        onset_at=at(onset),
        ended_at=None if ended is None else at(ended),
        severity=severity,
        **{
            "value": 3840,
            "peak": 3840,
            "limit": 3730,
            "origin": "rulebook",
            "site": "axillary" if rule is Rule.FEVER else "",
            **given,
        },
    )


def held(
    onset: float = 0,
    ended: float | None = None,
    severity: Severity = Severity.URGENT,
    *,
    alert: str | None = None,
    late: bool = False,
    device_no: int = 1,
    **given: Any,
) -> Held:
    return Held(finding(onset, ended, severity, device_no, **given), alert, late, "rules-1")


def alert(**given: Any) -> Alert:
    standing = Alert(
        id="a-0",
        episode_no=7,
        episode="e-1",
        person="p-1",
        grid="grid-1",
        device="w-1",
        rule=Rule.FEVER,
        severity=Severity.URGENT,
        condition=Condition.ACTIVE,
        response=Response.OPEN,
        outcome=None,
        raised_at=at(10),
        onset_at=at(0),
        cleared_at=None,
        last_at=at(10),
        late=False,
        summary="",
        evidence={"ended_at": None, "supported": True},
    )
    return replace(standing, **given)


def case(*held: Held, **given: Any) -> Case:
    return Case(**{"episode_no": 7, "standing": None, "closed": None, "held": held, **given})


def decided(given: Case, now: float = 20) -> Decision:
    ids = count(1)
    return decide(given, WHERE, at(now), lambda: f"a-{next(ids)}")


def steps(decision: Decision) -> list[Step]:
    """What the decision does, each event applied to what the one before left."""
    current: dict[str, Alert] = {}
    done: list[Step] = []
    for before, event in decision.events:
        standing = None if before is None else current.get(before.id, before)
        made = moved(standing, event)
        assert not isinstance(made, Refused), made
        for step in made:
            current[step.after.id] = step.after
            done.append(step)
    return done


def kinds(decision: Decision) -> list[str]:
    return [step.event.kind.value for step in steps(decision)]


def facts_of(severity: Severity) -> Facts:
    return Facts(severity, at(0), at(15), "now", {"supported": True})


def so(response: Response, condition: Condition = Condition.ACTIVE, **given: Any) -> Alert:
    """An alert that stands there, whole in itself."""
    given = {
        "assignee": None if response is Response.OPEN else "dr-1",
        "cleared_at": at(15) if condition is Condition.CLEARED else None,
        "closed_at": at(16) if response is Response.CLOSED else None,
        "closed_severity": Severity.URGENT if response is Response.CLOSED else None,
        "outcome": Outcome.WELL if response is Response.CLOSED else None,
        **given,
    }
    return alert(response=response, condition=condition, **given)


def happened(kind: Kind, **given: Any) -> Happened:
    """By dr-2 at minute 20, or by the service."""
    people = (Kind.ACKNOWLEDGED, Kind.VISITED, Kind.OUTCOME, Kind.NOTED, Kind.ASSIGNED, Kind.UNDONE)
    actor = "dr-2" if kind in people else None
    return Happened(kind, at(20), actor=actor, **given)


def after(standing: Alert, event: Happened) -> Alert:
    """The alert then; the event must not be refused."""
    found = apply(standing, event)
    assert not isinstance(found, Refused), found
    return found
