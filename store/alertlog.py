"""The ledger's side of alerts: findings of a step are written, and the cases they belong to moved.

Everything here happens inside the transaction that judged the readings, late in it: whatever was
judged and whatever was raised is there together or not at all. Alerts are locked in the order of
(episode, rule), the event counter last, so that no two transactions wait for each other and the
order of event ids is the order of commits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from psycopg.rows import dict_row

from alerts.alert import Response
from alerts.cases import belongs_to, may_belong_to
from alerts.escalation import DEFAULT, Figures
from alerts.folding import Folded, fold
from alerts.lifecycle import Kind, Step
from alerts.surroundings import Surroundings
from alerts.triage import QUIET_US, Case, Decision, decide, steps_of
from alerts.vitals import NOTHING_KNOWN, Vitals
from domain.instant import to_datetime
from rules.finding import Finding, FindingChange, Rule
from store import findings
from store.alertrows import Place, Stored, fetch, place, write_alerts, write_events
from store.duty import Duty
from store.findings import Standing
from store.newest_vitals import newest

Key = tuple[int, Rule]
"""(episode_no, rule): what has at most one case that is not closed."""

_CASES: Final = "(a.episode_no, a.rule) IN (SELECT * FROM unnest(%s::int[], %s::text[]))"
_STANDING: Final = (
    f"WHERE a.response <> 'closed' AND {_CASES} ORDER BY a.episode_no, a.rule FOR UPDATE OF a"
)
_CLOSED_LAST: Final = (
    "WHERE a.id IN (SELECT DISTINCT ON (a.episode_no, a.rule) a.id FROM alert a"
    f" WHERE a.response = 'closed' AND {_CASES}"
    " ORDER BY a.episode_no, a.rule, a.closed_at DESC, a.raised_at DESC, a.id)"
    " ORDER BY a.episode_no, a.rule FOR UPDATE OF a"
)
PLACES: Final = (
    "SELECT e.episode_no, e.id AS episode, e.building, e.home, p.id AS person, g.grid_no,"
    " g.id AS grid, g.escalate_to, c.timezone, p.birth_year, p.flags"
    " FROM episode e JOIN person p USING (person_no) JOIN grid g USING (grid_no)"
    " JOIN community c USING (community_no) WHERE e.episode_no = ANY(%s)"
)
_WAITED_OUT: Final = (
    "SELECT DISTINCT f.episode_no, a.rule FROM finding f JOIN alert a ON a.id = f.alert_id"
    " JOIN episode e ON e.episode_no = f.episode_no"
    " WHERE f.ended_at IS NULL AND f.withdrawn_at IS NULL AND a.response = 'closed'"
    " AND a.closed_at <= CASE a.closed_severity WHEN 'critical' THEN %(critical)s"
    " WHEN 'urgent' THEN %(urgent)s ELSE %(routine)s END AND e.ends_at > %(now)s"
)


def record(  # noqa: PLR0913, PLR0917 - the step, and all that it depends on
    cursor: psycopg.Cursor,
    changes: Sequence[FindingChange],
    now: int,
    rulebook_version: str,
    batch: int,
    new_id: Callable[[], str],
    figures: Figures = DEFAULT,
) -> int:
    """Writes the changes of one step and what follows from them; the number of alert events.

    Part of the caller's transaction, its last part: afterwards the event counter is locked. Without
    changes no statement is sent; when findings were only seen again, one.
    """
    if not changes:
        return 0
    folded = fold(changes)
    lost = findings.write(cursor, folded, now, rulebook_version, batch)
    keys = _keys(entry for entry in folded if entry.told)
    if not keys:
        return 0
    revised = _keys(entry for entry in folded if entry.revised)
    loaded = _cases(cursor.connection, keys, lost, revised)
    return _move(cursor, loaded, now, new_id, figures)


def quiet_time_over(
    cursor: psycopg.Cursor,
    now: int,
    rulebook_version: str,
    new_id: Callable[[], str],
    figures: Figures = DEFAULT,
) -> int:
    """Raises again what was closed long enough ago and is still so; the number of alert events.

    Cheap enough for every tick: only findings that are still so are looked at. A finding keeps the
    version of the rulebook it was judged by.
    """
    del rulebook_version
    quiet = {severity.word: to_datetime(now - length) for severity, length in QUIET_US.items()}
    cursor.execute(_WAITED_OUT, {**quiet, "now": to_datetime(now)})
    keys = sorted((int(row[0]), Rule(row[1])) for row in cursor.fetchall())
    if not keys:
        return 0
    return _move(cursor, _cases(cursor.connection, keys, (), ()), now, new_id, figures)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A case, and what is needed to write what becomes of it."""

    case: Case
    standing: tuple[Standing, ...]
    place: Place
    """Of the episode: an alert is raised in the grid that it is in now."""
    places: Mapping[str, Place]
    """By alert: one that was raised before stays in the grid it was raised in."""
    vitals: Vitals
    """Of the person, up to the newest support."""
    faults: Mapping[int, Finding]
    """By device number: what is at fault in this episode."""

    def where(self) -> Surroundings:
        """The episode, with all that is known of it."""
        among = self.place.among(self.standing)
        return replace(among, vitals=self.vitals, faults=self.faults)


def _keys(folded: Iterable[Folded]) -> list[Key]:
    return sorted(
        {
            (entry.finding.key.episode_no, rule): True
            for entry in folded
            for rule in may_belong_to(entry.finding)
        }
    )


