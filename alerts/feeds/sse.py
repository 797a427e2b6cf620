"""Server-sent events: one stream of alert events, without a gap and without a repetition.

A stream that resumes first reads what it missed from the log, then joins the dispatcher, then reads
the log once more: what was committed in between is in the log, what comes after is in the queue,
and what is in both is told apart by its id. Signals come between the events, without an id: those
that stand when the stream joins, and then each that begins or ends; so do canaries, to those who
ask for them. A stream that does not resume
starts where the log stands, and says so with an `id` of its own, so that a connection that breaks
before the first event can be resumed too. Rights are looked at again while the stream lasts. A
client that takes nothing for `SEND_S` is given up.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from alerts.canary import Sighting
from alerts.casework import LoggedEvent
from alerts.dispatcher import Dispatcher, Listener, TooManyListeners
from alerts.signals import Standing
from domain import faults

PING_S: Final = 15.0
RIGHTS_S: Final = 30.0
"""How often rights are looked at again; promised within 60 s."""
SEND_S: Final = 20.0
_RETRY_MS: Final = 2_000
_FRAMES_A_CHUNK: Final = 100

_Put = Callable[[bytes], Awaitable[None]]
_Told = LoggedEvent | Standing | Sighting


class _Gone(Exception):
    """The client has hung up, or takes nothing any more."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who listens. The functions run in threads and may raise what is `passing`."""

    grid_nos: frozenset[int]
    last_event_id: int | None
    """The event it had last; None for one that does not resume."""
    missed: Callable[[int], list[LoggedEvent]]
    """Its events after an id, in order, a bounded number of them."""
    newest: Callable[[], int]
    """The newest event's id, of all."""
    allowed: Callable[[], bool]
    """Whether it may still see what it could see at the start."""
    passing: tuple[type[Exception], ...]
    """Raised while the database is away: the stream ends, and the client comes back."""
    canaries: bool = False
    """Whether it asks for canaries."""


class EventStream(Response):
    """Ends when the client or the service goes, is not kept up with, or the client loses rights."""

    def __init__(self, dispatcher: Dispatcher, client: Client) -> None:
        super().__init__(
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )
        del self.headers["content-length"]
        self._dispatcher = dispatcher
        self._client = client

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def put(chunk: bytes) -> None:
            await _sent(send, {"type": "http.response.body", "body": chunk, "more_body": True})

        try:
            async with asyncio.TaskGroup() as tasks:
                hanging_up = tasks.create_task(_hang_up(receive))
                await _sent(
                    send,
                    {
                        "type": "http.response.start",
                        "status": self.status_code,
                        "headers": self.raw_headers,
                    },
                )
                await self._tell(put)
                await _sent(send, {"type": "http.response.body", "body": b""})
                hanging_up.cancel()
        except* (_Gone, OSError):
            pass

    async def _tell(self, put: _Put) -> None:
        """The whole stream."""
        try:
            last_id = self._client.last_event_id
            if last_id is not None:
                await put(format_sse_event(comment="doorstep", retry=_RETRY_MS))
                newest = await asyncio.to_thread(self._client.newest)
                last_id = await self._catch_up(put, min(last_id, newest))
            client = self._client
            listener = self._dispatcher.listen(client.grid_nos, canaries=client.canaries)
            standing = self._dispatcher.signals(self._client.grid_nos)
            try:
                if last_id is None:
                    last_id = listener.from_id
                    hello = format_sse_event(comment="doorstep", id=str(last_id), retry=_RETRY_MS)
                    await put(hello)
                else:
                    last_id = await self._catch_up(put, last_id)
                if standing:
                    await put(_frames(standing))
                await self._live(put, listener, last_id)
            finally:
                self._dispatcher.leave(listener)
        except TooManyListeners:
            return
        except self._client.passing:
            return

    async def _catch_up(self, put: _Put, last_id: int) -> int:
        """Tells everything in the log after an event; the id of the last one told."""
        while not self._dispatcher.stopping:
            events = await asyncio.to_thread(self._client.missed, last_id)
            if not events:
                break
            await put(_frames(events))
            last_id = events[-1].event_id
        return last_id

    async def _live(self, put: _Put, listener: Listener, last_id: int) -> None:
        loop = asyncio.get_running_loop()
        clock = loop.time
        look_again_at = clock() + RIGHTS_S
        while not self._dispatcher.stopping:
            events = await _next(listener)
            if clock() >= look_again_at:
                if not await asyncio.to_thread(self._client.allowed):
                    return
                look_again_at = clock() + RIGHTS_S
            if events is None:
                return
            fresh = [each for each in events if _is_fresh(each, last_id)]
            if fresh or not events:
                await put(_frames(fresh) or KEEPALIVE_COMMENT)
            if any(isinstance(each, LoggedEvent) for each in fresh):
                # By then the loop has sent what was put.
                faults.reached(faults.Point.EVENTS_STREAMED, loop.call_soon)


async def _next(listener: Listener) -> list[_Told] | None:
    """What has come, or nothing when it is time for a ping; None when it is over."""
    try:
        async with asyncio.timeout(PING_S):
            event = await listener.queue.get()
    except TimeoutError:
        return []
    events: list[_Told] = []
    while event is not None:
        events.append(event)
        if len(events) == _FRAMES_A_CHUNK or listener.queue.empty():
            return events
        event = listener.queue.get_nowait()
    if events:
        # The end comes after what came before it.
        listener.queue.put_nowait(None)
        return events
    return None


def _is_fresh(told: _Told, last_id: int) -> bool:
    return not isinstance(told, LoggedEvent) or told.event_id > last_id


def _frames(told: Sequence[_Told]) -> bytes:
    return b"".join(_frame(each) for each in told)


def _frame(told: _Told) -> bytes:
    # Only alerts have an id: the others must not move what the client resumes from.
    match told:
        case Standing():
            return format_sse_event(data_str=_text(told.item), event="signal")
        case Sighting():
            return format_sse_event(data_str=_text(told.told()), event="canary")
        case LoggedEvent():
            return format_sse_event(data_str=told.body, event="alert", id=str(told.event_id))


def _text(item: Mapping[str, object]) -> str:
    return json.dumps(dict(item), ensure_ascii=False, separators=(",", ":"))


async def _sent(send: Send, message: dict[str, object]) -> None:
    try:
        async with asyncio.timeout(SEND_S):
            await send(message)
    except TimeoutError as error:
        raise _Gone from error


async def _hang_up(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
