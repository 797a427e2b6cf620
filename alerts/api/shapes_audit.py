"""The JSON of the audit log. Made elsewhere (`store.audit`)."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.api.shapes import NOT_NUL


class AuditAsked(BaseModel):
    """Which entries are asked for."""

    staff: Annotated[str | None, Field(max_length=200, pattern=NOT_NUL)] = None
    object: Annotated[str | None, Field(max_length=200, pattern=NOT_NUL)] = None
    what: Annotated[str | None, Field(max_length=64, pattern=r"^[a-z_]+$")] = None
    cursor: Annotated[str | None, Field(max_length=20, pattern=NOT_NUL)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class _Told(BaseModel):
    """An answer: more may be added."""

    model_config = ConfigDict(extra="allow")


class AuditEntryShape(_Told):
    """One entry."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "no": 4711,
                "at": "2026-02-03T04:05:06Z",
                "staff": "dr-03",
                "what": "viewed_person",
                "object": "e-000001",
                "grids": ["grid-03"],
            }
        }
    )

    no: Annotated[int, Field(ge=1, description="the log counts without a gap")]
    at: Annotated[AwareDatetime, Field(description="the database's clock")]
    staff: Annotated[
        str | None, Field(description="null: the command line, or a sign-in that failed")
    ]
    what: str
    object: Annotated[str, Field(description="the id of what it was about, or what was asked for")]
    grids: Annotated[list[str], Field(description="those of them that are yours")]


class AuditShape(_Told):
    """Part of the log, the newest first."""

    items: list[AuditEntryShape]
    next: str | None
