"""The JSON of requests and answers, for checking what comes in and for describing what goes out.

What goes out is described here and made elsewhere (`alerts.document`, `store`); a test holds the
one against the other.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue
from pydantic.fields import FieldInfo

from alerts.alert import Condition, Outcome, Response
from alerts.lifecycle import Kind, Type
from alerts.presence import Presence
from alerts.signals import Kind as SignalKind
from domain.reading import TEMPERATURE_C_RANGE, Site
from rules.finding import Rule

NOT_NUL: Final = r"^[^\x00]*$"
SEVERITIES: Final = ("routine", "urgent", "critical")
Severity = Literal["routine", "urgent", "critical"]
SiteWord = Literal[
    "axillary",
    "finger",
    "forehead",
    "oral",
    "rectal",
    "temporal_artery",
    "toe",
    "tympanic",
    "vagina",
    "wrist",
    "unknown",
]
assert {*SiteWord.__args__} == {site.word for site in Site if site is not Site.NOT_GIVEN}  # type: ignore[attr-defined]

Word = Annotated[str | None, Field(max_length=200, pattern=NOT_NUL)]
GivenCursor = Annotated[str | None, Field(max_length=500, pattern=NOT_NUL)]
"""Of a list: what its last page said is `next`, and nothing that anybody makes."""


def several(words: Iterable[str]) -> FieldInfo:
    """A parameter that names some of these words. What its pattern is, `words_of` takes."""
    any_ = "|".join(words)
    described = {
        "description": "several, with commas between",
        "pattern": f"^ *(?:{any_})? *(?:, *(?:{any_})? *)*$",
    }
    field: FieldInfo = Field(max_length=200, json_schema_extra={**described})
    return field


def words_of(given: str | None) -> list[str]:
    """The words of a parameter that names several."""
    return [word for each in (given or "").split(",") if (word := each.strip(" "))]


Note = Annotated[str, Field(max_length=2_000, pattern=NOT_NUL)]


class _Sent(BaseModel):
    """A request's body: a misspelt field is refused, not lost."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class SignIn(_Sent):
    """Who signs in."""

    staff: Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_NUL)]
    password: Annotated[str, Field(min_length=1, max_length=1_024)]

    # A password is taken as it is typed.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Remark(_Sent):
    """A word for the log."""

    note: Note = ""


class Comment(_Sent):
    """A word for the log that is its own purpose."""

    note: Annotated[Note, Field(min_length=1)]


class Assignment(_Sent):
    """Whose it is from now on."""

    assignee: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            pattern=NOT_NUL,
            description="a doctor or supervisor of the alert's grid; null: you",
        ),
    ] = None
    note: Note = ""


class OutcomeReport(_Sent):
    """What was true at the door."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "outcome": "confirmed_fever",
                "temperature_c": 38.1,
                "site": "axillary",
                "note": "",
            }
        }
    )

    outcome: Outcome
    temperature_c: Annotated[
        float | None,
        Field(ge=TEMPERATURE_C_RANGE[0], le=TEMPERATURE_C_RANGE[1], allow_inf_nan=False),
    ] = None
    site: SiteWord | None = None
    note: Note = ""


class _Told(BaseModel):
    """An answer: more may be added."""

    model_config = ConfigDict(extra="allow")


class AlertsAsked(BaseModel):
    """Which alerts are asked for."""

    grid: Word = None
    response: Annotated[str | None, several(Response)] = None
    rule: Annotated[str | None, several(Rule)] = None
    severity: Annotated[str | None, several(SEVERITIES)] = None
    person: Word = None
    cursor: GivenCursor = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100

    def narrowed(self) -> dict[str, str | None]:
        """What the list is narrowed to, whichever part of it is asked for."""
        return self.model_dump(exclude={"cursor", "limit"})


class ProblemShape(_Told):
    """A problem detail, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class StaffShape(_Told):
    """Who is signed in."""

    id: str
    name: str
    role: Literal["doctor", "supervisor", "admin", "auditor"]
    grids: list[str]


class ClockShape(_Told):
    """What time it is at the service, and how fast it goes there."""

    now: AwareDatetime
    factor: float


class SessionShape(_Told):
    """A session."""

    staff: StaffShape
    clock: ClockShape


