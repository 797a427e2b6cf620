from collections import defaultdict
from collections.abc import Coroutine
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from alerts.delivery import (
    GIVEN_UP_US,
    HELD,
    LONGEST_REST_US,
    LONGEST_WISH_US,
    PAUSES_S,
    WIDTH,
    Answer,
    Consumer,
    Delivery,
    Failed,
    Gone,
    Health,
    Later,
    Result,
    Sent,
    State,
    chosen,
    room,
)
from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from tests.unit.alerts.outboxes import MemoryOutbox, message

T = TypeVar("T")
NEW = Delivery(1, "a", due_at=0)
FAILED = Failed("500")


def tried(times: int, chance: float = 0.5) -> list[Delivery]:
    """A delivery that fails whenever it is due, as it is after each attempt."""
    found, each, now = [], NEW, 0
    for _ in range(times):
        each = each.after(FAILED, now, chance)
        now = each.due_at
        found.append(each)
    return found


class TestADelivery:
    def test_a_success_ends_it(self) -> None:
        after = NEW.after(Sent("204"), 7, 0.5)
        assert (after.state, after.attempts, after.status) == (State.DELIVERED, 1, "204")
        assert after.first_tried_at == 7

    def test_pauses_grow_from_seconds_to_an_hour(self) -> None:
        dues = [0] + [each.due_at for each in tried(10)]
        pauses = [(b - a) // SECOND_US for a, b in pairwise(dues)]
        assert pauses == [*PAUSES_S, 3_600, 3_600, 3_600]

    @pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 4), (1.0, 6)])
    def test_pauses_are_spread_by_chance(self, chance: float, pause_s: int) -> None:
        assert NEW.after(FAILED, 0, chance).due_at == pause_s * SECOND_US

    def test_it_is_given_up_after_three_days_of_trying(self) -> None:
        history = tried(200)
        ended = next(each for each in history if each.state is State.UNDELIVERABLE)
        before = history[history.index(ended) - 1]
        assert before.state is State.WAITING
        assert GIVEN_UP_US - HOUR_US <= before.due_at <= GIVEN_UP_US
        assert ended.attempts > 3 * 24

    def test_the_last_attempt_is_three_days_after_the_first_and_no_later(self) -> None:
        late = Delivery(1, "a", due_at=0, attempts=99, first_tried_at=0)
        last = GIVEN_UP_US - PAUSES_S[-1] * SECOND_US
        assert late.after(FAILED, last, 0.5).state is State.WAITING
        assert late.after(FAILED, last + 1, 0.5).state is State.UNDELIVERABLE

    def test_that_a_consumer_is_gone_is_not_the_events_fault(self) -> None:
        late = tried(5)[-1]
        after = late.after(Gone("410"), 10 * DAY_US, 0.5)
        assert (after.state, after.status, after.due_at) == (State.WAITING, "410", 10 * DAY_US)

    def test_later_is_no_attempt(self) -> None:
        after = NEW.after(Later(3), SECOND_US, 0.5)
        assert (after.attempts, after.first_tried_at, after.due_at) == (0, None, 4 * SECOND_US)

    def test_what_the_consumer_asks_for_is_honoured(self) -> None:
        assert NEW.after(Failed("429", 90), 0, 0.5).due_at == 90 * SECOND_US
        assert NEW.after(Failed("429", 1), 0, 0.5).due_at == PAUSES_S[0] * SECOND_US

    @pytest.mark.parametrize("wish", [1e12, float("inf")])
    def test_within_reason(self, wish: float) -> None:
        assert NEW.after(Failed("429", wish), 0, 0.5).due_at == LONGEST_WISH_US
        assert NEW.after(Failed("429", -wish), 0, 0.5).due_at == PAUSES_S[0] * SECOND_US


class TestHealth:
    def test_one_failure_is_no_reason_to_rest(self) -> None:
        assert Health().after(FAILED, 0, 0.5) == Health(1, None)

    def test_a_second_one_is(self) -> None:
        assert Health(1).after(FAILED, 0, 0.5) == Health(2, 5 * SECOND_US)

    def test_the_dead_are_asked_every_five_minutes(self) -> None:
        health = Health(1_000).after(FAILED, 0, 0.5)
        assert health.rest_until == LONGEST_REST_US
        assert health.width == 1
        assert Health().width == WIDTH

    def test_what_the_consumer_asks_for_holds_for_everything(self) -> None:
        assert Health().after(Failed("503", 600), 0, 0.5) == Health(1, 600 * SECOND_US)

    def test_our_own_wish_is_no_failure(self) -> None:
        assert Health().after(Later(2), 0, 0.5) == Health(0, 2 * SECOND_US)

    def test_a_success_ends_it(self) -> None:
        assert Health(9, 5).after(Sent(""), 0, 0.5) == Health()

    def test_gone_is_gone(self) -> None:
        assert Health(1).after(Gone("410"), 0, 0.5) == Health(2, gone=True)

    @pytest.mark.parametrize(
        ("failures", "answer", "so"),
        [(2, Sent(""), True), (1, Sent(""), False), (5, FAILED, False), (5, Gone(""), False)],
    )
    def test_recovery_is_a_success_of_one_thought_dead(
        self, failures: int, answer: Answer, so: bool
    ) -> None:
        assert Health(failures).recovers(answer) is so