def _held(
    connection: psycopg.Connection,
    keys: Sequence[Key],
    open_: Mapping[Key, Stored],
    alerts: list[str],
) -> dict[Key, list[Standing]]:
    """The findings of each of these cases."""
    # A silence that the battery explains may be in the battery's case.
    silent = {(no, Rule.SILENT): True for no, rule in keys if rule is Rule.BATTERY_LOW}
    found = findings.of_cases(connection, sorted({**silent, **dict.fromkeys(keys)}), alerts)
    low = {
        (key.episode_no, key.device_no)
        for key in (each.held.finding.key for each in found if each.held.finding.ended_at is None)
        if key.rule is Rule.BATTERY_LOW
    }
    held: dict[Key, list[Standing]] = {key: [] for key in keys}
    for each in found:
        key = each.held.finding.key
        episode_no, device_no = key.episode_no, key.device_no
        battery_low = (episode_no, device_no) in low or (episode_no, Rule.BATTERY_LOW) in open_
        rule = belongs_to(each.held.finding, each.placed, battery_low=battery_low)
        if (episode_no, rule) in held:
            held[episode_no, rule].append(each)
    return held


def _cases(
    connection: psycopg.Connection, keys: Sequence[Key], lost: Sequence[str], revised: Sequence[Key]
) -> list[_Loaded]:
    """The cases of these keys, in order, their alerts locked."""
    arguments = [[episode_no for episode_no, _ in keys], [rule.value for _, rule in keys]]
    # In this order: what is closed while we wait for the lock is found among the closed.
    standing = fetch(connection, _STANDING, arguments)
    last = fetch(connection, _CLOSED_LAST, arguments)
    # And what somebody brought back while we waited for that lock is not closed any more.
    closed = _by_key(each for each in last if each.alert.response is Response.CLOSED)
    open_ = _by_key([*standing, *(e for e in last if e.alert.response is not Response.CLOSED)])
    losers = fetch(connection, "WHERE a.id = ANY(%s) ORDER BY a.id", [lost]) if lost else []
    alerts = [*open_.values(), *closed.values(), *losers]
    held = _held(connection, keys, open_, [stored.alert.id for stored in alerts])
    places = _places(connection, keys)
    vitals = _vitals(connection, held)
    faults = findings.standing_faults(connection, [episode_no for episode_no, _ in keys])
    return [
        _Loaded(
            Case(
                episode_no=key[0],
                standing=open_[key].alert if key in open_ else None,
                closed=closed[key].alert if key in closed else None,
                held=tuple(each.held for each in held[key]),
                lost=tuple(stored.alert for stored in losers if _key(stored) == key),
                revised=key in revised,
                rule=key[1],
            ),
            tuple(held[key]),
            places[key[0]],
            {stored.alert.id: stored.place for stored in alerts},
            vitals.get(key[0], NOTHING_KNOWN),
            faults.get(key[0], {}),
        )
        for key in keys
    ]


def _vitals(
    connection: psycopg.Connection, held: Mapping[Key, Sequence[Standing]]
) -> dict[int, Vitals]:
    """Of everybody in these cases, up to the newest reading that supports one of theirs."""
    until: dict[int, int] = {}
    for (episode_no, _), standing in held.items():
        for each in standing:
            last_at = each.held.finding.last_at
            until[episode_no] = max(last_at, until.get(episode_no, last_at))
    return newest(connection, until)


def _by_key(found: Iterable[Stored]) -> dict[Key, Stored]:
    return {_key(stored): stored for stored in found}


def _key(stored: Stored) -> Key:
    return stored.alert.episode_no, stored.alert.rule


def _places(connection: psycopg.Connection, keys: Sequence[Key]) -> dict[int, Place]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(PLACES, [[episode_no for episode_no, _ in keys]])
        return {row["episode_no"]: place(row) for row in cursor.fetchall()}


def settle(
    cursor: psycopg.Cursor, key: Key, now: int, new_id: Callable[[], str], figures: Figures
) -> list[tuple[Step, Place]]:
    """Has the case of this key follow its findings as they stand; the steps, to be logged."""
    return _moved(cursor, _cases(cursor.connection, [key], (), ()), now, new_id, figures)


def _move(
    cursor: psycopg.Cursor,
    loaded: Sequence[_Loaded],
    now: int,
    new_id: Callable[[], str],
    figures: Figures,
) -> int:
    steps = _moved(cursor, loaded, now, new_id, figures)
    write_events(cursor, steps)
    return len(steps)


def _moved(
    cursor: psycopg.Cursor,
    loaded: Sequence[_Loaded],
    now: int,
    new_id: Callable[[], str],
    figures: Figures,
) -> list[tuple[Step, Place]]:
    """Everything but the log."""
    steps: list[tuple[Step, Place]] = []
    alert_of: dict[int, str] = {}
    decided = [(each, decide(each.case, each.where(), now, new_id)) for each in loaded]
    asked = [each.place.grid_no for each, decision in decided if _asks(decision)]
    duty = Duty(cursor.connection, asked, figures)
    for each, decision in decided:
        made = steps_of(decision, duty.route(each.place))
        duty.counted(made)
        steps += [(step, each.places.get(step.after.id, each.place)) for step in made]
        alert_of |= _placed(each.standing, decision)
    write_alerts(cursor, steps)
    findings.place(cursor, alert_of)
    return steps


def _asks(decision: Decision) -> bool:
    """Whether somebody is to be asked to go: the team has to be known."""
    asking = (Kind.RAISED, Kind.WORSENED, Kind.RETURNED)
    return any(event.kind in asking for _, event in decision.events)


def _placed(standing: Sequence[Standing], decision: Decision) -> dict[int, str]:
    owner = decision.belongs_to
    if owner is None:
        return {}
    return {
        each.finding_no: owner
        for each in standing
        if each.held.alert != owner and each.held in decision.held
    }
