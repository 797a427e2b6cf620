"""Staff at work while `serve` is killed: each deed is sent again, under its key, until it is
answered; and once more after that, to hear whether the answer is the same.
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from doorstep.clock import SystemClock

PAUSE_S: Final = (0.2, 1.0)
"""Between two deeds; faster than that when they hurry."""
AGAIN_S: Final = 0.1
ANSWER_S: Final = 10.0
OUTCOMES: Final = ("well", "confirmed_fever", "device_fault", "no_answer")
"""The last does not close: the alert is open again."""


@dataclass
class Intention:
    """One deed that somebody wants done once."""

    key: str
    """Also its note, by which the log of events has it."""
    staff: str
    alert_id: str
    deed: str
    tries: int = 0
    last_tried_at: int = 0
    status: int = 0
    """0: never answered."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    repeated: tuple[int, Mapping[str, Any]] | None = None
    """What was said when it was sent once more."""


class Doctor:
    """Acknowledges open alerts and reports outcomes until stopped. Has a thread of its own."""

    def __init__(self, url: str, staff: str, token: str, rng: random.Random) -> None:
        self.staff = staff
        self.intentions: list[Intention] = []
        self.idle = False
        """Whether no alert was open at the last look."""
        self._rng = rng
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=ANSWER_S)
        self._hurrying = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def next_key(self) -> str:
        """Of the deed after those that there have been."""
        return f"{self.staff}-deed-{len(self.intentions):04d}"

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def hurry(self) -> None:
        """Goes on without pauses."""
        self._hurrying.set()

    def stop(self) -> None:
        """Ends after the deed that is under way."""
        self._stopping.set()
        self._hurrying.set()
        self._thread.join(ANSWER_S + 5)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            answer = self._ask("GET", "/alerts", params={"response": "open", "limit": 50})
            alerts = answer.json()["items"] if answer else []
            self.idle = answer is not None and not alerts
            if not alerts:
                self._stopping.wait(AGAIN_S)
                continue
            alert_id = self._rng.choice(alerts)["id"]
            self._do(alert_id, "acknowledge", {})
            self._pause()
            self._do(alert_id, "outcome", {"outcome": self._rng.choice(OUTCOMES)})
            self._pause()

    def _pause(self) -> None:
        self._hurrying.wait(self._rng.uniform(*PAUSE_S))

    def _do(self, alert_id: str, deed: str, body: Mapping[str, Any]) -> None:
        wanted = Intention(self.next_key, self.staff, alert_id, deed)
        self.intentions.append(wanted)
        while not self._stopping.is_set() and not wanted.status:
            wanted.tries += 1
            wanted.last_tried_at = SystemClock().now()
            answer = self._send(wanted, body)
            if answer is None:
                self._stopping.wait(AGAIN_S)
            else:
                wanted.status, wanted.answer = answer.status_code, _said(answer)
        if wanted.status and (again := self._send(wanted, body)) is not None:
            wanted.repeated = again.status_code, _said(again)

    def _send(self, wanted: Intention, body: Mapping[str, Any]) -> httpx.Response | None:
        return self._ask(
            "POST",
            f"/alerts/{wanted.alert_id}/{wanted.deed}",
            json={**body, "note": wanted.key},
            headers={"Idempotency-Key": wanted.key},
        )

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response | None:
        """The answer; None where nobody is there, or the service cannot say."""
        try:
            answer = self._client.request(method, path, **given)
        except httpx.TransportError:
            return None
        return None if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE else answer


def _said(answer: httpx.Response) -> Mapping[str, Any]:
    """The JSON of an answer; what is none is none of ours, and is kept as it is."""
    ours = answer.headers.get("content-type", "").endswith("json")
    said: Mapping[str, Any] = answer.json() if ours else {"text": answer.text}
    return said
