"""Who is asked to see to an alert, and until when: the chain of those who are told one by one.

Pure; every instant comes in. `alerts.lifecycle` hands each move to `Route.routed`, which sets
`assignee`, `told` and `deadline_at`; a deadline that passes is an `ESCALATED` event of its own
(`overdue`). Nothing here closes a case or stops it from being answered by anybody.

Theory of operation. A chain asks for one thing: first that somebody acknowledges, then that they
visit, then that they say what was true. It tells the doctor on duty with the fewest open alerts,
then another, then a supervisor on duty, then the grid's `escalate_to`; each has the same time. Who
has `alerts_a_doctor` already is passed over, so that a full desk escalates at once. When the last
one's time has passed too, it pauses for `PAUSE_SPANS` times as long and begins again. An
answer begins the next chain: acknowledging stops the asking for it and nothing else. A deadline
that passed while nobody ran fires once, and whoever is told then has the whole time.

While nobody has acknowledged, `assignee` follows the chain; afterwards it is who said so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from alerts.alert import Alert, Response
from alerts.duty import Member, next_time, on_duty
from alerts.lifecycle import Happened, Kind, Step, Why
from alerts.paging import pages
from alerts.staff import Role
from domain.instant import SECOND_US
from rules.finding import Severity

DOCTORS_A_CHAIN: Final = 2
"""How many doctors are told before a supervisor: with five minutes each, more would be too late."""

PAUSE_SPANS: Final = 3
"""Ours: about what the chain took. PagerDuty and Grafana OnCall repeat a policy at once, which
wears out whoever is called; hours of silence about somebody's fever are worse."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How long each has; seconds. Of what is routine everything has until the next round."""

    # What doctors' teams asked for: five minutes and fifteen.
    acknowledge_critical_s: int = 300
    acknowledge_urgent_s: int = 900
    # NICE NG51 (2024), suspected sepsis: looked at again every 30 min at high risk (NEWS2 of 7 or
    # more), every hour at moderate risk (5 or 6). No longer than that until somebody is there.
    visit_critical_s: int = 1_800
    visit_urgent_s: int = 3_600
    # Ours: at the door for an hour and no word.
    outcome_s: int = 3_600
    # Ours: when the day's round begins, in the community's time.
    round_at_min: int = 9 * 60
    # Shanghai Putuo 2020: eight people needed over 12 h for 50 households, six each; twice that.
    alerts_a_doctor: int = 12


DEFAULT: Final = Figures()


