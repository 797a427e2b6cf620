"""What the HTTP side may ask of the database: each call is one pooled connection, soon given back.

Implements the port of `alerts.api.ports`. Nothing is decided here: calls go to the modules that
hold the SQL, with the grids of whoever asks.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from alerts import signals as noticed
from alerts.audit import What
from alerts.casework import AlertQuery, Answer, Deed, Done, LoggedEvent, Page, Window
from alerts.escalation import DEFAULT, Figures
from alerts.lifecycle import Kind
from alerts.shown import telling
from alerts.staff import Staff
from domain.instant import parse_rfc3339
from rules.finding import Rule
from store import alertread, audit, casework, episodes, shown, signals, vitals
from store.errors import StoreBusy, StoreMismatch, StoreUnreachable
from store.migrate import check_schema
from store.pool import Pool

_WHO: Final = ("person_name", "phone", "address", "birth_year", "flags")


class Desk:
    """The questions. Threads may share it."""

    def __init__(self, pool: Pool, figures: Figures = DEFAULT) -> None:
        self._pool = pool
        self._figures = figures

    def check(self) -> None:
        """Raises `StoreUnreachable`, or `StoreMismatch` for a schema that is not this version's."""
        with self._pool.of_service() as connection:
            check_schema(connection)

    def ready(self) -> list[str]:
        """Why requests cannot be answered, one reason a line; empty when they can."""
        try:
            self.check()
        except (StoreUnreachable, StoreBusy):
            return ["the database cannot be reached"]
        except StoreMismatch as error:
            return [str(error)]
        return []

    def alerts(self, staff: Staff, grid: str | None, query: AlertQuery) -> Page:
        """Alerts, most urgent first, of one grid or all of the member's. Raises `BadCursor`."""
        with self._pool.of(staff) as connection:
            return alertread.listed(connection, _grids(staff, grid), query)

    def alert(self, staff: Staff, alert_id: str) -> dict[str, Any] | None:
        """One alert with the readings behind it and, for those who go there, who it is."""
        with self._pool.of(staff) as connection:
            found = alertread.one(connection, alert_id, _grids(staff))
            if found is None:
                return None
            stored, document = found
            episode = episodes.one(
                connection,
                stored.alert.episode,
                _grids(staff),
                with_who=staff.role.cares,
            )
            if episode is not None:
                document["evidence"] = {
                    **document["evidence"],
                    "readings": _readings(connection, episode, document),
                }
                if staff.role.cares:
                    document["who"] = {name: episode.document[name] for name in _WHO}
            _looked(connection, staff, What.VIEWED_PERSON, document["episode"], document["grid"])
            return document

    def alert_events(self, staff: Staff, alert_id: str) -> list[dict[str, Any]] | None:
        """The log of one alert, oldest first."""
        with self._pool.of(staff) as connection:
            found = alertread.one(connection, alert_id, _grids(staff))
            if found is None:
                return None
            events = alertread.events(connection, alert_id)
            _looked(connection, staff, What.VIEWED_EVENTS, found[1]["episode"], found[1]["grid"])
            return events

    def act(self, staff: Staff, alert_id: str, deed: Deed, now: int) -> Answer:
        """Does what a member of staff says, or says why not."""
        with self._pool.of(staff) as connection:
            answer = casework.act(connection, alert_id, deed, staff, now, self._figures)
            if isinstance(answer, Done) and not answer.again:
                _looked(connection, staff, deed.kind, alert_id, answer.alert["grid"])
            return answer

    def events_since(self, staff: Staff, grid: str | None, event_id: int) -> list[LoggedEvent]:
        """Events after one that this member may see, in order; at most `EVENTS_A_READ`."""
        with self._pool.of(staff) as connection:
            return alertread.since(connection, event_id, _grids(staff, grid))

    def last_event_id(self) -> int:
        """The newest event's id, of all grids."""
        with self._pool.of_service() as connection:
            return alertread.last_event_id(connection)

    def alert_counts(self) -> Mapping[tuple[str, str, str], int]:
        """How many alerts are not closed, by severity, response and condition."""
        with self._pool.of_service() as connection:
            return alertread.counts(connection)

    def episodes(
        self, staff: Staff, grid: str | None, after: str | None, limit: int, now: int
    ) -> Page:
        """People under care, without names."""
        with self._pool.of(staff) as connection:
            return episodes.listed(connection, _grids(staff, grid), after, limit, now)

    def episode(self, staff: Staff, episode_id: str, now: int) -> dict[str, Any] | None:
        """One of them, with names for those who go there."""
        with self._pool.of(staff) as connection:
            found = episodes.one(connection, episode_id, _grids(staff), with_who=staff.role.cares)
            if found is None:
                return None
            document = episodes.with_presence(connection, found, now)
            _looked(connection, staff, What.VIEWED_PERSON, episode_id, document["grid"])
            return document

    def readings(self, staff: Staff, episode_id: str, window: Window) -> Page | None:
        """The vitals of one of them. Raises `BadCursor`."""
        with self._pool.of(staff) as connection:
            found = episodes.one(connection, episode_id, _grids(staff), with_who=False)
            if found is None:
                return None
            page = vitals.readings(connection, found.no, found.home, window)
            _looked(connection, staff, What.VIEWED_READINGS, episode_id, found.document["grid"])
            return page

    def rejections(
        self, staff: Staff, device: str | None, after: str | None, limit: int
    ) -> Page | None:
        """What did not become a reading."""
        with self._pool.of(staff) as connection:
            return episodes.rejections(connection, device, after, limit)

    def gaps(
        self, staff: Staff, device: str | None, page: tuple[str | None, int], now: int
    ) -> Page | None:
        """Sequence numbers that are missing. Raises `BadCursor`."""
        with self._pool.of(staff) as connection:
            return signals.gaps(connection, _grids(staff), device, page, now)

    def signals(self, staff: Staff, horizon: noticed.Horizon, query: noticed.Query) -> Page:
        """Where the service is blind: what ingestion wrote, and what is to be seen without it."""
        with self._pool.of(staff) as connection:
            return noticed.listed(
                signals.recorded(connection, _grids(staff), horizon, query),
                signals.missing(connection, _grids(staff), horizon, query),
                signals.heartbeat(connection),
                horizon,
                query,
            )

    def blindness(self, horizon: noticed.Horizon) -> Mapping[str, bool]:
        """Of the signals that ingestion's metrics do not show, which are active anywhere."""
        with self._pool.of_service() as connection:
            return {
                noticed.Kind.BLIND: signals.heartbeat(connection).old(horizon)
                or signals.any_active(connection, noticed.Kind.BLIND, horizon.now),
                noticed.Kind.GAP: signals.any_gap(connection, horizon),
                noticed.Kind.UNDELIVERABLE: signals.any_active(
                    connection, noticed.Kind.UNDELIVERABLE, horizon.now
                ),
            }

    def standing_signals(self, horizon: noticed.Horizon) -> Mapping[str, noticed.Standing]:
        """What is active now, of all grids, without gaps; for those who listen."""
        query = noticed.Query(active=True, limit=noticed.STANDING_AT_MOST)
        with self._pool.of_service() as connection:
            recorded = signals.recorded(connection, None, horizon, query)
            return noticed.standing(recorded, signals.heartbeat(connection), horizon)


def _looked(
    connection: psycopg.Connection, staff: Staff, what: What | Kind, about: str, grid: str
) -> None:
    audit.record(connection, staff.id, what, about, [staff.grids[grid]])


def _grids(staff: Staff, grid: str | None = None) -> list[int]:
    """The numbers of the grids asked for; none where the grid is not the member's."""
    return staff.grid_nos(grid)


def _readings(
    connection: psycopg.Connection, episode: episodes.Opened, alert: Mapping[str, Any]
) -> list[dict[str, Any]]:
    evidence = alert["evidence"]
    onset_at, last_at = (parse_rfc3339(alert[name]) for name in ("onset_at", "last_at"))
    said = telling(Rule(evidence.get("rule", alert["rule"])), evidence, onset_at, last_at)
    device = evidence.get("device", alert["device"])
    return shown.readings(connection, (episode.no, episode.home), device, said)
