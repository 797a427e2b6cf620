"""The JSON of the daily report. Made elsewhere (`alerts.report`)."""

from datetime import date as calendar_date
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from alerts.alert import Outcome
from alerts.api.shapes import Severity
from rules.finding import Rule

EXAMPLE: Final[JsonDict] = {
    "date": "2026-02-03",
    "complete": True,
    "as_of": "2026-02-03T16:00:00Z",
    "grids": [
        {
            "grid": "grid-03",
            "timezone": "Asia/Shanghai",
            "from": "2026-02-02T16:00:00Z",
            "to": "2026-02-03T16:00:00Z",
        }
    ],
    "people": {
        "under_care": 31,
        "begun": 2,
        "ended": 1,
        "by_age": [
            {"age": "0-15", "people": "<5"},
            {"age": "16-64", "people": 20},
            {"age": "65-79", "people": "withheld"},
            {"age": "80+", "people": 0},
            {"age": "unknown", "people": 0},
        ],
    },
    "alerts": {
        "raised": [{"rule": "fever", "routine": 0, "urgent": 3, "critical": 1}],
        "acknowledged": [{"severity": "urgent", "count": 3, "median_s": 95, "p90_s": 410}],
        "visited": [{"severity": "urgent", "count": 3, "median_s": 1260, "p90_s": 2400}],
        "outcomes": [{"rule": "fever", "outcome": "confirmed_fever", "count": 2}],
        "verdicts": [{"rule": "fever", "confirmed": 2, "false": 0, "unknown": 0}],
        "open": {"routine": 2, "urgent": 1, "critical": 0},
    },
    "presence": {"home": 27, "away": 1, "unknown": 3, "on_leave": 1, "silent": 2},
    "blind": {"heard_s": 86390, "blind_s": 10, "signals": [{"kind": "session_lost", "count": 1}]},
}


class _Told(BaseModel):
    """An answer: more may be added."""

    model_config = ConfigDict(extra="allow")


class GridDayShape(_Told):
    """The day of one grid, as far as it has come."""

    grid: str
    timezone: str
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime


class AgeShape(_Told):
    """How many people are in a band of ages."""

    age: str
    people: Annotated[
        int | Literal["<5", "withheld"],
        Field(description="`<5`: one to four; `withheld`: it would give a hidden one away"),
    ]


class PeopleShape(_Told):
    """People under care at any time of the day."""

    under_care: int
    begun: Annotated[int, Field(description="whose quarantine began on that day")]
    ended: int
    by_age: list[AgeShape]


class RaisedShape(_Told):
    """Alerts raised, by the severity they were raised with."""

    rule: Rule
    routine: int
    urgent: int
    critical: int


class DelayShape(_Told):
    """How long after they were raised alerts were first acknowledged, or visited, on that day."""

    severity: Severity
    count: int
    median_s: int
    p90_s: int


class OutcomeCountShape(_Told):
    """Outcomes recorded, also those after which somebody has to go again."""

    rule: Rule
    outcome: Outcome
    count: int


class VerdictCountShape(_Told):
    """What the outcomes that closed alerts say of the rule."""

    rule: Rule
    confirmed: int
    false: int
    unknown: int


class OpenShape(_Told):
    """Alerts not closed when the day ended, or now."""

    routine: int
    urgent: int
    critical: int


class DayAlertsShape(_Told):
    """Alerts of the day."""

    raised: list[RaisedShape]
    acknowledged: list[DelayShape]
    visited: list[DelayShape]
    outcomes: list[OutcomeCountShape]
    verdicts: list[VerdictCountShape]
    open: OpenShape


class PresenceCountShape(_Told):
    """Where people were when the day ended, or are now."""

    home: int
    away: int
    unknown: int
    on_leave: int
    silent: Annotated[int, Field(description="nothing was heard of them")]


class SignalCountShape(_Told):
    """How often a signal stood."""

    kind: str
    count: int


class BlindShape(_Told):
    """How long the service could hear, and how long it could not."""

    heard_s: int
    blind_s: int
    signals: list[SignalCountShape]


class ReportShape(_Told):
    """A day, without anybody in it."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": EXAMPLE})

    date: calendar_date
    complete: Annotated[bool, Field(description="false: the day is not over; so far")]
    as_of: AwareDatetime
    grids: list[GridDayShape]
    people: PeopleShape
    alerts: DayAlertsShape
    presence: PresenceCountShape
    blind: BlindShape
