"""Shifts in the roster file: once, from one instant to another, or every week by the wall clock.

And the times at which somebody wants to be told of what calls nobody.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from store.roster_words import Moment

MOST_SHIFTS: Final = 2_000
"""Of one member: three a day for a year and a half, and more than anybody writes."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _each_once(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise ValueError("names one twice")
    return value


Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
ClockOrMidnight = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Digest = Annotated[list[Clock], Field(max_length=6), AfterValidator(_each_once)]
"""When somebody is told of what calls nobody, in the community's time."""


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Once(_Object):
    """One shift."""

    from_: Moment = Field(alias="from")
    to: Moment

    @model_validator(mode="after")
    def _ordered(self) -> "Once":
        if self.to <= self.from_:
            raise ValueError("must end after it begins")
        return self


class Weekly(_Object):
    """A shift of each of these days, in the community's time; it may end the day after."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    from_: Clock = Field(alias="from")
    to: ClockOrMidnight

    @field_validator("days")
    @classmethod
    def _each_once(cls, value: list[Day]) -> list[Day]:
        if len(set(value)) < len(value):
            raise ValueError("names a day twice")
        return value

    @model_validator(mode="after")
    def _has_length(self) -> "Weekly":
        if self.from_ == self.to:
            raise ValueError("must end at another time; a whole day is 00:00 to 24:00")
        return self


def _kind(shift: object) -> str:
    weekly = "days" in shift if isinstance(shift, Mapping) else isinstance(shift, Weekly)
    return "Weekly" if weekly else "Once"


Shift = Annotated[
    Annotated[Weekly, Tag("Weekly")] | Annotated[Once, Tag("Once")], Discriminator(_kind)
]
