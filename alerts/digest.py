"""What members of staff who wish it are told at their rounds of all that calls nobody.

Pure. A round is one quiet message at a time of day of the member's choosing (roster, `digest`), by
the clocks of their community: what is routine or rests on old readings in their grids and is not
closed, in numbers by grid and building with initials. Nothing is sent when none of it is new since
the last one they were told. How it stands is read when the message is about to go.

Who is off duty at the time is told when they are on duty again. A time that passed while nobody ran
is caught up on once, however many passed; a message that does not arrive is tried until the next
round, which says all that it would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from alerts.delivery import Answer, Failed, Gone, Later, Sent, pause_us
from alerts.duty import Shift, on_duty
from alerts.notification import Language, Text, clipped
from domain.instant import SECOND_US, from_datetime, to_datetime
from rules.finding import Severity

MOST_LINES: Final = 8
"""Buildings that are listed one by one; the others are counted."""
MOST_INITIALS: Final = 5
"""People that are named in a line."""


@dataclass(frozen=True, slots=True)
class Wish:
    """When somebody wants to be told."""

    minutes: tuple[int, ...]
    """Of the local day."""
    zone: str
    shifts: tuple[Shift, ...] = ()


class State(StrEnum):
    """Of one round of one member."""

    WAITING = "waiting"
    TOLD = "told"
    NOTHING = "nothing"
    """There was nothing new."""
    MISSED = "missed"
    """The next round came first, or it is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Round:
    """One message to one member; those two say which it is, however often it is sent."""

    staff: str
    due_at: int
    """When it was to be, on the service's clock."""
    next_try_at: int
    """From here on the real clock."""
    state: State = State.WAITING
    attempts: int = 0
    first_tried_at: int | None = None
    status: str = ""

    def nothing(self) -> "Round":
        """There is nothing new to tell."""
        return replace(self, state=State.NOTHING)

    def after(self, answer: Answer, now: int, chance: float) -> "Round":
        """What an answer makes of it; `chance` in 0..1 spreads the tries of many."""
        if isinstance(answer, Later):
            return replace(self, next_try_at=now + int(answer.after_s * SECOND_US))
        tried = replace(
            self,
            attempts=self.attempts + 1,
            first_tried_at=now if self.first_tried_at is None else self.first_tried_at,
            status=answer.status,
        )
        match answer:
            case Sent():
                return replace(tried, state=State.TOLD)
            case Failed(_, retry_after_s):
                pause = max(pause_us(tried.attempts, chance), int((retry_after_s or 0) * SECOND_US))
                return replace(tried, next_try_at=now + pause)
            case Gone():
                return replace(tried, state=State.MISSED)


@dataclass(frozen=True, slots=True)
class Quiet:
    """An alert that calls nobody and is not closed."""

    person: str
    initials: str
    grid: str
    building: str
    severity: Severity
    """Of what is worse than routine: it rests on old readings."""
    new: bool
    """The member has not been told of it."""


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to tell one member now."""

    contacts: tuple[str, ...]
    """Addresses as apprise has them; they hold secrets."""
    languages: tuple[str, ...]
    wish: Wish
    quiet: tuple[Quiet, ...]
    up_to_event: int
    """All of what was raised up to this event is among it."""


def due(wish: Wish, last_at: int, now: int) -> int | None:
    """The round that is to be told now; None if there is none since `last_at`, the last one's."""
    at = _last_time(wish, now)
    if at is None or at <= last_at or not on_duty(wish.shifts, now, ZoneInfo(wish.zone)):
        return None
    return at


def _last_time(wish: Wish, now: int) -> int | None:
    """When one of the times was last."""
    local = to_datetime(now).astimezone(ZoneInfo(wish.zone))
    times = (
        from_datetime(
            local.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0, fold=0)
            - timedelta(days=days)
        )
        for minute in wish.minutes
        # A clock that is set forward may pass one over, so that today's is yet to come.
        for days in range(3)
    )
    return max((at for at in times if at <= now), default=None)


def text(
    found: Sequence[Quiet], wish: Wish, due_at: int, language: Language, console: str
) -> Text | None:
    """The message; None if nothing is new. `console` is its address or empty."""
    new = sum(each.new for each in found)
    if not new:
        return None
    words = _WORDS[language]
    at = to_datetime(due_at).astimezone(ZoneInfo(wish.zone))
    buildings: dict[tuple[str, str], list[Quiet]] = {}
    for each in found:
        buildings.setdefault((each.grid, each.building), []).append(each)
    groups = sorted(buildings.items(), key=lambda item: (-sum(q.new for q in item[1]), item[0]))
    lines = [words.line(*place, _Group.of(group)) for place, group in groups[:MOST_LINES]]
    if rest := groups[MOST_LINES:]:
        lines.append(words.more(sum(len(group) for _, group in rest), len(rest)))
    title = words.title(f"{at:%m-%d %H:%M}", len(found), new)
    return Text(title, "\n".join([*lines, console] if console else lines), Severity.ROUTINE)


@dataclass(frozen=True, slots=True)
class _Group:
    """What there is in one building."""

    number: int
    initials: tuple[str, ...]
    more: bool
    worse: int
    """How many are worse than routine."""

    @classmethod
    def of(cls, found: Sequence[Quiet]) -> "_Group":
        people = list({each.person: each.initials for each in found}.values())
        return cls(
            number=len(found),
            initials=tuple(people[:MOST_INITIALS]),
            more=len(people) > MOST_INITIALS,
            worse=sum(each.severity is not Severity.ROUTINE for each in found),
        )


class _English:
    def title(self, at: str, number: int, new: int) -> str:
        alerts = "alert" if number == 1 else "alerts"
        return f"Doorstep: round of {at}, {number} quiet {alerts}, {new} new"

    def line(self, grid: str, building: str, group: _Group) -> str:
        where = f", building {clipped(building)}" if building else ""
        who = ", ".join([*group.initials, *(["..."] if group.more else [])])
        worse = f", {group.worse} urgent by old readings" if group.worse else ""
        return f"{clipped(grid)}{where}: {group.number} ({who}){worse}"

    def more(self, number: int, buildings: int) -> str:
        return f"and {number} more in {buildings} other buildings"


class _Chinese:
    def title(self, at: str, number: int, new: int) -> str:
        return f"Doorstep：{at} 巡查，{number}条一般告警，{new}条新增"

    def line(self, grid: str, building: str, group: _Group) -> str:
        where = f"，{clipped(building)}号楼" if building else ""
        who = "、".join(group.initials) + ("等" if group.more else "")
        worse = f"，其中{group.worse}条按较早读数为紧急" if group.worse else ""
        return f"{clipped(grid)}{where}：{group.number}条（{who}）{worse}"

    def more(self, number: int, buildings: int) -> str:
        return f"另有{buildings}栋楼{number}条"


_WORDS: Final[Mapping[Language, _English | _Chinese]] = {
    Language.EN: _English(),
    Language.ZH: _Chinese(),
}
