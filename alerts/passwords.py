"""Passwords and the words that stand for somebody: argon2id, and 256 random bits.

A shell: it asks the operating system for randomness. Never logs what it is given.
"""

import hashlib
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 8
LONGEST: Final = 1024
"""Of a password. What is longer only costs time to hash."""

_BEGINS: Final = "dst_"
# OWASP password storage cheat sheet, argon2id: 19 MiB, 2 passes, 1 lane. The library's default of
# 64 MiB would let a handful of sign-ins at once fill a small machine.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hashed(password: str) -> str:
    """The argon2id hash to keep."""
    return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password of the hash that was kept. Takes as long where none was kept."""
    try:
        _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def outdated(kept: str) -> bool:
    """Whether a hash, of a password that matched it, was made with other parameters than today's.

    Only at a sign-in is there the password to make a new one of.
    """
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return hashed(secrets.token_urlsafe(32))


def new_token() -> str:
    """A new API token: shown once, kept nowhere."""
    return f"{_BEGINS}{secrets.token_urlsafe(32)}"


def new_session() -> str:
    """A new word for a session cookie."""
    return secrets.token_urlsafe(32)


def sha256(word: str) -> bytes:
    """What is kept of a token or session. Their 256 random bits need no slow hash."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