class AlertShape(_Told):
    """An alert (contract section 6)."""

    id: str
    episode: str
    person: str
    grid: str
    building: str
    vulnerable: bool
    """Lives alone, is chronically ill, or 80 or older; which of these is with `who`."""
    device: str
    rule: Rule
    severity: Severity
    condition: Condition
    response: Response
    outcome: Outcome | None
    raised_at: AwareDatetime
    onset_at: AwareDatetime
    cleared_at: AwareDatetime | None
    last_at: AwareDatetime
    late: bool
    summary: str
    evidence: dict[str, JsonValue]
    assignee: str | None
    deadline_at: AwareDatetime | None
    told: list[str]
    """Who was asked for what is due then, in order."""
    previous: str | None
    version: int
    notify: Annotated[
        bool | None,
        Field(description="may a notification be sent now (in a log: then)? no: visit list only"),
    ] = None


class EventShape(_Told):
    """An entry of an alert's log."""

    id: int
    type: Type
    kind: Kind
    at: AwareDatetime
    actor: str | None
    note: str
    detail: dict[str, JsonValue]
    before: AlertShape | None
    after: AlertShape


class EventsShape(_Told):
    """The log of an alert."""

    items: list[EventShape]
    next: str | None


class ChangeShape(_Told):
    """The data of an event of the stream."""

    type: Type
    before: AlertShape | None
    after: AlertShape


class EpisodeShape(_Told):
    """Somebody under care."""

    id: str
    person: str
    grid: str
    building: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    devices: list[str]
    last_measured_at: AwareDatetime | None
    alerts_not_closed: int
    presence: Presence
    presence_at: AwareDatetime | None
    """When the newest usable fix was; `away`: since when."""
    on_leave: bool


class EpisodesShape(_Told):
    """Part of a list of episodes."""

    items: list[EpisodeShape]
    next: str | None


class ReadingShape(_Told):
    """A reading or a bucket of them; what was not measured is absent."""

    at: AwareDatetime
    device: str
    temperature_c: float | None = None
    site: SiteWord | None = None
    pulse_bpm: int | None = None
    spo2_pct: int | None = None
    distance_m: float | None = None


class ReadingsShape(_Told):
    """Part of the vitals of an episode."""

    items: list[ReadingShape]
    next: str | None


class RejectionShape(_Told):
    """A message that did not, or not in whole, become readings."""

    id: str
    topic: str
    device_id: str | None
    payload_bytes: int
    payload_sha256: str
    first_received_at: AwareDatetime
    last_received_at: AwareDatetime
    times: int
    reasons: list[dict[str, JsonValue]]


class RejectionsShape(_Told):
    """Part of a list of rejections."""

    items: list[RejectionShape]
    next: str | None


class GapShape(_Told):
    """Sequence numbers of one boot of a device that it has counted past, and that never came."""

    device: str
    boot: str | None
    """Null where the device names no boot, or none that was ever stored."""
    from_: Annotated[int, Field(alias="from", ge=0)]
    to: Annotated[int, Field(ge=0, description="the last one, included")]
    noticed_at: AwareDatetime


class GapsShape(_Told):
    """Part of a list of gaps."""

    items: list[GapShape]
    next: str | None


class SignalShape(_Told):
    """Somewhere the service is or was blind; `device` for gaps, `subject` for one of several."""

    kind: SignalKind
    active: bool
    since: Annotated[
        AwareDatetime | None, Field(description="null: ingestion has never given a sign of life")
    ]
    until: Annotated[
        AwareDatetime | None, Field(description="null: still so; of an event, how long it is shown")
    ]
    detail: str
    device: str | None = None
    subject: str | None = None


class SignalsShape(_Told):
    """Part of a list of signals."""

    items: list[SignalShape]
    next: str | None


def answers(shape: type[BaseModel] | None, *problems: int) -> dict[int | str, dict[str, Any]]:
    """What an operation may answer, for its description: 200 with a shape, and problems."""
    said: dict[int | str, dict[str, Any]] = {} if shape is None else {200: {"model": shape}}
    for status in (*problems, 400, 413, 422, 503):
        said[status] = {
            "description": "Problem",
            "content": {"application/problem+json": {"schema": ProblemShape.model_json_schema()}},
        }
    return said
