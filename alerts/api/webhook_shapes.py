"""The JSON of requests and answers about webhooks."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.api.shapes import NOT_NUL
from alerts.delivery import State
from alerts.subscription import LONGEST_OVERLAP_S, OVERLAP_S
from alerts.targets import LONGEST

Name = Annotated[str, Field(max_length=200, pattern=NOT_NUL)]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=NOT_NUL)]
Grids = Annotated[
    list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=1_000)
]


class _Sent(BaseModel):
    """A request's body: a misspelt field is refused, not lost."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NewWebhook(_Sent):
    """A webhook to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "url": "https://hooks.example.org/doorstep",
                "grids": ["grid-03"],
                "name": "the hospital's desk",
            }
        }
    )

    url: Url
    grids: Grids
    name: Name = ""


class WebhookChanges(_Sent):
    """What is to be changed; what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"enabled": False}})

    url: Url | None = None
    grids: Grids | None = None
    name: Name | None = None
    enabled: bool | None = None


class Rotation(_Sent):
    """How long the old secret counts beside the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_S)] = OVERLAP_S


class _Told(BaseModel):
    """An answer: more may be added."""

    model_config = ConfigDict(extra="allow")


class WebhookShape(_Told):
    """A webhook, without its secret."""

    id: str
    name: str
    url: str
    grids: list[str]
    enabled: bool
    stopped_why: Annotated[
        Literal["person", "gone"] | None, Field(description="gone: it answered 410")
    ]
    created_by: str | None
    created_at: AwareDatetime
    failures: Annotated[int, Field(description="since the last success")]
    rest_until: AwareDatetime | None
    waiting: Annotated[int, Field(description="events on their way; the log holds the rest")]
    undeliverable: int
    delivered_at: AwareDatetime | None
    old_secret_until: Annotated[
        AwareDatetime | None, Field(description="until then the secret before this one counts too")
    ]


class NewWebhookShape(WebhookShape):
    """A webhook that was just made, with its secret: it is shown this once."""

    secret: str


class WebhooksShape(_Told):
    """All webhooks of one's grids."""

    items: list[WebhookShape]
    next: None


class SecretShape(_Told):
    """A new secret, shown this once."""

    secret: str
    old_secret_until: AwareDatetime


class TestShape(_Told):
    """What came of a test message."""

    id: str
    delivered: bool
    status: Annotated[str, Field(description="the answer's status, or what went wrong in a word")]


class DeliveryShape(_Told):
    """What became of one event."""

    id: Annotated[str, Field(description="the `webhook-id`, the same each time it is sent")]
    event: int
    alert: str
    state: State
    attempts: int
    first_tried_at: AwareDatetime | None
    tried_at: AwareDatetime | None
    due_at: Annotated[AwareDatetime | None, Field(description="of one that waits: not before")]
    delivered_at: AwareDatetime | None
    status: str


class DeliveriesShape(_Told):
    """Part of a delivery log, the newest events first."""

    items: list[DeliveryShape]
    next: str | None
