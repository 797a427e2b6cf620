"""Tells supervisors and admins that the way of alerts is cut, and that it is open again.

By their contacts, without the database: who they are is known beforehand, and what a robot has had
is not asked, since an alarm is one message to an address, however many share it. Who was reached by
one of their contacts has been told; whoever was not is tried again, less and less often.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from alerts import technical
from alerts.canary_watch import Cut, Hop
from alerts.notification import Language, Text, Tried
from domain.instant import SECOND_US

AGAIN_US: Final = 5 * SECOND_US
"""How soon a contact that took nothing is tried again, the first time; then twice as long."""
LONGEST_REST_US: Final = 120 * SECOND_US
_LATE: Final = 1_000
"""How many may be waiting to be told that it is over; they are told once, taken or not."""


class Teller(Protocol):
    """What writes to contacts."""

    async def alarm(self, address: str, text: Text) -> Tried:
        """Sends a text to one contact, whatever else is out of order."""
        ...


@dataclass(frozen=True, slots=True)
class _Rest:
    """Of a contact that took nothing."""

    until: int
    length_us: int


class Alarms:
    """Belongs to one event loop. `keepers` is set by whoever knows them."""

    def __init__(
        self, teller: Teller, console: str, steady: Callable[[], int], pause_s: float
    ) -> None:
        self._teller = teller
        self._console = console
        self._steady = steady
        self._pause_s = pause_s
        self.keepers: Sequence[technical.Keeper] = ()
        self._cuts: dict[Hop, Cut] = {}
        self._told: dict[Hop, dict[str, Language]] = {}
        """Addresses that took the alarm, and in which language."""
        self._over: list[tuple[str, Language, Cut]] = []
        self._rests: dict[str, _Rest] = {}
        """By address; bounded by the addresses there are."""

    def are(self, cuts: Sequence[Cut]) -> None:
        """These stand now; those that stood and are not among them are over."""
        now_standing = {cut.hop: cut for cut in cuts}
        for hop, cut in self._cuts.items():
            if hop not in now_standing:
                told = self._told.pop(hop, {})
                self._over += [(address, language, cut) for address, language in told.items()]
        del self._over[:-_LATE]
        self._cuts = now_standing

    def forget(self) -> None:
        """It is for another process to say."""
        self._cuts, self._told, self._over = {}, {}, []

    async def run(self) -> None:
        """Tells until cancelled."""
        while True:
            over, self._over = self._over, []
            async with asyncio.TaskGroup() as tasks:
                for cut in self._cuts.values():
                    for address, language in self._wanted(cut).items():
                        tasks.create_task(self._say(address, language, cut))
                for address, language, cut in over:
                    tasks.create_task(self._teller.alarm(address, technical.mended(cut, language)))
            await asyncio.sleep(self._pause_s)

    def _wanted(self, cut: Cut) -> dict[str, Language]:
        """The addresses of those who have not been told, but for what rests."""
        told, now = self._told.get(cut.hop, {}), self._steady()
        wanted: dict[str, Language] = {}
        for keeper in self.keepers:
            if keeper.concerned(cut) and told.keys().isdisjoint(keeper.contacts):
                for address in keeper.contacts:
                    rest = self._rests.get(address)
                    if rest is None or rest.until <= now:
                        wanted.setdefault(address, Language.of(keeper.languages))
        return wanted

    async def _say(self, address: str, language: Language, cut: Cut) -> None:
        text = technical.broken(cut, language, self._console)
        tried = await self._teller.alarm(address, text)
        if not tried.taken:
            before = self._rests.get(address)
            length_us = AGAIN_US if before is None else min(2 * before.length_us, LONGEST_REST_US)
            length_us = max(length_us, int(tried.rest_s * SECOND_US))
            self._rests[address] = _Rest(self._steady() + length_us, length_us)
            return
        self._rests.pop(address, None)
        if cut.hop in self._cuts:
            self._told.setdefault(cut.hop, {})[address] = language
        else:
            self._over.append((address, language, cut))
