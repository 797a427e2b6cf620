"""What a run of kills comes to, in a table: what was due at each sink, and what came of it."""

from itertools import pairwise

from domain.instant import SECOND_US
from tests.crash.runner import Tell
from tests.crash.sink_checks import DONE, REFUSED, duplicates, owed
from tests.crash.sinks import Logged, Served
from tests.crash.traffic import STAFF


def table(served: Served, tell: Tell) -> None:
    """What was due and what came, sink by sink."""
    at = {event.event_id: event.at for event in served.log}
    tell(f"  {'sink':<20}{'due':>8}{'came':>8}{'again':>8}{'silent':>10}{'latest':>10}")
    for sink in served.sinks:
        due = sum(each.grid in sink.grids for each in served.log)
        late = max((each.at - at.get(each.event_id, each.at) for each in sink.got), default=0)
        tell(
            f"  {sink.name:<20}{due:>8}{len(sink.got):>8}{duplicates(sink):>8}"
            f"{_silent_s([each.at for each in sink.got]):>8.1f} s{late / SECOND_US:>8.1f} s"
        )
    for staff in STAFF:
        told_ = [each for each in served.notifications if each.staff == staff]
        lines = sum(len(each.lines) + each.more for each in told_)
        tell(
            f"  {'contact ' + staff:<20}{len(owed(served, staff)):>8}{lines:>8}{'':>8}"
            f"{_silent_s([each.at for each in told_]):>8.1f} s{'':>10}"
            f"  in {len(told_)} messages"
        )
    tell(f"  {_deeds(served)}; {_kinds(served.log)}")


def _silent_s(moments: list[int]) -> float:
    """The longest time between two messages."""
    return max((after - before for before, after in pairwise(moments)), default=0) / SECOND_US


def _deeds(served: Served) -> str:
    deeds = served.intentions
    written = {event.note: event.at for event in served.log if event.note}
    again = [each for each in deeds if each.tries > 1]
    unheard = sum(written.get(each.key, each.last_tried_at) < each.last_tried_at for each in again)
    return (
        f"{len(deeds)} deeds, {sum(each.status == DONE for each in deeds)} done,"
        f" {sum(each.status == REFUSED for each in deeds)} refused, {len(again)} sent again after a"
        f" kill, {unheard} of them done the first time"
    )


def _kinds(log: list[Logged]) -> str:
    kinds = sorted({event.kind for event in log})
    return ", ".join(f"{sum(event.kind == kind for event in log)} {kind}" for kind in kinds)
