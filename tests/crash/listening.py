"""Subscribers of the alert stream: they resume with what they had last, whatever happens."""

import http.client
import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from doorstep.clock import SystemClock

PAUSE_S = 0.3
SILENT_S = 40.0
"""A stream without even a ping for so long is dead."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event as a subscriber had it."""

    event_id: int
    data: dict[str, Any]
    at: int
    """When: microseconds of the real clock."""


class Subscriber:
    """One client of `GET /alerts/stream`; `fickle` ones hang up by themselves after some events."""

    def __init__(self, port: int, staff: str, token: str, fickle_after: int | None = None) -> None:
        self._port = port
        self._token = token
        self._fickle_after = fickle_after
        self._stopping = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.staff = staff
        self.heard: list[Heard] = []
        self.connections = 0
        self.refused: dict[int, int] = {}
        """Answers other than 200 and 503, counted."""

    @property
    def last_id(self) -> int:
        """The event it had last."""
        return self.heard[-1].event_id if self.heard else 0

    def start(self) -> None:
        """Listens from the first event on."""
        self._thread.start()

    def stop(self) -> None:
        """Hangs up for good."""
        self._stopping.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(SILENT_S + 5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError, http.client.HTTPException):
                self._listen_once()
            self._stopping.wait(PAUSE_S)

    def _listen_once(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SILENT_S)
        try:
            headers = {
                "Authorization": f"Bearer {self._token}",
                "Last-Event-ID": str(self.last_id),
            }
            self._connection.request("GET", "/api/v1/alerts/stream", headers=headers)
            answer = self._connection.getresponse()
            if answer.status == HTTPStatus.OK:
                self.connections += 1
                self._read(answer)
            elif answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                self.refused[answer.status] = self.refused.get(answer.status, 0) + 1
        finally:
            self._connection.close()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        """An event counts when the empty line after it has come."""
        fields: dict[str, str] = {}
        heard = 0
        while line := answer.readline():
            word = line.decode().rstrip("\r\n")
            if word:
                name, _, value = word.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            if fields.get("event") == "alert":
                data = json.loads(fields["data"])
                self.heard.append(Heard(int(fields["id"]), data, SystemClock().now()))
                heard += 1
            fields = {}
            if heard == self._fickle_after:
                return
