"""The JSON of a canary on a stream."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict


class CanaryShape(BaseModel):
    """The way from the broker to this stream is open; instants are on the service's clock."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "canary",
                "grid": "grid-03",
                "sent_at": "2026-02-03T04:05:06Z",
                "stored_at": "2026-02-03T04:05:06.120Z",
            }
        },
    )

    type: Literal["canary"]
    grid: str
    sent_at: AwareDatetime
    stored_at: AwareDatetime
