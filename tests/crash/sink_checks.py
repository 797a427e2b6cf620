"""What must hold at every sink after `serve` was killed, one function a property; each returns what
is wrong, by line.

They know the log of events and what the sinks had. None of the project's feeds, triage or lifecycle
take part; of a notification's words the two that can come are said here again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from domain.instant import HOUR_US, MINUTE_US, SECOND_US, parse_rfc3339
from tests.crash.sinks import PASSED_ON, Got, Handed, Logged, Served, Sink

WORDS: Final = {"fever": "temperature", "left_home": "not at home"}
HORIZON_US: Final = {"urgent": HOUR_US, "critical": 6 * HOUR_US}
"""Contract section 5: what rests on older readings is for the visit list, and not told."""
TOLD: Final = "1 of 1 contacts"
SPARED: Final = ("spared: told others", "spared: routine", "spared: visit list", "spared: seen to")
MOST_A_MINUTE: Final = 20
"""docs/operations.md, "Notifications"."""
ON_THE_WAY_US: Final = 2 * SECOND_US
"""Messages are counted when they are sent, and may come closer to each other."""
KINDS: Final = {"acknowledge": "acknowledged", "outcome": "outcome"}
"""What a deed is called in the log."""
DONE, REFUSED = 200, 409


def lost(served: Served) -> Iterator[str]:
    """Every sink had every event of its grids."""
    for sink in served.sinks:
        due = [each.event_id for each in served.log if each.grid in sink.grids]
        missing = sorted({*due} - {each.event_id for each in sink.got})
        if missing:
            yield f"{sink.name}: {len(missing)} of {len(due)}: {missing[:9]}"


def not_in_the_log(served: Served) -> Iterator[str]:
    """What a sink had is in the log, of its grids, with the same alert, type and version."""
    log = {each.event_id: each for each in served.log}
    for sink in served.sinks:
        for each in sink.got:
            event = log.get(each.event_id)
            if event is None or event.grid not in sink.grids or _said(event) != _heard(each):
                yield f"{sink.name}: {each}, not {event}"


def _said(event: Logged) -> tuple[Any, ...]:
    return event.alert_id, event.type, event.after["version"]


def _heard(got: Got) -> tuple[Any, ...]:
    return got.alert_id, got.type, got.version


def badly_signed(served: Served) -> Iterator[str]:
    """What is signed can be verified."""
    for sink in served.sinks:
        for each in sink.got:
            if not each.signed:
                yield f"{sink.name}: {each}"


def came_again(served: Served) -> Iterator[str]:
    """Nothing comes twice where that is promised."""
    for sink in served.sinks:
        again = duplicates(sink)
        if sink.once and again:
            yield f"{sink.name}: {again} came again"


def out_of_order(served: Served) -> Iterator[str]:
    """Of one alert no event comes before one that was before it, however often it comes."""
    for sink in served.sinks:
        newest: dict[str, int] = {}
        for each in sink.got:
            if each.event_id < newest.get(each.alert_id, 0):
                yield f"{sink.name}: {each} after event {newest[each.alert_id]}"
            newest[each.alert_id] = max(each.event_id, newest.get(each.alert_id, 0))


def versions_fall(served: Served) -> Iterator[str]:
    """The version of an alert never falls from event to event, in the log and at each sink."""
    ways: dict[str, list[tuple[str, int]]] = {
        "log": [(each.alert_id, each.after["version"]) for each in served.log]
    }
    for sink in served.sinks:
        ways[sink.name] = [(each.alert_id, each.version) for each in _first_times(sink)]
    for name, steps in ways.items():
        newest: dict[str, int] = {}
        for alert_id, version in steps:
            if version < newest.get(alert_id, 0):
                yield f"{name}: {alert_id} falls from {newest[alert_id]} to {version}"
            newest[alert_id] = version


def _first_times(sink: Sink) -> Iterator[Got]:
    known: set[int] = set()
    for each in sink.got:
        if each.event_id not in known:
            known.add(each.event_id)
            yield each


def duplicates(sink: Sink) -> int:
    """How many messages came that had come before."""
    return len(sink.got) - len({each.event_id for each in sink.got})


def notifications_lost(served: Served) -> Iterator[str]:
    """Whoever an event is meant to reach was sent a line about it, unless it was answered before.

    A message lists ten cases and counts the others, so that as many lines may be missing.
    """
    for staff in sorted({each.staff for each in served.handed}):
        wanted = Counter(line(event) for event, _ in owed(served, staff))
        got: Counter[str] = Counter()
        more = 0
        for each in served.notifications:
            if each.staff == staff:
                got.update(each.lines)
                more += each.more
        missing = wanted - got
        if missing.total() > more:
            yield f"{staff}: {dict(missing)}, and only {more} were counted"


def owed(served: Served, staff: str) -> list[tuple[Logged, Handed]]:
    """The events that somebody has to be told of, whatever the doctors did meanwhile."""
    log = {event.event_id: event for event in served.log}
    of_alert: dict[str, list[Logged]] = defaultdict(list)
    for event in served.log:
        of_alert[event.alert_id].append(event)
    return [
        (event, each)
        for each in served.handed
        if each.staff == staff
        if _calls(event := log[each.event_id], staff)
        if not any(
            later.event_id > event.event_id
            and later.at <= each.settled_at
            and later.after["response"] != event.after["response"]
            for later in of_alert[event.alert_id]
        )
    ]


def _calls(event: Logged, staff: str) -> bool:
    """Whether an event is to be told to somebody, as long as nobody sees to it."""
    after = event.after
    if staff not in event.told or after["severity"] == "routine":
        return False
    age = parse_rfc3339(after["raised_at"]) - parse_rfc3339(after["last_at"])
    escalated = event.kind == "escalated" and age < HORIZON_US[after["severity"]]
    return bool(after.get("notify")) or escalated


def line(event: Logged) -> str:
    """What a notification says of an event."""
    again = PASSED_ON if event.kind == "escalated" else ""
    after = event.after
    return f"{after['severity'].capitalize()} {after['building']} {WORDS[after['rule']]}{again}"


def notifications_unfounded(served: Served) -> Iterator[str]:
    """Nobody is told what no event of theirs says."""
    known: dict[str, set[str]] = defaultdict(set)
    for event in served.log:
        for staff in event.told:
            if event.after["rule"] in WORDS:
                known[staff].add(line(event))
    for each in served.notifications:
        for said in each.lines:
            if said not in known[each.staff]:
                yield f"{each.staff}: {said!r}"


def notifications_unsettled(served: Served) -> Iterator[str]:
    """Of each event it is written down what became of it for each member who may be told."""
    # What was decided in one call has one status, so that only this much follows from it.
    for each in served.handed:
        if each.state != "delivered" or each.status not in (TOLD, *SPARED):
            yield f"{each}"
    for staff in sorted({each.staff for each in served.handed}):
        for _, each in owed(served, staff):
            if each.status != TOLD:
                yield f"{each}: it is theirs"


def told_too_often(served: Served) -> Iterator[str]:
    """A contact gets so many messages a minute at most, however often the service starts anew."""
    came: dict[str, list[int]] = defaultdict(list)
    for each in served.notifications:
        came[each.staff].append(each.at)
    for staff, moments in came.items():
        for first, beyond in zip(moments, moments[MOST_A_MINUTE:], strict=False):
            if beyond - first < MINUTE_US - ON_THE_WAY_US:
                yield f"{staff}: {MOST_A_MINUTE + 1} within {(beyond - first) / SECOND_US:.1f} s"


def deeds_not_once(served: Served) -> Iterator[str]:
    """A deed that was answered well is in the log once, one that was refused is not."""
    by_note = defaultdict(list)
    for event in served.log:
        if event.actor is not None:
            by_note[event.note].append(event)
    for each in served.intentions:
        found = by_note.pop(each.key, [])
        right = [
            (event.alert_id, event.actor, event.kind)
            == (each.alert_id, each.staff, KINDS[each.deed])
            for event in found
        ]
        if each.status not in (DONE, REFUSED) or right != [True] * (each.status == DONE):
            yield f"{each}: in the log {found}"
    for note, found in by_note.items():
        yield f"nobody wanted {note}: {found}"


def deeds_answered_otherwise(served: Served) -> Iterator[str]:
    """A deed that is sent again is answered as before."""
    for each in served.intentions:
        if each.repeated is not None and each.repeated != (each.status, each.answer):
            yield f"{each}"


SINK_CHECKS: Final[dict[str, Callable[[Served], Iterator[str]]]] = {
    "events lost": lost,
    "events not in the log": not_in_the_log,
    "badly signed": badly_signed,
    "came again": came_again,
    "out of order": out_of_order,
    "versions fall": versions_fall,
    "notifications lost": notifications_lost,
    "notifications unfounded": notifications_unfounded,
    "notifications unsettled": notifications_unsettled,
    "told too often": told_too_often,
    "deeds not once": deeds_not_once,
    "deeds answered otherwise": deeds_answered_otherwise,
}
