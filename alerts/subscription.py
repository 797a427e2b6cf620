"""Who is to be handed alert events: the nouns between those who set it up and the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.instant import format_rfc3339

OVERLAP_S: Final = 86_400
"""How long a secret counts beside the one that follows it, if nothing else is said."""
LONGEST_OVERLAP_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a subscriber is to be."""

    id: str
    """Opaque; of the service's own feeds a name that stays the same."""
    kind: str
    """`webhook`, `mqtt` or `notify`."""
    name: str
    """For people."""
    grid_nos: tuple[int, ...] | None
    """Whose events; None, which only the service's own feeds may have, for every grid."""
    config: Mapping[str, Any]
    """What its sender needs to know, as JSON values; nothing secret."""
    created_by: str | None = None
    """A staff id; None the service, or the command line."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed of a webhook; None stays as it is."""

    name: str | None = None
    url: str | None = None
    grid_nos: tuple[int, ...] | None = None
    enabled: bool | None = None


def webhook_of(
    id_: str, url: str, name: str, grid_nos: tuple[int, ...], created_by: str | None
) -> Subscription:
    """A webhook that is to be made; its `url` has been judged (`alerts.targets.refusal`)."""
    config = {"url": url}
    return Subscription(id_, "webhook", name, each_once(grid_nos), config, created_by)


def each_once(grid_nos: tuple[int, ...]) -> tuple[int, ...]:
    """The same without those that were named before, in order."""
    return tuple(dict.fromkeys(grid_nos))


def trial(message_id: str, webhook_id: str, at: int) -> dict[str, Any]:
    """What a test message to a webhook carries; `at` by the service's clock."""
    return {
        "id": message_id,
        "event": None,
        "type": "test",
        "at": format_rfc3339(at),
        "webhook": webhook_id,
    }
