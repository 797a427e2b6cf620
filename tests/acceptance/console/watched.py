"""A page under watch, and the community it looks after: what the tests of the console share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import Page, expect

from domain.instant import MINUTE_US
from doorstep.clock import SystemClock
from tests.acceptance import publishing
from tests.services import doorstep
from tests.services.mosquitto import Mosquitto

PASSWORD = "three-quiet-lamps"
SOON_MS = 15_000
"""Far less than the minute after which the page would look by itself, without the stream."""

PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
"""A browser context: one thing at a time fills the screen."""


@dataclass(frozen=True)
class Community:
    """A running service with two doctors of one grid, and a broker to publish to."""

    url: str
    broker: Mosquitto
    env: dict[str, str]
    ingestion: doorstep.Process

    @property
    def database(self) -> str:
        """Its url."""
        return self.env["DOORSTEP_DATABASE_URL"]

    def token(self, staff: str) -> str:
        """What a program of this member of staff signs in with."""
        done = doorstep.run(["token", "create", "--staff", staff], self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    async def publish(self, readings: list[dict[str, object]], device: str = "w-0000") -> None:
        """One message of one band."""
        await publishing.publish(self.broker.port, [publishing.encoded(device, readings)])

    async def fever(self, device: str = "w-0000") -> None:
        """A quarter of an hour of 38.4 degrees at the armpit, up to now."""
        now = SystemClock().now()
        readings = [
            publishing.reading(now - minute * MINUTE_US, temperature_c=38.4, pulse_bpm=88)
            for minute in range(15, 0, -1)
        ]
        await self.publish(readings, device)


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

    @property
    def cards(self) -> Any:
        """The alerts in the list."""
        return self.page.locator("a.card")

    async def choose(self) -> None:
        """Opens the only alert."""
        await expect(self.cards).to_have_count(1)
        await self.cards.click()
        await expect(self.page.locator("h1#alert-title")).to_be_visible()

    async def back(self) -> None:
        """To the list, on a phone."""
        await self.page.get_by_role("button", name="All alerts").click()

    async def press(self, name: str) -> None:
        """A button of this name, word for word."""
        await self.page.get_by_role("button", name=name, exact=True).click()


Open = Callable[..., Any]
"""Opens one more page: keywords go to the browser context."""


async def signed_in(open_page: Open, staff: str = "dr-01", **options: Any) -> Watched:
    """A page with a live, empty list."""
    watched: Watched = await open_page(**options)
    await watched.sign_in(staff)
    await expect(watched.page.locator(".link.live")).to_be_visible()
    await expect(watched.page.locator(".empty")).to_be_visible()
    return watched
