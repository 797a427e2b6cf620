"""Looks at the database through `store.durability`. Judges nothing."""

from doorstep.clock import SystemClock
from doorstep.settings import ConfigurationError
from store.durability import Durability, examine
from store.errors import StoreBusy, StoreError, StoreUnreachable


def look(database_url: str) -> Durability | str:
    """The facts, or why the database cannot be reached.

    Raises `ConfigurationError` when it answers and cannot be examined all the same.
    """
    try:
        # Two machines' clocks are compared: real time, also where a demonstration's runs faster.
        return examine(database_url, SystemClock().now)
    except (StoreUnreachable, StoreBusy) as error:
        return str(error)
    except StoreError as error:
        raise ConfigurationError(f"database_url: {error}") from error
