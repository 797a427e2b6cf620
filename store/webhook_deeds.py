"""What is done to webhooks, each deed with its entry in the audit log, whoever does it.

`store.webhook_desk` does them for members of staff, `doorstep webhook` for whoever may use the
database from the command line. Each call is within the caller's transaction.
"""

from dataclasses import dataclass
from typing import Final

import psycopg

from alerts.audit import What
from alerts.subscription import Changes, Subscription
from store import audit, webhooks

_ALL_GRIDS: Final = "SELECT id, grid_no FROM grid ORDER BY id"


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and the grids that are theirs."""

    staff: str | None
    """None: the command line."""
    grids: tuple[int, ...]


def all_grids(connection: psycopg.Connection) -> dict[str, int]:
    """Every grid's number, by id."""
    return {str(id_): int(no) for id_, no in connection.execute(_ALL_GRIDS).fetchall()}


def add(
    connection: psycopg.Connection, by: By, wanted: Subscription, secret: str, now: int
) -> bool:
    """Makes one; False when there are too many."""
    assert wanted.grid_nos is not None
    assert {*wanted.grid_nos} <= {*by.grids}, "the grids are theirs"
    made = webhooks.add(connection, wanted, secret, now)
    if made:
        audit.record(connection, by.staff, What.MADE_WEBHOOK, wanted.id, wanted.grid_nos)
    return made


def change(connection: psycopg.Connection, by: By, id_: str, changes: Changes, now: int) -> bool:
    """Changes one; False when there is none."""
    assert {*(changes.grid_nos or ())} <= {*by.grids}, "the grids are theirs"
    nos = {*webhooks.grid_nos(connection, by.grids, id_), *(changes.grid_nos or ())}
    found = webhooks.change(connection, by.grids, id_, changes, now)
    if found:
        audit.record(connection, by.staff, What.CHANGED_WEBHOOK, id_, nos)
    return found


def remove(connection: psycopg.Connection, by: By, id_: str) -> bool:
    """Takes one away; False when there is none."""
    nos = webhooks.grid_nos(connection, by.grids, id_)
    found = webhooks.remove(connection, by.grids, id_)
    if found:
        audit.record(connection, by.staff, What.REMOVED_WEBHOOK, id_, nos)
    return found


def rotate(
    connection: psycopg.Connection, by: By, id_: str, secret: str, span: tuple[int, int]
) -> bool:
    """A new secret; the old one counts beside it within `span` (now, until). False: no such."""
    nos = webhooks.grid_nos(connection, by.grids, id_)
    found = webhooks.rotate(connection, by.grids, id_, secret, span)
    if found:
        audit.record(connection, by.staff, What.ROTATED_WEBHOOK, id_, nos)
    return found


def tested(connection: psycopg.Connection, by: By, id_: str) -> None:
    """Enters that a test message is about to be sent to one; nothing where there is none."""
    nos = webhooks.grid_nos(connection, by.grids, id_)
    if nos:
        audit.record(connection, by.staff, What.TESTED_WEBHOOK, id_, nos)


def resend(
    connection: psycopg.Connection, by: By, id_: str, event_id: int, now: int
) -> bool | None:
    """Has an event sent again; None: no such event there, False: too much waits already."""
    nos = webhooks.grid_nos(connection, by.grids, id_)
    sent = webhooks.resend(connection, by.grids, id_, event_id, now)
    if sent:
        about = f"{id_} evt_{event_id}"
        audit.record(connection, by.staff, What.RESENT_EVENT, about, nos)
    return sent
