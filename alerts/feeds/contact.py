"""One contact of a member of staff, through apprise: WeCom, DingTalk, Feishu, mail, SMS and others.

apprise blocks and cannot be interrupted, so each call has a thread of its own: a daemon, so that a
server that answers a byte a minute does not keep the process alive. There are at most `THREADS` of
them. A contact's address holds its secret: it is in no log, and apprise's own log, which may repeat
it, is shut. Two robots answer 200 to what they refuse, and are written to by
`alerts.feeds.strict_robots`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from alerts.feeds import strict_robots
from alerts.notification import Text
from alerts.robots import LIMITS, Answered
from rules.finding import Severity

THREADS: Final = 32
CONNECT_S: Final = 4.0
READ_S: Final = 6.0
"""At most; apprise's own are 4 s each, 15 s for mail, and an address may ask for more."""
_TYPES: Final = {
    Severity.ROUTINE: NotifyType.INFO,
    Severity.URGENT: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}

logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


def scheme(address: str) -> str:
    """What kind of contact it is; the part of an address that is not secret."""
    return address.partition("://")[0].lower()[:32] if "://" in address else "?"


def usable(address: str) -> bool:
    """Whether apprise knows what to do with an address. Nothing is sent."""
    return _plugin(address) is not None


def robot(address: str) -> str:
    """What shares a limit: the robot that an address leads to, however it is written.

    Elsewhere the address itself: two mailboxes behind one account are two contacts. Secret.
    """
    plugin = _plugin(address) if scheme(address) in LIMITS else None
    return address if plugin is None else "\n".join(map(str, plugin.url_identifier))


def tell(address: str, text: Text, now: int) -> Answered:
    """Sends a message and says whether the service took it. Blocks.

    `now`: the real clock, microseconds.
    """
    plugin = _plugin(address)
    if plugin is None:
        return Answered(taken=False)
    plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, CONNECT_S)
    plugin.socket_read_timeout = min(plugin.socket_read_timeout, READ_S)
    if strict_robots.is_strict(scheme(address)):
        return strict_robots.post(scheme(address), plugin, f"{text.title}\n{text.body}", now)
    teller = Apprise()
    teller.add(plugin)
    taken = teller.notify(
        title=text.title,
        body=text.body,
        notify_type=_TYPES[text.severity],
        body_format=NotifyFormat.TEXT,
    )
    return Answered(taken=bool(taken))


def _plugin(address: str) -> Any:
    # Without its own time-out apprise uses our thread, not a pool of six that six dead ones fill.
    asset = AppriseAsset(async_mode=False, service_timeout=0)
    return Apprise.instantiate(address, asset=asset, suppress_exceptions=True)


class Threads:
    """Runs blocking calls beside the loop."""

    def __init__(self, most: int = THREADS) -> None:
        self._free = threading.Semaphore(most)

    def start(self, call: Callable[[], Answered]) -> asyncio.Future[Answered] | None:
        """Has it run; None if all threads are taken. Who gives up waiting does not stop it."""
        if not self._free.acquire(blocking=False):
            return None
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Answered] = loop.create_future()
        threading.Thread(
            target=self._run, args=(call, loop, done), name="notify", daemon=True
        ).start()
        return done

    def _run(
        self,
        call: Callable[[], Answered],
        loop: asyncio.AbstractEventLoop,
        done: asyncio.Future[Answered],
    ) -> None:
        answer = Answered(taken=False)
        try:
            answer = call()
        finally:
            self._free.release()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, done, answer)


def _settle(done: asyncio.Future[Answered], answer: Answered) -> None:
    if not done.done():
        done.set_result(answer)
