"""Notifications: one consumer for each member of staff with contacts, told what is theirs.

A `Sender` that takes all that waits for somebody in one call: what they are to be spared is spared,
the rest becomes one message, the most urgent case first. It goes to each of their contacts, and who
has been reached by one of them has been told. When a robot's rate limit is used up everything waits
for `LOOK_AGAIN_S` at a time and is told together.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from alerts import notification, robots
from alerts.delivery import HELD, Answer, Consumer, Failed, Later, Message, Sent
from alerts.feeds.contact import Threads, scheme, tell
from alerts.notification import Language, Member, Spared, Text, Tried
from domain.instant import SECOND_US
from rules.finding import Severity

KIND: Final = "notify"
CONTACT_S: Final = 15.0
"""The longest that one contact may take; shorter than `alerts.feeds.worker.SEND_S`."""
LOOK_AGAIN_S: Final = 2.0
"""How long something critical may have to wait behind what waits for a rate limit."""

log = logging.getLogger(__name__)


class Directory(Protocol):
    """Who is told, and how cases stand."""

    def member(self, staff: str, alerts: Sequence[str]) -> Member | None:
        """None if there is no such member. Blocks; raises what the notifier is told is passing."""
        ...


class Notifier:
    """Belongs to one event loop."""

    def __init__(
        self,
        directory: Directory,
        console: str,
        now: Callable[[], int],
        passing: tuple[type[Exception], ...],
    ) -> None:
        """`console`: its address, or empty; `now`: the real clock, microseconds."""
        self._directory = directory
        self._console = console.rstrip("/")
        self._now = now
        self._passing = passing
        self._threads = Threads()
        self._sent: dict[str, list[int]] = {}
        """Contact -> when it was written to, within the last minute."""
        self._busy: dict[str, asyncio.Future[bool]] = {}

    @property
    def together(self) -> int:
        """All that may wait for somebody."""
        return HELD

    async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
        """Tells one member of what concerns them."""
        staff = str(consumer.config["staff"])
        alerts = [each.alert_id for each in messages]
        try:
            member = await asyncio.to_thread(self._directory.member, staff, alerts)
        except self._passing:
            return Later(LOOK_AGAIN_S)
        if member is None or not member.contacts:
            return Sent("spared: no contact")
        reasons: list[Spared] = []
        cases = []
        for message in messages:
            standing = member.standings.get(message.alert_id)
            why = notification.spared(message, staff, standing)
            if why is None and standing is not None:
                cases.append(notification.case(message, standing))
            elif why is not None:
                reasons.append(why)
        if not cases:
            return Sent(reasons[0].value)
        text = notification.text(cases, Language.of(member.languages), self._console)
        return _answer(await self.tell(member.contacts, text))

    async def tell(self, contacts: Sequence[str], text: Text) -> list[Tried]:
        """Sends a text to every contact, or to none while one has to be left alone."""
        distinct = list(dict.fromkeys(contacts))
        critical = text.severity is Severity.CRITICAL
        waits = [self._wait_us(each, critical=critical) for each in distinct]
        if any(waits):
            return [
                Tried(scheme(each), taken=False, wait_s=max(wait / SECOND_US, LOOK_AGAIN_S))
                for each, wait in zip(distinct, waits, strict=True)
            ]
        async with asyncio.TaskGroup() as tasks:
            tries = [tasks.create_task(self._try(each, text)) for each in distinct]
        return [each.result() for each in tries]

    async def test(self, staff: str) -> list[Tried] | None:
        """Tries every contact of a member; None if there is no such member."""
        member = await asyncio.to_thread(self._directory.member, staff, ())
        if member is None:
            return None
        return await self.tell(member.contacts, notification.trial(Language.of(member.languages)))

    def _wait_us(self, contact: str, *, critical: bool) -> int:
        now = self._now()
        sent = robots.recent(self._sent.pop(contact, ()), now)
        if sent:
            self._sent[contact] = sent
        return robots.wait_us(sent, now, robots.limit_of(scheme(contact)), critical=critical)

    async def _try(self, contact: str, text: Text) -> Tried:
        """One contact. One whose last message still hangs is not given another thread."""
        kind = scheme(contact)
        if contact in self._busy:
            return Tried(kind, taken=False)
        call = self._threads.start(lambda: tell(contact, text))
        if call is None:
            log.warning("too many contacts hang", extra={"scheme": kind})
            return Tried(kind, taken=False)
        self._sent.setdefault(contact, []).append(self._now())
        self._busy[contact] = call
        call.add_done_callback(lambda _: self._busy.pop(contact, None))
        done, _ = await asyncio.wait([call], timeout=CONTACT_S)
        taken = bool(done) and call.result()
        if not taken:
            log.warning("a contact did not take a notification", extra={"scheme": kind})
        return Tried(kind, taken=taken)


def _answer(tried: Sequence[Tried]) -> Answer:
    if any(each.wait_s for each in tried):
        return Later(LOOK_AGAIN_S)
    taken = sum(each.taken for each in tried)
    status = f"{taken} of {len(tried)} contacts"
    return Sent(status) if taken else Failed(status)
