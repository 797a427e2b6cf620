"""Alerts in memory come out as they do in the ledger."""

from dataclasses import replace
from itertools import count
from typing import Any

from alerts.alert import Condition, Outcome, Response
from alerts.caseload import Caseload
from alerts.lifecycle import Happened, Kind, Step, moved
from alerts.vitals import NOTHING_KNOWN, Measured, Vitals
from domain.instant import HOUR_US
from rules.finding import Change, Finding, FindingChange, Rule, Severity
from tests.unit.alerts.cases import WHERE, at, finding

SILENT: dict[str, Any] = {"rule": Rule.SILENT, "value": 900}


def caseload(vitals: Vitals = NOTHING_KNOWN) -> Caseload:
    ids = count(1)
    return Caseload({7: WHERE}, lambda: f"a-{next(ids)}", lambda _, __: vitals)


def began(found: Finding, *, late: bool = False) -> FindingChange:
    return FindingChange(Change.BEGAN, found, None, late)


def ended(found: Finding, minute: float) -> FindingChange:
    return FindingChange(Change.ENDED, replace(found, ended_at=at(minute)), found)


def kinds(steps: list[Step]) -> list[str]:
    return [step.event.kind.value for step in steps]


def closed(load: Caseload, now: int, outcome: Outcome = Outcome.WELL) -> None:
    (alert,) = [each for each in load.alerts if each.response is not Response.CLOSED]
    done = moved(alert, Happened(Kind.OUTCOME, now, actor="dr-1", outcome=outcome))
    assert isinstance(done, tuple)
    for step in done:
        load.moved(step)


def test_a_finding_raises_an_alert_and_its_end_clears_it() -> None:
    load, hot = caseload(), finding(0)
    assert kinds(load.record([began(hot)], at(12), "v")) == ["raised"]
    assert load.record([FindingChange(Change.SEEN, hot, hot)], at(13), "v") == []
    assert kinds(load.record([ended(hot, 40)], at(70), "v")) == ["cleared"]
    (alert,) = load.alerts
    assert (alert.id, alert.condition, alert.response) == ("a-1", Condition.CLEARED, Response.OPEN)
    assert load.findings == list(load.standing(7, 1))


def test_a_routine_one_closes_by_itself_and_the_next_names_it() -> None:
    load = caseload()
    first = finding(0, severity=Severity.ROUTINE, **SILENT)
    load.record([began(first)], at(15), "v")
    assert kinds(load.record([ended(first, 20)], at(20), "v")) == ["cleared", "ended"]
    second = finding(60, severity=Severity.ROUTINE, **SILENT)
    load.record([began(second)], at(75), "v")
    assert [alert.previous for alert in load.alerts] == [None, "a-1"]


def test_what_late_data_takes_back_says_so() -> None:
    load, hot = caseload(), finding(0)
    load.record([began(hot)], at(12), "v")
    taken = FindingChange(Change.WITHDRAWN, hot, hot, late=True)
    assert kinds(load.record([taken], at(30), "v")) == ["unsupported"]
    assert load.findings == []


def test_an_onset_that_moves_takes_its_alert_along() -> None:
    load, hot = caseload(), finding(5)
    load.record([began(hot)], at(15), "v")
    earlier = replace(hot, onset_at=at(0))
    moved_ = FindingChange(Change.REVISED, earlier, hot, late=True)
    assert kinds(load.record([moved_], at(20), "v")) == ["revised"]
    (alert,) = load.alerts
    assert (alert.onset_at, load.findings) == (at(0), [earlier])


def test_what_was_closed_and_is_still_so_comes_again_after_the_quiet_time() -> None:
    load = caseload()
    load.record([began(finding(0))], at(12), "v")
    closed(load, at(20))
    assert load.quiet_time_over(at(20) + 4 * HOUR_US - 1) == []
    assert kinds(load.quiet_time_over(at(20) + 4 * HOUR_US)) == ["raised"]
    assert [alert.id for alert in load.alerts] == ["a-1", "a-2"]


def test_an_alert_has_the_vitals_of_then() -> None:
    load = caseload(Vitals(pulse_bpm=Measured(120, at(9))))
    load.record([began(finding(0))], at(12), "v")
    assert load.alerts[0].evidence["partial_news2"]["total"] == 2


def test_nothing_new_is_nothing_to_do() -> None:
    assert caseload().record([], at(0), "v") == []


def test_a_silence_that_the_battery_explains_joins_its_alert() -> None:
    load = caseload()
    low = finding(0, severity=Severity.ROUTINE, rule=Rule.BATTERY_LOW, value=3)
    load.record([began(low)], at(0), "v")
    explained = '{"battery_at":"2026-02-02T02:40:00Z","battery_pct":3,"explained_by":"battery"}'
    load.record([began(finding(5, **SILENT, detail=explained))], at(20), "v")
    (alert,) = load.alerts
    assert (alert.rule, alert.severity) == (Rule.BATTERY_LOW, Severity.URGENT)


def test_an_alert_of_a_faulty_band_says_so() -> None:
    load = caseload()
    fault = finding(0, severity=Severity.ROUTINE, rule=Rule.DEVICE_FAULT, detail='{"cause":"x"}')
    load.record([began(fault)], at(0), "v")
    load.record([began(finding(0))], at(12), "v")
    assert load.alerts[1].evidence["group"] == "device:w-1"
