"""The page as a doctor meets it: a real Chromium on a real service, watched at every step."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

import hatch_build
from doorstep.clock import SystemClock
from tests.acceptance import publishing
from tests.acceptance.console.watched import PASSWORD, SOON_MS, Community, Open, Watched
from tests.services import debian, doorstep
from tests.services.mosquitto import Mosquitto
from tests.services.node import installed

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ON_A_MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


@pytest.fixture(scope="session")
def node() -> hatch_build.Node:
    """The Node that builds the page, with the packages that only the checks need."""
    return installed(page=True)


@pytest.fixture
def community(
    database: str, mosquitto: Mosquitto, tmp_path: Path, node: hatch_build.Node
) -> Iterator[Community]:
    del node  # the page is built
    document = publishing.roster(SystemClock().now(), 2)
    document["staff"].append(
        {"id": "dr-02", "name": "李医生", "role": "doctor", "grids": ["grid-01"]}
    )
    doorstep.import_roster(database, document)
    env = {"DOORSTEP_DATABASE_URL": database}
    for staff in ("dr-01", "dr-02"):
        done = doorstep.run(["staff", "password", staff, "--password-stdin"], env, f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
    with (
        doorstep.ingest(database, mosquitto.url, tmp_path, MQTT__PROTOCOL="5") as ingestion,
        doorstep.serve(database, tmp_path) as serving,
    ):
        yield Community(serving.url, mosquitto, env, ingestion)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of the system: Playwright's own would be a download."""
    found = [path for name in CHROMIUM if (path := shutil.which(name))]
    found += [path for path in ON_A_MAC if Path(path).exists()]
    assert found, f"no Chromium here: {debian.REMEDY}"
    return found[0]


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    expect.set_options(timeout=SOON_MS)
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(
            executable_path=chromium,
            # Root has no sandbox; a browser that phones home would fail the test of the page.
            args=["--no-sandbox", "--disable-background-networking"],
        )


@pytest.fixture
async def open_page(browser: Browser, community: Community) -> AsyncIterator[Open]:
    opened: list[Watched] = []

    async def open_one(**options: Any) -> Watched:
        context = await browser.new_context(**{"locale": "en-GB", **options})
        watched = Watched(await context.new_page(), community.url)
        watched.watch()
        opened.append(watched)
        return watched

    yield open_one
    for watched in opened:
        await watched.page.context.close()
    assert [offence for watched in opened for offence in watched.offences] == []
