"""How contacts have been written to: rows that a restart finds and every process shares.

Implements the port of `alerts.feeds.notify`. A use is written down and committed before the message
goes: who dies in between has a message less, never one too many.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import psycopg

from alerts.robots import Admission, Use, admitted
from domain.instant import DAY_US, from_datetime, to_datetime
from rules.finding import Severity
from store.pool import Pool

_BEGIN: Final = (
    "INSERT INTO contact_use (contact_sha256, sent, used_at)"
    " SELECT unnest(%s::bytea[]), '{}', %s ON CONFLICT DO NOTHING"
)
_READ: Final = (
    "SELECT contact_sha256, sent, rest_until FROM contact_use"
    " WHERE contact_sha256 = ANY(%s) ORDER BY contact_sha256 FOR UPDATE"
)
_WRITE: Final = (
    "UPDATE contact_use SET sent = %s, rest_until = %s, used_at = %s WHERE contact_sha256 = %s"
)
_REST: Final = (
    "UPDATE contact_use SET rest_until = greatest(rest_until, %s) WHERE contact_sha256 = %s"
)
_FORGET: Final = (
    "DELETE FROM contact_use WHERE contact_sha256 IN (SELECT contact_sha256 FROM contact_use"
    " WHERE used_at < %s ORDER BY 1 LIMIT 100 FOR UPDATE SKIP LOCKED)"
)
_KEPT_US: Final = DAY_US
"""A row of a contact that has not been written to for so long says nothing any more."""


class Uses:
    """Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def admit(self, robots: Mapping[str, str], severity: Severity, now: int) -> Admission:
        """Whether a message may go to these now; if so, it counts from here on."""
        names = {_name(robot): robot for robot in robots}
        with self._pool.of_service() as connection, connection.transaction():
            connection.execute(_BEGIN, [sorted(names), to_datetime(now)])
            rows = connection.execute(_READ, [sorted(names)]).fetchall()
            uses = {names[row[0]]: _use(robots[names[row[0]]], row) for row in rows}
            admission = admitted(uses, severity, now)
            for robot, use in uses.items():
                if admission.granted and robot not in admission.resting:
                    _write(connection, robot, use.written_to(now), now)
            connection.execute(_FORGET, [to_datetime(now - _KEPT_US)])
        return admission

    def rest(self, robot: str, until: int) -> None:
        """It wants nothing before."""
        with self._pool.of_service() as connection:
            connection.execute(_REST, [to_datetime(until), _name(robot)])


def _name(robot: str) -> bytes:
    return sha256(robot.encode()).digest()


def _use(scheme: str, row: tuple[Any, ...]) -> Use:
    _, sent, rest_until = row
    until = None if rest_until is None else from_datetime(rest_until)
    return Use(scheme, tuple(from_datetime(at) for at in sent), until)


def _write(connection: psycopg.Connection, robot: str, use: Use, now: int) -> None:
    sent = [to_datetime(at) for at in use.sent]
    until = None if use.rest_until is None else to_datetime(use.rest_until)
    connection.execute(_WRITE, [sent, until, to_datetime(now), _name(robot)])