@dataclass(frozen=True, slots=True)
class Team:
    """Who goes to the doors of one grid."""

    members: tuple[Member, ...]
    escalate_to: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class Route:
    """The way an alert of one grid takes through its team."""

    team: Team
    figures: Figures = DEFAULT
    loads: Mapping[str, int] = field(default_factory=dict)
    """By member: how many alerts that are not closed are theirs."""

    def routed(self, before: Alert | None, after: Alert, event: Happened) -> Alert:
        """The alert after an event, with who is asked now and until when."""
        if after.response is Response.CLOSED or event.kind is Kind.OUTCOME:
            return replace(after, told=(), deadline_at=None)
        match event.kind:
            case Kind.RAISED | Kind.ESCALATED:
                return self._passed_on(after, event)
            case Kind.ACKNOWLEDGED | Kind.VISITED:
                return self._asking(replace(after, told=_just(event.actor)), event.at)
            case Kind.ASSIGNED:
                others = tuple(each for each in after.told if each != after.assignee)
                return replace(after, told=(*others, *_just(after.assignee)))
            case _ if before is not None and urgency(after) > urgency(before):
                sooner = self._asking(after, event.at).deadline_at
                known = [at for at in (after.deadline_at, sooner) if at is not None]
                return replace(after, deadline_at=min(known))
            case _:
                return after

    def _passed_on(self, alert: Alert, event: Happened) -> Alert:
        if event.why is Why.NOBODY_SEEN:
            who = self.team.escalate_to or self._next((), event.at)
            return self._asking(replace(alert, told=_just(who)), event.at)
        who = self._next(alert.told, event.at)
        if who is None and event.kind is Kind.ESCALATED:
            return replace(self._asking(alert, event.at, PAUSE_SPANS), told=())
        ours = any(who == each.id for each in self.team.members)
        takes = ours and alert.response is Response.OPEN
        told = (*alert.told, *_just(who))
        assignee = who if takes else alert.assignee
        return self._asking(replace(alert, told=told, assignee=assignee), event.at)

    def _asking(self, alert: Alert, at: int, spans: int = 1) -> Alert:
        """With the deadline of who was told last, or after so many spans of theirs."""
        span_us = spans * self._span_s(alert.response, alert.severity) * SECOND_US
        return replace(alert, deadline_at=self._due(alert, at, span_us))

    def _due(self, alert: Alert, at: int, span_us: int) -> int:
        if urgency(alert) is Severity.ROUTINE:
            return next_time(at, ZoneInfo(self.team.zone), self.figures.round_at_min)
        return at + span_us

    def _span_s(self, response: Response, severity: Severity) -> int:
        figures, critical = self.figures, severity is Severity.CRITICAL
        match response:
            case Response.OPEN:
                return figures.acknowledge_critical_s if critical else figures.acknowledge_urgent_s
            case Response.ACKNOWLEDGED:
                return figures.visit_critical_s if critical else figures.visit_urgent_s
            case _:
                return figures.outcome_s

    def _next(self, told: tuple[str, ...], at: int) -> str | None:
        """Who is told after these; None when it is at its end."""
        doctors, supervisors = self._of(Role.DOCTOR), self._of(Role.SUPERVISOR)
        if sum(each.id in told for each in doctors) < DOCTORS_A_CHAIN:
            most = self.figures.alerts_a_doctor
            free = [each for each in self._here(doctors, told, at) if self._load(each) < most]
            if free:
                return free[0].id
        if not any(each.id in told for each in supervisors):
            here = self._here(supervisors, told, at)
            if here:
                return here[0].id
        if self.team.escalate_to is not None:
            return None if self.team.escalate_to in told else self.team.escalate_to
        # Rather somebody who is off duty or has too much than nobody.
        anybody = () if told else (*supervisors, *doctors)
        return anybody[0].id if anybody else None

    def _of(self, role: Role) -> list[Member]:
        """Those of the team with this role, who has least to do first."""
        members = [each for each in self.team.members if each.role is role]
        return sorted(members, key=lambda each: (self._load(each), each.id))

    def _here(self, members: list[Member], told: tuple[str, ...], at: int) -> list[Member]:
        zone = ZoneInfo(self.team.zone)
        return [each for each in members if each.id not in told and on_duty(each.shifts, at, zone)]

    def _load(self, member: Member) -> int:
        return self.loads.get(member.id, 0)


def urgency(alert: Alert) -> Severity:
    """How soon it has to be seen to: what is on the visit list only can wait for the round.

    Contract section 5: that is what rested on old readings when it was raised, and `watch`.
    """
    return alert.severity if pages(alert, alert.raised_at) else Severity.ROUTINE


def overdue(alert: Alert, now: int) -> Happened | None:
    """What follows when its deadline has passed; None while it has not."""
    if alert.deadline_at is None or alert.deadline_at > now:
        return None
    why = {
        Response.OPEN: Why.NOT_ACKNOWLEDGED,
        Response.ACKNOWLEDGED: Why.NOT_VISITED,
        Response.VISITING: Why.NO_OUTCOME,
    }
    return Happened(Kind.ESCALATED, now, why=why[alert.response])


def told(step: Step) -> tuple[str, ...]:
    """Who has to hear of a step, by id; whether they may be called is `alerts.paging`'s."""
    before, after, event = step.before, step.after, step.event
    match event.kind:
        case Kind.RAISED | Kind.ESCALATED:
            return after.told[-1:]
        case Kind.ASSIGNED:
            return () if after.assignee == event.actor else _just(after.assignee)
        case Kind.WORSENED | Kind.RETURNED:
            theirs = before is not None and before.response is not Response.OPEN
            return _just(after.assignee) if theirs else after.told
        case _:
            return ()


def _just(who: str | None) -> tuple[str, ...]:
    return () if who is None else (who,)
