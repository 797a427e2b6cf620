"""The quiet messages of the rounds: looks who is due, says what there is, writes down what came.

Beside the outbox's worker and in the process that delivers. It goes through the same notifier, so
that robots' limits hold for both, and as what is routine it is never in the way of what calls.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from alerts import digest
from alerts.delivery import Failed
from alerts.digest import Material, Round
from alerts.feeds.notify import Notifier, answer_of
from alerts.notification import Language

EVERY_S: Final = 5.0
MEMBERS: Final = 4
"""That are told at a time: what calls has threads of its own, and these are few."""

log = logging.getLogger(__name__)


class Rounds(Protocol):
    """The rows behind it. All of them block, and raise what the service knows as passing."""

    def due(self, now: int) -> list[Round]:
        """What is to be tried at `now` of the real clock."""
        ...

    def material(self, staff: str) -> Material | None:
        """None if they want nothing any more."""
        ...

    def record(self, after: Round, up_to_event: int) -> None:
        """What came of a try. Who dies before it tells the same round again."""
        ...


class Digests:
    """Belongs to one event loop."""

    def __init__(
        self,
        rounds: Rounds,
        notifier: Notifier,
        console: str,
        now: Callable[[], int],
        chance: Callable[[], float],
        passing: tuple[type[Exception], ...],
    ) -> None:
        """`console`: its address, or empty; `now`: the real clock, microseconds."""
        self._rounds = rounds
        self._notifier = notifier
        self._console = console.rstrip("/")
        self._now = now
        self._chance = chance
        self._passing = passing

    async def keep(self, leading: Callable[[], bool]) -> None:
        """Runs until cancelled; does nothing while another process delivers."""
        while True:
            if leading():
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """One round of rounds. What cannot be read or written now is for the next."""
        try:
            due = await asyncio.to_thread(self._rounds.due, self._now())
        except self._passing as error:
            log.warning("cannot look for rounds", extra={"error": str(error)})
            return
        places = asyncio.Semaphore(MEMBERS)
        async with asyncio.TaskGroup() as tasks:
            for each in due:
                tasks.create_task(self._told(each, places))

    async def _told(self, due: Round, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                await self._tell(due)
            except self._passing as error:
                log.warning("cannot tell a round", extra={"error": str(error)})

    async def _tell(self, due: Round) -> None:
        found = await asyncio.to_thread(self._rounds.material, due.staff)
        if found is None:
            return
        language = Language.of(found.languages)
        text = digest.text(found.quiet, found.wish, due.due_at, language, self._console)
        if text is None:
            after = due.nothing()
        else:
            answer = answer_of(await self._notifier.tell(found.contacts, text))
            if isinstance(answer, Failed):
                log.warning("a round was not delivered", extra={"staff": due.staff})
            after = due.after(answer, self._now(), self._chance())
        await asyncio.to_thread(self._rounds.record, after, found.up_to_event)
