"""Every check of the sinks can fail: a run in which all is well, spoilt in one way, is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339
from tests.crash.doctors import Intention
from tests.crash.sink_checks import DONE, REFUSED, SINK_CHECKS, TOLD
from tests.crash.sinks import PASSED_ON, Got, Handed, Logged, Notification, Served, Sink

NOW = 1_770_091_506 * SECOND_US
GRID = "grid-01"


def event(number: int, alert_id: str, kind: str, at_s: int, **given: Any) -> Logged:
    told: tuple[str, ...] = given.pop("told", ())
    actor: str | None = given.pop("actor", None)
    note: str = given.pop("note", "")
    after = {
        "id": alert_id,
        "version": number,
        "response": "open",
        "severity": "urgent",
        "rule": "fever",
        "building": "7",
        "notify": True,
        "raised_at": format_rfc3339(NOW),
        "last_at": format_rfc3339(NOW - MINUTE_US),
        **given,
    }
    type_ = "new" if kind == "raised" else "update"
    at = NOW + at_s * SECOND_US
    return Logged(number, alert_id, GRID, type_, kind, at, actor, note, told, after)


def good() -> Served:
    """One alert that is told, acknowledged and passed on; another that was answered before."""
    log = [
        event(1, "a", "raised", 0, told=("dr-01",)),
        event(2, "b", "raised", 1, told=("dr-01",), building="8"),
        event(3, "b", "acknowledged", 2, actor="dr-01", note="k-1", response="acknowledged"),
        event(4, "a", "escalated", 9, told=("sup-01",)),
    ]
    got = [Got(e.event_id, e.alert_id, e.type, e.after["version"], e.at) for e in log]
    decided = [
        ("dr-01", (TOLD, "spared: seen to", "spared: told others", "spared: told others")),
        ("sup-01", (*("spared: told others",) * 3, TOLD)),
    ]
    return Served(
        log=log,
        sinks=[
            Sink("stream", (GRID,), list(got), once=True),
            Sink("webhook", (GRID,), [*got, got[3]]),
        ],
        notifications=[
            Notification("dr-01", NOW, ("Urgent 7 temperature",)),
            Notification("sup-01", NOW, (f"Urgent 7 temperature{PASSED_ON}",)),
        ],
        handed=[
            Handed(staff, number, "delivered", status, NOW + 10 * SECOND_US)
            for staff, statuses in decided
            for number, status in enumerate(statuses, 1)
        ],
        intentions=[
            Intention("k-1", "dr-01", "b", "acknowledge", 2, NOW, DONE, {"id": "b"}),
            Intention("k-2", "sup-01", "b", "acknowledge", 1, NOW, REFUSED, {"by": "dr-01"}),
        ],
    )


def found(served: Served) -> set[str]:
    """The checks that find something."""
    return {name for name, check in SINK_CHECKS.items() if list(check(served))}


def test_where_all_is_well_nothing_is_found() -> None:
    assert found(good()) == set()


def loses_an_event(served: Served) -> None:
    del served.sinks[1].got[1]


def tells_of_what_never_was(served: Served) -> None:
    served.sinks[0].got.append(Got(5, "a", "update", 5, NOW))


def tells_it_otherwise(served: Served) -> None:
    served.sinks[1].got[0] = replace(served.sinks[1].got[0], type="end")


def tells_another_grid(served: Served) -> None:
    served.sinks.append(Sink("foreign", ("grid-02",), served.sinks[0].got[:1]))


def forges(served: Served) -> None:
    served.sinks[1].got[0] = replace(served.sinks[1].got[0], signed=False)


def streams_twice(served: Served) -> None:
    served.sinks[0].got.append(served.sinks[0].got[3])


def goes_back(served: Served) -> None:
    served.sinks[1].got.append(served.sinks[1].got[0])


def falls(served: Served) -> None:
    served.log[3] = replace(served.log[3], after={**served.log[3].after, "version": 0})


def keeps_it_to_itself(served: Served) -> None:
    del served.notifications[0]


def counts_none(served: Served) -> None:
    served.notifications[0] = replace(served.notifications[0], lines=(), more=0)


def makes_something_up(served: Served) -> None:
    served.notifications.append(Notification("dr-01", NOW, ("Critical 7 temperature",)))


def tells_the_wrong_one(served: Served) -> None:
    lines = served.notifications[1].lines
    served.notifications.append(Notification("dr-01", NOW, lines))


def spares_who_is_to_be_told(served: Served) -> None:
    served.handed[0] = replace(served.handed[0], status="spared: seen to")


def gives_up(served: Served) -> None:
    served.handed[5] = replace(served.handed[5], state="undeliverable", status="0 of 1 contacts")


def hurries(served: Served) -> None:
    served.notifications += [replace(served.notifications[0], at=NOW + n) for n in range(20)]


def forgets_a_deed(served: Served) -> None:
    served.log[2] = replace(served.log[2], actor=None, note="")


def does_it_twice(served: Served) -> None:
    served.log.append(replace(served.log[2], event_id=5, after=served.log[3].after))
    for sink in served.sinks:
        sink.got.append(Got(5, "b", "update", 4, NOW))


def does_what_it_refused(served: Served) -> None:
    served.intentions[0].status = REFUSED


def does_what_nobody_wanted(served: Served) -> None:
    del served.intentions[0]


def never_answers(served: Served) -> None:
    served.intentions[1].status = 500


def answers_otherwise(served: Served) -> None:
    served.intentions[0].repeated = (REFUSED, {"by": "dr-01"})


Spoils = Callable[[Served], None]
SPOILT: list[tuple[Spoils, str]] = [
    (loses_an_event, "events lost"),
    (tells_of_what_never_was, "events not in the log"),
    (tells_it_otherwise, "events not in the log"),
    (tells_another_grid, "events not in the log"),
    (forges, "badly signed"),
    (streams_twice, "came again"),
    (goes_back, "out of order"),
    (falls, "versions fall"),
    (keeps_it_to_itself, "notifications lost"),
    (counts_none, "notifications lost"),
    (makes_something_up, "notifications unfounded"),
    (tells_the_wrong_one, "notifications unfounded"),
    (spares_who_is_to_be_told, "notifications unsettled"),
    (gives_up, "notifications unsettled"),
    (hurries, "told too often"),
    (forgets_a_deed, "deeds not once"),
    (does_it_twice, "deeds not once"),
    (does_what_it_refused, "deeds not once"),
    (does_what_nobody_wanted, "deeds not once"),
    (never_answers, "deeds not once"),
    (answers_otherwise, "deeds answered otherwise"),
]


@pytest.mark.parametrize(("spoils", "name"), SPOILT, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_wrong_is_found(spoils: Spoils, name: str) -> None:
    served = good()
    spoils(served)
    assert name in found(served)


def test_no_check_is_without_its_spoiler() -> None:
    assert {name for _, name in SPOILT} == set(SINK_CHECKS)


def test_what_a_message_only_counts_is_not_missing() -> None:
    served = good()
    served.notifications[0] = replace(served.notifications[0], lines=(), more=1)
    assert found(served) == set()
