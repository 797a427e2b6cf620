"""Who is to be handed alert events: the nouns between those who set it up and the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """A staff id; None the service."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed of a webhook; None stays as it is."""

    name: str | None = None
    url: str | None = None
    grid_nos: tuple[int, ...] | None = None
    enabled: bool | None = None