def test_a_message_has_one_id_however_often_it_is_sent() -> None:
    assert message(17, "a").id == "evt_17"


class TestChoice:
    QUEUE = (
        Delivery(1, "a", due_at=0),
        Delivery(2, "a", due_at=0),
        Delivery(3, "b", due_at=9),
        Delivery(4, "b", due_at=0),
        Delivery(5, "c", due_at=0),
        Delivery(6, "d", due_at=0),
    )

    def ids(self, flying: set[int], width: int, now: int = 5) -> list[int]:
        return [each.event_id for each in chosen(self.QUEUE, flying, width, now)]

    def test_of_each_alert_the_first_that_waits(self) -> None:
        assert self.ids(set(), 9) == [1, 5, 6]

    def test_nothing_of_an_alert_that_is_under_way(self) -> None:
        assert self.ids({1}, 9) == [5, 6]

    def test_no_more_than_there_is_room_for(self) -> None:
        assert self.ids(set(), 2) == [1, 5]
        assert self.ids(set(), 0) == []

    def test_what_is_due_by_then(self) -> None:
        assert self.ids(set(), 9, now=9) == [1, 3, 5, 6]


def test_room_is_what_is_left_of_the_bound() -> None:
    assert (room(0), room(HELD - 1), room(HELD), room(HELD + 5)) == (HELD, 1, 0, 0)


ANSWERS = st.sampled_from(
    [Sent("200"), Sent("200"), Failed("500"), Failed("429", 30), Later(1), Gone("410")]
)


class OneConsumer(RuleBasedStateMachine):
    """A log, a consumer that answers anything, and a service that may die at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = MemoryOutbox(Consumer(1, "s", "webhook", None, {}, ()))
        self.row = self.outbox.rows[1]
        self.now = 0
        self.flying: dict[int, Delivery] = {}
        self.taken: list[int] = []
        """Events that the consumer has had, in order, repetitions and all."""

    @rule(alerts=st.sampled_from(["a", "ab", "aabc"]), number=st.sampled_from([1, 4, 150]))
    def events_come(self, alerts: str, number: int) -> None:
        self.outbox.log(*(alerts * number)[:number])

    @rule(length=st.sampled_from([SECOND_US, MINUTE_US, HOUR_US, DAY_US]))
    def time_passes(self, length: int) -> None:
        self.now += length

    @rule()
    def what_is_due_is_sent(self) -> None:
        self.step()

    def step(self) -> None:
        drive(self.outbox.hand_over(["webhook"], self.now))
        for queue in drive(self.outbox.queues(["webhook"], self.now)):
            free = queue.health.width - len(self.flying)
            for each in chosen(queue.waiting, self.flying, free, self.now):
                assert each.event_id not in self.flying
                self.flying[each.event_id] = each

    @rule(answer=ANSWERS, chance=st.floats(0, 1), which=st.integers(0, WIDTH))
    def it_is_answered(self, answer: Answer, chance: float, which: int) -> None:
        if self.flying:
            event_id = sorted(self.flying)[which % len(self.flying)]
            self.answered(event_id, answer, chance)

    def answered(self, event_id: int, answer: Answer, chance: float = 0.5) -> None:
        if isinstance(answer, Sent):
            self.taken.append(event_id)
        result = Result(1, (self.flying.pop(event_id),), answer)
        self.outbox.settle(result, self.now, chance)

    @rule(heard=st.booleans())
    def the_service_is_killed(self, heard: bool) -> None:
        """Before what is under way is written down; the consumer may have it."""
        if heard:
            self.taken += self.flying
        self.flying = {}

    @rule()
    def a_person_starts_it_again(self) -> None:
        self.row.health = Health()

    @invariant()
    def little_waits_and_little_is_under_way(self) -> None:
        assert len(self.row.waiting()) <= HELD
        assert len(self.flying) <= WIDTH

    @invariant()
    def of_one_alert_the_order_is_kept(self) -> None:
        """By when the consumer has each for the first time."""
        firsts = defaultdict(list)
        for event_id in dict.fromkeys(self.taken):
            firsts[self.outbox.events[event_id - 1]].append(event_id)
        assert all(ids == sorted(ids) for ids in firsts.values()), firsts

    @override
    def teardown(self) -> None:
        """A consumer that takes everything from now on has everything that was not given up."""
        self.row.health = Health()
        while True:
            self.now += 2 * DAY_US
            self.step()
            if not self.flying:
                break
            # The one that was sent last answers first.
            for event_id in sorted(self.flying, reverse=True):
                self.answered(event_id, Sent("200"))
        self.of_one_alert_the_order_is_kept()
        assert self.row.cursor == len(self.outbox.events)
        given_up = {
            each.event_id
            for each in self.row.deliveries.values()
            if each.state is State.UNDELIVERABLE
        }
        assert not self.row.waiting()
        assert {*range(1, len(self.outbox.events) + 1)} == {*self.taken} | given_up


def drive(coroutine: Coroutine[None, None, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waits")


TestOneConsumer = OneConsumer.TestCase
