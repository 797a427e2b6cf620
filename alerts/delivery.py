"""How alert events reach consumers outside: what is sent next, what follows, when we give up.

Pure. Events are handed to a consumer in the order of their ids, at most `HELD` at a time: each is
then `waiting` until it is delivered or given up, on a schedule of its own. The events of one alert
keep their order: none is sent before the one before it is done with. A consumer that fails twice in
a row rests, and then has one message to prove itself with; a success ends that, and everything that
waits for it is due at once. So one event that a consumer cannot take holds up the events of its own
alert and no others, and a consumer that is dead costs one attempt in five minutes.

Delivery is at least once: who sends and dies before it is written down sends again, with the same
id. What can be lost is nothing; what can be given up is an event that was tried for `GIVEN_UP_US`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from domain.instant import DAY_US, MINUTE_US, SECOND_US

HELD: Final = 100
"""Events of one consumer that may wait at a time; the others stay in the log meanwhile."""
WIDTH: Final = 2
"""Messages that may be under way to one consumer at a time."""
PAUSES_S: Final = (5, 30, 120, 300, 900, 1_800, 3_600)
"""After the first failure of an event, the second, ...; the last one goes on.

Standard Webhooks, "Deliverability and reliability", asks for a back-off over days that begins with
seconds. Ours ends at an hour: what waits may be about somebody's fever.
"""
GIVEN_UP_US: Final = 3 * DAY_US
"""How long after its first attempt an event is tried."""
LONGEST_REST_US: Final = 5 * MINUTE_US
"""How soon a dead consumer that comes back is noticed, if there is anything for it."""
LONGEST_WISH_US: Final = DAY_US
"""The longest `Retry-After` that is honoured."""
OVERDUE_US: Final = 5 * MINUTE_US
"""How long after its first attempt an event may wait before a signal says so."""
KEPT_US: Final = 14 * DAY_US
"""How long the log keeps what was delivered."""
FAILURES_KEPT_US: Final = 60 * DAY_US
"""How long it keeps what was given up, and with it the signal, if nobody has it sent again."""


class State(StrEnum):
    """Of one event at one consumer."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Message:
    """One alert event, as a sender gets it. Holds no name, address or position."""

    event_id: int
    alert_id: str
    grid: str
    type: str
    """`new`, `update` or `end` (contract section 3)."""
    kind: str
    """What happened: a word of `alerts.lifecycle.Kind`."""
    at: int
    """When, on the service's clock."""
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    """The alert as outsiders see it (contract section 6)."""
    told: tuple[str, ...] = ()
    """Who is asked to see to it by this event: staff ids."""
    why: str = ""
    """Why it was passed on: a word of `alerts.lifecycle.Why`."""

    @property
    def id(self) -> str:
        """The same however often it is sent."""
        return f"evt_{self.event_id}"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A subscriber, as a sender gets it."""

    no: int
    id: str
    kind: str
    grids: tuple[str, ...] | None
    """Ids; None for every grid."""
    config: Mapping[str, Any]
    """Of its kind; nothing secret."""
    secrets: tuple[str, ...]
    """Those that are valid now, the newest first."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The consumer has it, or it has been decided that the consumer is to be spared it."""

    status: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It has not, or did not say so."""

    status: str
    """In a word or a few, for the delivery log: never an address, never what was answered."""
    retry_after_s: float | None = None
    """What the consumer asked for."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now, by our own decision (a rate limit, say): neither an attempt nor a failure."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Gone:
    """The consumer wants nothing any more: it is stopped until a person starts it again."""

    status: str


Answer = Sent | Failed | Later | Gone


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event at one consumer."""

    event_id: int
    alert_id: str
    due_at: int
    state: State = State.WAITING
    attempts: int = 0
    first_tried_at: int | None = None
    status: str = ""

    def after(self, answer: Answer, now: int, chance: float) -> "Delivery":
        """What an answer makes of it; `chance` in 0..1 spreads retries of many."""
        match answer:
            case Later(after_s):
                return replace(self, due_at=now + _bounded(after_s))
            case Gone(status):
                # It is not the event's fault: it waits for the consumer to be started again.
                return replace(self._tried(now, status), due_at=now)
            case Sent(status):
                return replace(self._tried(now, status), state=State.DELIVERED)
            case Failed(status, retry_after_s):
                tried = self._tried(now, status)
                due_at = now + max(
                    pause_us(tried.attempts, chance),
                    0 if retry_after_s is None else _bounded(retry_after_s),
                )
                over = tried.first_tried_at is not None and (
                    due_at - tried.first_tried_at > GIVEN_UP_US
                )
                state = State.UNDELIVERABLE if over else State.WAITING
                return replace(tried, due_at=due_at, state=state)

    def _tried(self, now: int, status: str) -> "Delivery":
        first = now if self.first_tried_at is None else self.first_tried_at
        return replace(self, attempts=self.attempts + 1, first_tried_at=first, status=status)


@dataclass(frozen=True, slots=True)
class Health:
    """How a consumer has been answering."""

    failures: int = 0
    """Since the last success, of whatever event."""
    rest_until: int | None = None
    """Nothing is sent before."""
    gone: bool = False

    @property
    def width(self) -> int:
        """How many messages may be under way to it."""
        return 1 if self.failures else WIDTH

    def after(self, answer: Answer, now: int, chance: float) -> "Health":
        """What an answer says about it."""
        match answer:
            case Sent():
                return Health()
            case Later(after_s):
                return replace(self, rest_until=now + _bounded(after_s))
            case Gone():
                return replace(self, failures=self.failures + 1, gone=True)
            case Failed(_, retry_after_s):
                failures = self.failures + 1
                rest = 0 if failures == 1 else pause_us(failures - 1, chance)
                rest = min(rest, LONGEST_REST_US)
                if retry_after_s is not None:
                    rest = max(rest, _bounded(retry_after_s))
                return replace(self, failures=failures, rest_until=now + rest if rest else None)

    def recovers(self, answer: Answer) -> bool:
        """Whether it was thought dead and is not: what waits for it is due now."""
        return isinstance(answer, Sent) and self.failures > 1


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one consumer, and how it has been answering."""

    no: int
    kind: str
    health: Health
    waiting: tuple[Delivery, ...]
    """In the order of events."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one call."""

    no: int
    """The consumer's number."""
    deliveries: tuple[Delivery, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Load:
    """What one call carries."""

    consumer: Consumer
    messages: tuple[Message, ...]


def chosen(
    waiting: Iterable[Delivery], flying: Collection[int], width: int, now: int
) -> list[Delivery]:
    """What to send to one consumer now, in the order of events.

    `waiting` is all that waits for it, in the order of events; `flying` are the events that are
    under way, so many that `width` more may be sent. Of each alert only the first may go.
    """
    found: list[Delivery] = []
    alerts: dict[str, None] = {}
    for each in waiting:
        if len(found) == width:
            break
        first = each.alert_id not in alerts
        alerts[each.alert_id] = None
        if first and each.event_id not in flying and each.due_at <= now:
            found.append(each)
    return found


def room(waiting: int) -> int:
    """How many more events may be handed to a consumer for which so many wait."""
    return max(0, HELD - waiting)


def pause_us(failures: int, chance: float) -> int:
    """The pause after so many failures, a fifth more or less."""
    pause_s = PAUSES_S[min(failures, len(PAUSES_S)) - 1]
    return int(pause_s * (0.8 + 0.4 * chance) * SECOND_US)


def _bounded(seconds: float) -> int:
    """A wish in microseconds, within reason."""
    return int(min(max(seconds, 0.0), LONGEST_WISH_US / SECOND_US) * SECOND_US)
