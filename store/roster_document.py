"""The roster file (contract section 4), checked: types, ranges, and references that lead somewhere.

Knows nothing of SQL. `parse` takes a document whose objects are already whole (what the database
had, with what the file says laid over it) and reports every problem as a JSON pointer with a
sentence.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from alerts.canary import DEVICE as CANARY
from domain.people import DEFAULT_TIMEZONE
from domain.reading import Site
from store.roster_shifts import MOST_SHIFTS, Digest, Shift
from store.roster_words import Id, Moment, Text

DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
FeverC = Annotated[float, Field(ge=30, le=45, allow_inf_nan=False)]
Flag = Literal["lives_alone", "disabled", "chronic"]


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Community(_Object):
    """Where grids are, and what time it is there."""

    id: Id
    name: Text = ""
    timezone: str = DEFAULT_TIMEZONE

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return value


class Grid(_Object):
    """The cell of a community that one doctor team serves."""

    id: Id
    community: Id = "default"
    name: Text = ""
    escalate_to: Id | None = None


class Staff(_Object):
    """Somebody who looks after people."""

    id: Id
    name: Text = ""
    role: Literal["doctor", "supervisor", "admin", "auditor"]
    grids: list[Id] = []
    communities: list[Id] = []
    languages: list[Text] = []
    contacts: list[Text] = []
    shifts: Annotated[list[Shift], Field(max_length=MOST_SHIFTS)] = []
    digest: Digest = []


class Person(_Object):
    """Somebody under care."""

    id: Id
    name: Text = ""
    birth_year: Annotated[int, Field(ge=1880, le=2200)] | None = None
    phone: Text | None = None
    address: Text | None = None
    flags: list[Flag] = []


class Device(_Object):
    """A wearable or a spot thermometer."""

    id: DeviceId
    model: Text = ""
    site: Text | None = None
    interval_s: Annotated[int, Field(ge=1, le=604_800)] = 60
    spot: bool = False

    @field_validator("id")
    @classmethod
    def _not_ours(cls, value: str) -> str:
        if value == CANARY:
            raise ValueError("this name is kept for canaries of the service itself")
        return value


class Circle(_Object):
    """A home as a point and a radius."""

    lat: Annotated[Degrees, Field(ge=-90, le=90)]
    lon: Degrees
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    radius_m: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] = 50


class Polygon(_Object):
    """A home as its outline."""

    polygon: Annotated[list[tuple[Degrees, Degrees]], Field(min_length=3, max_length=1_000)]
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"

    @field_validator("polygon")
    @classmethod
    def _on_earth(cls, corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if any(abs(lat) > 90 for lat, _ in corners):
            raise ValueError("corners are [latitude, longitude]")
        return corners


def _shape(home: object) -> str:
    outlined = "polygon" in home if isinstance(home, Mapping) else isinstance(home, Polygon)
    return "Polygon" if outlined else "Circle"


Home = Annotated[
    Annotated[Circle, Tag("Circle")] | Annotated[Polygon, Tag("Polygon")], Discriminator(_shape)
]


class Entry(_Object):
    """A threshold, who set it and until when it holds."""

    value_c: FeverC = Field(validation_alias=AliasChoices("value_c", "value"))
    origin: Text | None = None
    expires_at: Moment | None = None


class Thresholds(_Object):
    """A person's own figures."""

    fever_c: FeverC | Entry | dict[str, FeverC | Entry] | None = None

    @field_validator("fever_c")
    @classmethod
    def _sites(cls, value: object) -> object:
        if isinstance(value, dict):
            for word in value:
                if Site.of(word) is Site.UNKNOWN:
                    raise ValueError(f"no such site: {word}")
        return value


class Leave(_Object):
    """A time the person may be away."""

    from_: Moment = Field(alias="from")
    to: Moment
    why: Text = ""

    @model_validator(mode="after")
    def _ordered(self) -> "Leave":
        if self.to <= self.from_:
            raise ValueError("must end after it begins")
        return self


class Episode(_Object):
    """One quarantine of one person."""

    id: Id
    person: Id
    grid: Id
    building: Text = ""
    starts_at: Moment
    ends_at: Moment
    home: Home | None = None
    thresholds: Thresholds = Thresholds()
    leave: list[Leave] = []

    @model_validator(mode="after")
    def _ordered(self) -> "Episode":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class Assignment(_Object):
    """A device worn in an episode."""

    device: DeviceId
    episode: Id
    from_: Moment = Field(alias="from")
    to: Moment | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Assignment":
        if self.to is not None and self.to <= self.from_:
            raise ValueError("must end after it begins")
        return self


class Document(_Object):
    """A whole roster file."""

    communities: list[Community] = []
    grids: list[Grid] = []
    staff: list[Staff] = []
    people: list[Person] = []
    devices: list[Device] = []
    episodes: list[Episode] = []
    assignments: list[Assignment] = []
    effective_at: Moment | None = None
    """From when what it says of homes and thresholds holds; None: from its import."""


SECTIONS = tuple(name for name in Document.model_fields if name != "effective_at")


class RosterRefused(Exception):
    """Nothing was imported. `problems` holds a JSON pointer and a sentence for each."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{pointer}: {sentence}" for pointer, sentence in problems[:5]))


def parse(document: Any) -> Document:
    """The document, or `RosterRefused` with every problem."""
    try:
        return Document.model_validate(document)
    except ValidationError as error:
        raise RosterRefused(
            [(_pointer(problem["loc"]), problem["msg"]) for problem in error.errors()]
        ) from error


def _pointer(location: tuple[int | str, ...]) -> str:
    named = [part for part in map(str, location) if not _of_a_type(part)]
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in named)


def _of_a_type(part: str) -> bool:
    """Whether pydantic named a type here: the alternatives of a union, which no file contains."""
    names = ("Circle", "Polygon", "Weekly", "Once", "Entry", "float", "constrained-float")
    return part in names or part.startswith("dict[")


def told_twice(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Objects with the id of an earlier one in the same file, and other content."""
    for section in SECTIONS:
        items = document.get(section)
        first: dict[str, Any] = {}
        for n, item in enumerate(items if isinstance(items, list) else ()):
            id_ = item.get("id") if isinstance(item, Mapping) else None
            if isinstance(id_, str) and first.setdefault(id_, item) != item:
                yield f"/{section}/{n}/id", f"{id_} is in the file twice, with different content"


def dangling(document: Document, known: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """References to ids that are neither in the file nor in `known` (section -> ids)."""
    ids = {
        section: known.get(section, set()) | {item.id for item in getattr(document, section)}
        for section in SECTIONS
        if section != "assignments"
    }
    for section, at, index, word in _references(document):
        if word not in ids[section]:
            yield f"/{at}/{index}", f"refers to {word}, which is not among the {section}"


def _references(document: Document) -> Iterator[tuple[str, str, str, str]]:
    for n, grid in enumerate(document.grids):
        yield "communities", "grids", f"{n}/community", grid.community
    for n, staff in enumerate(document.staff):
        for m, word in enumerate(staff.grids):
            yield "grids", "staff", f"{n}/grids/{m}", word
        for m, word in enumerate(staff.communities):
            yield "communities", "staff", f"{n}/communities/{m}", word
    for n, episode in enumerate(document.episodes):
        yield "people", "episodes", f"{n}/person", episode.person
        yield "grids", "episodes", f"{n}/grid", episode.grid
    for n, assignment in enumerate(document.assignments):
        yield "devices", "assignments", f"{n}/device", assignment.device
        yield "episodes", "assignments", f"{n}/episode", assignment.episode
