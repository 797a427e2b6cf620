"""How alerts ended, counted by device, rule, rulebook and outcome, of the grids that are given.

Counts only; what an outcome says of a rule is `alerts.verdicts`. An alert without an outcome is
not counted.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg

from alerts.accuracy import Counted
from alerts.alert import Outcome
from domain.instant import to_datetime
from rules.finding import Rule

_JUDGED: Final = (
    " FROM alert a JOIN device d USING (device_no) WHERE a.grid_no = ANY(%(grids)s)"
    " AND a.outcome IS NOT NULL AND a.raised_at >= %(from_at)s AND a.raised_at < %(to_at)s"
)
_ALL: Final = (
    "SELECT d.id, d.model, a.rule, coalesce(a.evidence ->> 'rulebook_version', ''), a.outcome,"
    f" count(*){_JUDGED} GROUP BY 1, 2, 3, 4, 5"
)
_BARE: Final = f"SELECT d.id, d.model, a.rule, '', a.outcome, count(*){_JUDGED}"
_OF_DEVICES: Final = f"{_BARE} AND d.id = ANY(%(devices)s) GROUP BY 1, 2, 3, 5"
_OTHERS: Final = " AND a.id <> %(alert)s"
_OF_DEVICE: Final = (
    f"{_BARE}{_OTHERS} AND a.device_no = (SELECT device_no FROM alert WHERE id = %(alert)s)"
    " GROUP BY 1, 2, 3, 5"
)
_OF_RULE: Final = (
    f"SELECT '', '', a.rule, '', a.outcome, count(*){_JUDGED}{_OTHERS}"
    " AND a.rule = (SELECT rule FROM alert WHERE id = %(alert)s) GROUP BY 3, 5"
)
_RULE: Final = "SELECT rule FROM alert WHERE id = %(alert)s AND grid_no = ANY(%(grids)s)"

Span = tuple[int, int]
"""Raised from here on, and before there."""


def counted(connection: psycopg.Connection, grid_nos: Sequence[int], span: Span) -> list[Counted]:
    """All of them."""
    return _counted(connection.execute(_ALL, _arguments(grid_nos, span)))


def of_devices(
    connection: psycopg.Connection, grid_nos: Sequence[int], span: Span, devices: Sequence[str]
) -> list[Counted]:
    """Those of some devices, without versions of rulebooks."""
    arguments = _arguments(grid_nos, span) | {"devices": list(devices)}
    return _counted(connection.execute(_OF_DEVICES, arguments))


def of_others(
    connection: psycopg.Connection, grid_nos: Sequence[int], span: Span, alert_id: str
) -> tuple[Rule, list[Counted], list[Counted]] | None:
    """The rule of an alert; other alerts of its device, and of its rule. None: no such alert."""
    arguments = _arguments(grid_nos, span) | {"alert": alert_id}
    row = connection.execute(_RULE, arguments).fetchone()
    if row is None:
        return None
    of_device = _counted(connection.execute(_OF_DEVICE, arguments))
    return Rule(row[0]), of_device, _counted(connection.execute(_OF_RULE, arguments))


def _arguments(grid_nos: Sequence[int], span: Span) -> dict[str, Any]:
    from_at, to_at = map(to_datetime, span)
    return {"grids": list(grid_nos), "from_at": from_at, "to_at": to_at}


def _counted(rows: Iterable[tuple[str, str, str, str, str, int]]) -> list[Counted]:
    return [
        Counted(device, model, Rule(rule), version, Outcome(outcome), count)
        for device, model, rule, version, outcome, count in rows
    ]
