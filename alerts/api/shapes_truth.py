"""The JSON of answers about what came of alerts. Made elsewhere (`alerts.accuracy`)."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from alerts.api.shapes import AlertShape
from rules.finding import Rule

_RATE: JsonDict = {"mean": 0.75, "low": 0.437, "high": 0.964}
_COUNTS: JsonDict = {
    "confirmed": 1,
    "false": 4,
    "unknown": 2,
    "judged": 5,
    "false_alarm_rate": _RATE,
}
Share = Annotated[float, Field(ge=0, le=1)]


class _Told(BaseModel):
    """An answer: more may be added."""

    model_config = ConfigDict(extra="allow")


class RateShape(_Told):
    """A false-alarm rate as a posterior: Beta(false + 1/2, confirmed + 1/2)."""

    mean: Share
    low: Annotated[Share, Field(description="5 % of the posterior is below")]
    high: Annotated[Share, Field(description="5 % of it is above")]


class CountsShape(_Told):
    """How alerts ended at the door."""

    confirmed: int
    false: int
    unknown: Annotated[int, Field(description="the outcome says nothing about the rule")]
    judged: Annotated[int, Field(description="confirmed and false")]
    false_alarm_rate: RateShape


class RulebookCountsShape(CountsShape):
    """The same of one version of the rulebook."""

    rulebook_version: str


class RuleCountsShape(CountsShape):
    """The same of one rule."""

    rule: Rule


class AccuracyItem(CountsShape):
    """One rule, device or model."""

    rule: Annotated[Rule | None, Field(description="by=rule")] = None
    rulebooks: Annotated[list[RulebookCountsShape], Field(description="by=rule")] = []
    device: Annotated[str | None, Field(description="by=device")] = None
    swap_proposed: Annotated[bool | None, Field(description="by=device")] = None
    model: Annotated[str | None, Field(description="by=device and by=model")] = None
    devices: Annotated[int | None, Field(description="by=model: how many")] = None
    rules: Annotated[list[RuleCountsShape], Field(description="by=device and by=model")] = []


class AccuracyShape(_Told):
    """Part of a list, in order of names."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "device": "w-000001",
                        "model": "band-a",
                        **_COUNTS,
                        "swap_proposed": True,
                        "rules": [{"rule": "left_home", **_COUNTS}],
                    }
                ],
                "next": None,
            }
        },
    )

    items: list[AccuracyItem]
    next: str | None


class DeviceRecordShape(CountsShape):
    """How other alerts of the same device ended."""

    swap_proposed: bool
    summary: str


class RuleRecordShape(CountsShape):
    """How other alerts of the same rule ended, in the grids of who asks."""

    summary: str


class TrackRecordShape(_Told):
    """What is known of those who raised an alert. It says nothing about the person."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "since": "2025-11-05T04:05:06Z",
                "device": {
                    **_COUNTS,
                    "swap_proposed": True,
                    "summary": "this device: 4 of 5 false",
                },
                "rule": {**_COUNTS, "summary": "rule left_home: 4 of 5 false"},
            }
        },
    )

    since: AwareDatetime
    device: DeviceRecordShape
    rule: RuleRecordShape


class ListedAlertShape(AlertShape):
    """An alert as it is read, not as it was told."""

    building_alerts: Annotated[
        int, Field(description="of the same building and grid, not closed; this one among them")
    ]
    group: Annotated[
        str | None,
        Field(description="of routine alerts of a device that is proposed for a swap: the same"),
    ]


class ListedAlertsShape(_Told):
    """Part of a list of alerts."""

    items: list[ListedAlertShape]
    next: str | None


class OneAlertShape(ListedAlertShape):
    """An alert, and what came of others like it."""

    track_record: TrackRecordShape
