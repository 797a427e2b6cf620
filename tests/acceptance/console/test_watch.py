"""What the page says beside the alerts: where the service is blind, and which bands to doubt."""

import aiomqtt
import httpx
import pytest
from playwright.async_api import expect

from domain.instant import HOUR_US, MINUTE_US
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.acceptance.console.fit import AXE, CHECKED, is_fit_for_hand_and_eye
from tests.acceptance.console.watched import PHONE, Community, Open, signed_in

pytestmark = pytest.mark.timeout(240)

SLOW_MS = 60_000
"""Ingestion is given half a minute before it is said to be silent."""
RAISED = "SELECT count(*) FROM alert WHERE response = 'open' AND cleared_at IS NOT NULL"


def fevers(from_at: int) -> list[dict[str, object]]:
    """A quarter of an hour of fever and then none, so that the finding ends."""
    warm = [38.4] * 15 + [36.5] * 45
    return [
        publishing.reading(from_at + n * MINUTE_US, temperature_c=figure, pulse_bpm=75 + n % 7)
        for n, figure in enumerate(warm)
    ]


async def test_blindness_is_loud_and_what_it_cost_is_calm(
    community: Community, open_page: Open
) -> None:
    watched = await signed_in(open_page, **PHONE, **CHECKED)
    page = watched.page
    await page.add_script_tag(path=AXE)
    await community.fever()
    await expect(watched.cards).to_have_count(1)
    community.ingestion.kill()
    # The broker forgets the session that ingestion will ask for.
    async with aiomqtt.Client(
        "127.0.0.1",
        community.broker.port,
        identifier="doorstep-ingest",
        clean_start=True,
        protocol=aiomqtt.ProtocolVersion.V5,
    ):
        pass
    loud = page.get_by_role("alert")
    await expect(loud).to_contain_text("No word from the bands since", timeout=SLOW_MS)
    await expect(loud).to_contain_text("call or look in")
    assert await loud.get_by_role("button").count() == 0
    await is_fit_for_hand_and_eye(page)
    await watched.choose()
    await expect(loud).to_contain_text("No word from the bands since")
    await watched.back()

    community.ingestion.start()
    calm = page.locator(".minor")
    await expect(calm).to_contain_text("The line to the bands broke at", timeout=SLOW_MS)
    await expect(loud).to_be_empty()
    await is_fit_for_hand_and_eye(page)
    await page.reload()
    await page.get_by_role("button", name="Got it").click()
    await expect(calm).to_have_count(0)
    await expect(watched.cards).to_have_count(1)


async def test_a_gap_of_one_band_is_said_at_its_person(
    community: Community, open_page: Open
) -> None:
    watched = await signed_in(open_page)
    now = SystemClock().now()
    readings = [
        publishing.reading(
            now - (15 - n) * MINUTE_US, temperature_c=38.4, boot="a1", seq=n if n < 10 else n + 3
        )
        for n in range(1, 15)
    ]
    await community.publish(readings)
    await expect(watched.cards).to_have_count(1)
    gaps = "SELECT count(*) FROM gap WHERE noticed_at < now() - interval '11 s'"
    stored.wait_for(community.database, gaps, 1)
    await watched.page.reload()
    await watched.choose()
    await expect(watched.page.locator("article")).to_contain_text(
        "messages of this band are missing"
    )
    assert await watched.page.locator(".minor, .grave").count() == 0


async def test_a_band_that_cried_wolf(community: Community, open_page: Open) -> None:
    headers = {"Authorization": f"Bearer {community.token('dr-02')}"}
    now = SystemClock().now()
    async with httpx.AsyncClient(base_url=f"{community.url}/api/v1", headers=headers) as doctor:
        for round_no in range(4):
            await community.publish(fevers(now - (10 - 2 * round_no) * HOUR_US))
            stored.wait_for(community.database, RAISED, 1)
            waiting = (await doctor.get("/alerts", params={"response": "open"})).json()["items"]
            done = await doctor.post(
                f"/alerts/{waiting[0]['id']}/outcome", json={"outcome": "well"}
            )
            assert done.status_code == 200, done.text
    worn_off = [
        publishing.reading(now - minute * MINUTE_US, worn=False, battery_pct=9)
        for minute in range(18, 0, -1)
    ]
    warm = [
        publishing.reading(now - minute * MINUTE_US, temperature_c=38.4)
        for minute in range(40, 20, -1)
    ]
    await community.publish(warm)
    await community.publish(worn_off)

    watched = await open_page(**PHONE, **CHECKED)
    await watched.sign_in()
    page = watched.page
    await page.add_script_tag(path=AXE)
    await expect(watched.cards).to_have_count(3)
    await page.reload()
    await page.add_script_tag(path=AXE)
    group = page.locator("details", has_text="swap proposed")
    await expect(group).to_contain_text("Band w-0000: 2 routine alerts")
    await expect(group).to_contain_text("4 of 4 false")
    await expect(group.locator("a.card")).to_have_count(2)
    # What is urgent stands by itself, and first.
    await expect(watched.cards.first).to_contain_text("Possible fever")
    await expect(page.get_by_text("1 band to swap")).to_be_visible()
    await is_fit_for_hand_and_eye(page)

    await watched.cards.first.click()
    record = page.locator(".record")
    await expect(record).to_contain_text("This band: 4 of 4 earlier alerts were false")
    await expect(record).to_contain_text("it still needs a look")
    await expect(page.locator(".swap")).to_contain_text("proposed for a swap")
    await page.get_by_text("2 more alerts in building 3").click()
    await is_fit_for_hand_and_eye(page)
