"""What all sections of the roster file share: instants, ids, texts."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field


def _in_utc(moment: datetime) -> datetime:
    # An offset can carry a time past the years that Python can read back from the database.
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be from the year 1900 to 9999") from error
    if moment.year < 1900:
        raise ValueError("must be from the year 1900 to 9999")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
