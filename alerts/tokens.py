"""API tokens as they are kept: what for, until when, and which one is meant by its first letters.

The token itself is shown once and kept nowhere (`alerts.passwords`); it is named by its first
letters, which are no secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerts.staff import Staff
from domain.instant import DAY_US

KEPT: Final = 12
"""Letters that are kept of a token: `dst_` and eight random ones, of the 43 there are."""
SHORTEST: Final = 8
"""Letters by which a token may be named: `dst_` and four, as they were kept before."""
REMEMBERED_US: Final = 90 * DAY_US
"""How long a token that is over is still listed. That it was given out stays in the audit log."""


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    """Looks, and not at raw positions."""
    ACT = "act"
    """Everything that its member of staff may do."""


class State(StrEnum):
    """Whether a token opens the door."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who has come with a token that is valid, and what for. A session acts."""

    staff: Staff
    scope: Scope = Scope.ACT


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of one. Instants in microseconds."""

    sha256: bytes
    prefix: str
    staff: str
    scope: Scope
    created_at: int
    expires_at: int
    used_at: int | None
    """When it last opened the door, to the minute; None: never."""
    revoked_at: int | None

    def state(self, now: int) -> State:
        """Whether it is valid at `now`, real time."""
        if self.revoked_at is not None:
            return State.REVOKED
        return State.VALID if now < self.expires_at else State.EXPIRED


class NotOneToken(ValueError):
    """What was given names no token, or several. The message says which, and no whole token."""


def named(tokens: Sequence[Token], given: str, given_sha256: bytes) -> Token:
    """The token that begins with these letters, or that is them. Raises `NotOneToken`.

    More letters than are kept do no harm: of a token that leaked, all that was seen may be given.
    """
    for token in tokens:
        if token.sha256 == given_sha256:
            return token
    if len(given) < SHORTEST:
        raise NotOneToken(f"give at least {SHORTEST} letters of it, as `doorstep token ls` has")
    shown = given[:KEPT]
    found = [token for token in tokens if token.prefix == shown] or [
        token
        for token in tokens
        if token.prefix.startswith(shown) or shown.startswith(token.prefix)
    ]
    if not found:
        raise NotOneToken(f"no token begins with {shown}")
    if len(found) > 1:
        which = ", ".join(f"{token.prefix} of {token.staff}" for token in found[:5])
        raise NotOneToken(f"{len(found)} tokens begin with {shown}: {which}")
    return found[0]
