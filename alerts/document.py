"""An alert as outsiders see it: the JSON of contract section 6, in lists, events and every feed.

Holds no name, address or position: the person is an id. Ours are `building`, so that a doctor on
the stairs knows which door comes next; `vulnerable`, which says that and not why, so that it is no
diagnosis; and `told`, who was asked so far.
"""

from typing import Any

from alerts.alert import Alert
from alerts.priority import vulnerable
from alerts.surroundings import Surroundings
from domain.instant import format_rfc3339


def document(alert: Alert, where: Surroundings) -> dict[str, Any]:
    """The alert as JSON values, instants in RFC 3339."""
    return {
        "id": alert.id,
        "episode": alert.episode,
        "person": alert.person,
        "grid": alert.grid,
        "building": where.building,
        "vulnerable": vulnerable(where, alert.raised_at),
        "device": alert.device,
        "rule": alert.rule.value,
        "severity": alert.severity.word,
        "condition": alert.condition.value,
        "response": alert.response.value,
        "outcome": None if alert.outcome is None else alert.outcome.value,
        "raised_at": format_rfc3339(alert.raised_at),
        "onset_at": format_rfc3339(alert.onset_at),
        "cleared_at": _text(alert.cleared_at),
        "last_at": format_rfc3339(alert.last_at),
        "late": alert.late,
        "summary": alert.summary,
        "evidence": dict(alert.evidence),
        "assignee": alert.assignee,
        "deadline_at": _text(alert.deadline_at),
        "told": list(alert.told),
        "previous": alert.previous,
        "version": alert.version,
    }


def _text(instant: int | None) -> str | None:
    return None if instant is None else format_rfc3339(instant)
