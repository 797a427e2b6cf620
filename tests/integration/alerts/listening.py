"""A client of the event stream, as a program of somebody else would write it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Heard:
    """One event."""

    id: int
    event: str
    data: dict[str, Any]


class Stream:
    """An open stream, read block by block (WHATWG HTML, section 9.2.6)."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.last_id = ""
        self.comments: list[str] = []
        self.signals: list[dict[str, Any]] = []
        """Those heard so far; they are not among the events."""
        self._lines = answer.iter_lines()

    def __iter__(self) -> Iterator[Heard]:
        for event, data in self._blocks():
            if event == "signal":
                self.signals.append(json.loads(data))
            else:
                yield Heard(int(self.last_id), event, json.loads(data))

    def _blocks(self) -> Iterator[tuple[str, str]]:
        """Event and data of each block that has any."""
        event, data = "message", ""
        for line in self._lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    yield event, data
                event, data = "message", ""
            elif not name:
                self.comments.append(value)
            elif name == "data":
                data += value
            elif name == "event":
                event = value
            elif name == "id":
                self.last_id = value

    def block(self) -> tuple[str, dict[str, Any]]:
        """The next event that is no signal: its name and data."""
        return next((name, json.loads(data)) for name, data in self._blocks() if name != "signal")

    def until_signal(self, kind: str, *, active: bool) -> None:
        """Waits for a signal; nothing else may come meanwhile."""
        for event, data in self._blocks():
            assert event == "signal", data
            self.signals.append(json.loads(data))
            if (self.signals[-1]["kind"], self.signals[-1]["active"]) == (kind, active):
                return
        raise AssertionError("the stream is over")

    def take(self, number: int) -> list[Heard]:
        """The next events; waits for them."""
        found = []
        for heard in self:
            found.append(heard)
            if len(found) == number:
                break
        return found

    def greeted(self) -> None:
        """Waits for the first block: then the stream listens."""
        for line in self._lines:
            name, _, value = line.partition(":")
            if name == "id":
                self.last_id = value.strip()
            if not line:
                return


@contextmanager
def listening(
    url: str, token: str, last_id: int | str | None = None, query: str = ""
) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"}
    if last_id is not None:
        headers["Last-Event-ID"] = str(last_id)
    with (
        httpx.Client(timeout=20) as client,
        client.stream("GET", f"{url}/api/v1/alerts/stream{query}", headers=headers) as answer,
    ):
        yield Stream(answer)
