"""Notifications: one consumer for each member of staff with contacts, told what is theirs.

A `Sender` that takes all that waits for somebody in one call: what they are to be spared is spared,
the rest becomes one message, the most urgent case first. It goes to each of their contacts, and who
has been reached by one of them has been told. When a robot's rate limit is used up everything waits
for `LOOK_AGAIN_S` at a time and is told together. How a contact has been used is with `Uses`, which
outlives the process and is shared with others. Nothing routine is in the way of what is not: it has
threads and a place at each contact of its own.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from alerts import notification
from alerts.delivery import HELD, Answer, Consumer, Failed, Later, Message, Sent
from alerts.feeds import contact
from alerts.feeds.contact import Threads, scheme
from alerts.notification import Language, Member, Spared, Text, Tried
from alerts.robots import Admission, Answered
from domain.instant import SECOND_US
from rules.finding import Severity

KIND: Final = "notify"
CONTACT_S: Final = 15.0
"""The longest that one contact may take; shorter than `alerts.feeds.worker.SEND_S`."""
LOOK_AGAIN_S: Final = 2.0
"""How long something critical may have to wait behind what waits for a rate limit."""

QUIET_THREADS: Final = 16
"""Calls about what is routine that may hang at a time, apart from the others."""

Tell = Callable[[str, Text, int], Answered]
"""`alerts.feeds.contact.tell`."""

log = logging.getLogger(__name__)


class Uses(Protocol):
    """How contacts have been used. Both block, and raise what the notifier is told is passing."""

    def admit(self, robots: Mapping[str, str], severity: Severity, now: int) -> Admission:
        """Whether a message may go to these: their schemes, by names that are secret.

        If so, it is on record by then that it goes to all that do not rest.
        """
        ...

    def rest(self, robot: str, until: int) -> None:
        """It wants nothing before."""
        ...


class Directory(Protocol):
    """Who is told, and how cases stand."""

    def member(self, staff: str, events: Sequence[int]) -> Member | None:
        """None if there is no such member. Blocks; raises what the notifier is told is passing."""
        ...


class Notifier:
    """Belongs to one event loop."""

    def __init__(
        self,
        directory: Directory,
        uses: Uses,
        console: str,
        now: Callable[[], int],
        passing: tuple[type[Exception], ...],
        tell: Tell = contact.tell,
    ) -> None:
        """`console`: its address, or empty; `now`: the real clock, microseconds."""
        self._directory = directory
        self._uses = uses
        self._console = console.rstrip("/")
        self._now = now
        self._passing = passing
        self._tell = tell
        self._threads = {False: Threads(), True: Threads(QUIET_THREADS)}
        """By whether it is routine."""
        self._busy: dict[tuple[str, bool], asyncio.Future[Answered]] = {}

    @property
    def together(self) -> int:
        """All that may wait for somebody."""
        return HELD

    async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
        """Tells one member of what concerns them."""
        staff = str(consumer.config["staff"])
        events = [each.event_id for each in messages]
        try:
            member = await asyncio.to_thread(self._directory.member, staff, events)
        except self._passing:
            return Later(LOOK_AGAIN_S)
        if member is None or not member.contacts:
            return Sent("spared: no contact")
        reasons: list[Spared] = []
        cases = []
        for message in messages:
            standing = member.standings.get(message.event_id)
            why = notification.spared(message, staff, standing)
            if why is None and standing is not None:
                cases.append(notification.case(message, standing))
            elif why is not None:
                reasons.append(why)
        if not cases:
            return Sent(reasons[0].value)
        text = notification.text(cases, Language.of(member.languages), self._console)
        try:
            return answer_of(await self.tell(member.contacts, text))
        except self._passing:
            return Later(LOOK_AGAIN_S)

    async def tell(self, contacts: Sequence[str], text: Text) -> list[Tried]:
        """Sends a text to every contact, or to none while one has to be left alone.

        Raises what is passing.
        """
        addresses, admission = await asyncio.to_thread(self._admitted, contacts, text.severity)
        if not admission.granted:
            longest_s = max(admission.waits.values()) / SECOND_US
            return [
                Tried(scheme(each), taken=False, wait_s=max(longest_s, LOOK_AGAIN_S))
                for each in addresses.values()
            ]
        async with asyncio.TaskGroup() as tasks:
            tries = [
                tasks.create_task(self._try(robot, address, text, admission.resting.get(robot, 0)))
                for robot, address in addresses.items()
            ]
        return [each.result() for each in tries]

    async def alarm(self, address: str, text: Text) -> Tried:
        """Writes to one contact and asks the database nothing, not even for the robot's limit.

        For technical alarms: they are few, and the database may be what is out of order.
        """
        kind, answer = scheme(address), await self._call(contact.robot(address), address, text)
        return Tried(kind, taken=answer.taken, rest_s=answer.rest_us / SECOND_US)

    async def test(self, staff: str) -> list[Tried] | None:
        """Tries every contact of a member; None if there is no such member.

        A second one within a second waits for its turn.
        """
        member = await asyncio.to_thread(self._directory.member, staff, ())
        if member is None:
            return None
        text = notification.trial(Language.of(member.languages))
        tried = await self.tell(member.contacts, text)
        wait_s = max((each.wait_s for each in tried), default=0.0)
        if not 0 < wait_s <= LOOK_AGAIN_S:
            return tried
        await asyncio.sleep(wait_s)
        return await self.tell(member.contacts, text)

    def _admitted(
        self, contacts: Sequence[str], severity: Severity
    ) -> tuple[dict[str, str], Admission]:
        """Addresses by their robots, each once, and whether they may be written to. Blocks."""
        addresses: dict[str, str] = {}
        for each in contacts:
            addresses.setdefault(contact.robot(each), each)
        schemes = {robot: scheme(address) for robot, address in addresses.items()}
        return addresses, self._uses.admit(schemes, severity, self._now())

    async def _try(self, robot: str, address: str, text: Text, rest_us: int) -> Tried:
        """One contact, unless it rests."""
        kind = scheme(address)
        if rest_us:
            return Tried(kind, taken=False, rest_s=rest_us / SECOND_US)
        answer = await self._call(robot, address, text)
        if answer.rest_us:
            await self._rest(robot, self._now() + answer.rest_us)
        return Tried(kind, taken=answer.taken, rest_s=answer.rest_us / SECOND_US)

    async def _call(self, robot: str, address: str, text: Text) -> Answered:
        """One call. A contact whose last message still hangs is not given another thread."""
        kind, quiet = scheme(address), text.severity is Severity.ROUTINE
        if (robot, quiet) in self._busy:
            return Answered(taken=False)
        call = self._threads[quiet].start(lambda: self._tell(address, text, self._now()))
        if call is None:
            log.warning("too many contacts hang", extra={"scheme": kind})
            return Answered(taken=False)
        self._busy[robot, quiet] = call
        call.add_done_callback(lambda _: self._busy.pop((robot, quiet), None))
        done, _ = await asyncio.wait([call], timeout=CONTACT_S)
        answer = call.result() if done else Answered(taken=False)
        if not answer.taken:
            extra = {"scheme": kind, "too_often": answer.rest_us > 0}
            log.warning("a contact did not take a notification", extra=extra)
        return answer

    async def _rest(self, robot: str, until: int) -> None:
        """Writes it down; if that fails the robot is asked once too often."""
        try:
            await asyncio.to_thread(self._uses.rest, robot, until)
        except self._passing as error:
            log.warning("cannot write that a contact rests", extra={"error": str(error)})


def answer_of(tried: Sequence[Tried]) -> Answer:
    """What became of a message, from what came of each contact."""
    if any(each.wait_s for each in tried):
        return Later(LOOK_AGAIN_S)
    taken = sum(each.taken for each in tried)
    status = f"{taken} of {len(tried)} contacts"
    if taken:
        return Sent(status)
    rest_s = min(each.rest_s for each in tried)
    return Failed(f"{status}: too often" if rest_s else status, rest_s or None)
