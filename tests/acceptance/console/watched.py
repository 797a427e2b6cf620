"""A page under watch, and the community it looks after: what the tests of the console share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page

from tests.services.mosquitto import Mosquitto

PASSWORD = "three-quiet-lamps"
SOON_MS = 15_000
"""Far less than the minute after which the page would look by itself, without the stream."""


@dataclass(frozen=True)
class Community:
    """A running service with two doctors of one grid, and a broker to publish to."""

    url: str
    broker: Mosquitto
    env: dict[str, str]


@dataclass
class Watched:
    """A page, and everything it did that it should not have done."""

    page: Page
    origin: str
    offences: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Notes requests that leave the origin, what the policy blocked, and scripts that fail."""
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self.offences.append(f"opened {socket.url}"))
        self.page.on("pageerror", lambda error: self.offences.append(f"failed: {error}"))
        self.page.on("console", lambda message: self._said(message.type, message.text))

    def _asked(self, url: str) -> None:
        if not url.startswith(f"{self.origin}/"):
            self.offences.append(f"asked {url}")

    def _said(self, kind: str, text: str) -> None:
        # Chromium itself reports answers such as 401; those are the page's to handle.
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
            self.offences.append(f"said {text}")

    async def sign_in(self, staff: str = "dr-01", password: str = PASSWORD) -> None:
        """Opens the page and fills in the form."""
        await self.page.goto(f"{self.origin}/")
        await self.page.locator("#staff").fill(staff)
        await self.page.locator("#password").fill(password)
        await self.page.keyboard.press("Enter")


Open = Callable[..., Any]
"""Opens one more page: keywords go to the browser context."""
