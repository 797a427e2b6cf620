"""What a doctor can do besides the three buttons, and what the page says when it was not done."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from domain.instant import MINUTE_US
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.acceptance.console.fit import AXE, CHECKED, is_fit_for_hand_and_eye
from tests.acceptance.console.watched import PHONE, Community, Open, Watched, signed_in
from tests.integration.alerts.receiving import receiving
from tests.services import doorstep

pytestmark = pytest.mark.timeout(240)

LOOKS = "SELECT count(*) FROM audit_log WHERE what = 'viewed_location'"


async def test_a_note_a_handing_over_and_a_taking_back(
    community: Community, open_page: Open
) -> None:
    mine = await signed_in(open_page)
    theirs = await signed_in(open_page, "dr-02")
    await community.fever()
    await mine.choose()
    await theirs.choose()
    log = mine.page.locator("article ol")

    await mine.press("Add a note")
    await mine.page.locator("#log-note").fill("The bell is broken: knock.")
    await mine.press("Save note")
    await expect(log).to_contain_text("The bell is broken: knock.")
    await expect(theirs.page.locator("article ol")).to_contain_text("The bell is broken: knock.")

    await mine.press("Acknowledge I will see to it")
    await expect(mine.page.locator("article")).to_contain_text("You have taken this")
    await mine.press("Undo")
    await expect(mine.page.locator(".said")).to_have_text("Taken back.")
    await expect(mine.page.locator("article")).not_to_contain_text("You have taken this")
    assert await mine.page.get_by_role("button", name="Undo").count() == 0

    await mine.press("Acknowledge I will see to it")
    await mine.press("Give to somebody")
    await mine.page.locator("#give-to").fill("dr-99")
    await mine.press("Give it to them")
    await expect(mine.page.locator(".bar .error")).to_contain_text("no doctor or supervisor")
    await mine.page.locator("#give-to").fill("dr-02")
    await mine.press("Give it to them")
    await expect(mine.page.locator(".said")).to_contain_text("It is now with dr-02")
    await expect(theirs.page.locator("article")).to_contain_text("You have taken this")
    await expect(log).to_contain_text("to dr-02")
    await mine.press("Take over")
    await expect(theirs.page.locator("article")).to_contain_text("dr-01 has taken this")


async def test_what_was_just_done_can_be_found_again(community: Community, open_page: Open) -> None:
    watched = await signed_in(open_page, **PHONE, **CHECKED)
    page = watched.page
    await page.add_script_tag(path=AXE)
    await community.fever()
    await watched.choose()
    await watched.press("Outcome What I found")
    await page.get_by_role("dialog").get_by_text("Well", exact=True).click()
    await watched.press("Record outcome")
    await expect(page.locator("article")).to_contain_text("Closed: Well")
    await watched.back()
    await expect(watched.cards).to_have_count(0)
    await is_fit_for_hand_and_eye(page)
    await page.get_by_role("link", name="Open or undo").click()
    await watched.press("Undo")
    await expect(page.locator("article")).not_to_contain_text("Closed: Well")
    await watched.back()
    await expect(watched.cards).to_have_count(1)


async def test_a_look_at_where_somebody_was_is_asked_for_and_written_down(
    community: Community, open_page: Open
) -> None:
    now = SystemClock().now()
    lat, lon = publishing.HOME
    readings = [
        publishing.reading(
            now - minute * MINUTE_US,
            temperature_c=38.4,
            lat=lat + 0.003,
            lon=lon,
            accuracy_m=12.0,
        )
        for minute in range(15, 0, -1)
    ]
    watched: Watched = await open_page(**PHONE, **CHECKED)
    page = watched.page
    await community.publish(readings)
    await watched.sign_in()
    await page.add_script_tag(path=AXE)
    # Away from home, and warm: either alert will do.
    await expect(watched.cards).to_have_count(2)
    await watched.cards.first.click()

    await watched.press("Show where they were last")
    panel = page.get_by_role("group", name="Where they were last")
    await expect(panel).to_contain_text("This look is recorded with your name")
    await watched.press("Do not look")
    assert stored.one(community.database, LOOKS) == 0

    await watched.press("Show where they were last")
    await watched.press("Look, and record it")
    await expect(panel).to_contain_text("333 m north of home")
    await expect(panel).to_contain_text("give or take 12 m")
    await is_fit_for_hand_and_eye(page)
    link = panel.get_by_role("link", name="Open in a map app")
    assert re.fullmatch(r"geo:32\.0633,118\.7969;u=12", await link.get_attribute("href") or "")
    assert stored.one(community.database, LOOKS) == 1

    # It is gone with the view, and nothing has kept it.
    await watched.back()
    await watched.cards.first.click()
    await expect(page.get_by_role("button", name="Show where they were last")).to_be_visible()
    kept = (
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])"
    )
    assert "32.06" not in await page.evaluate(kept)
    assert "32.0633" not in await page.content()
    assert stored.one(community.database, LOOKS) == 1


async def test_trying_ones_own_contacts(community: Community, open_page: Open) -> None:
    with receiving() as receiver:
        member = publishing.roster(SystemClock().now(), 0)["staff"][0]
        contacts = [
            f"json://127.0.0.1:{receiver.port}/mine",
            f"json://127.0.0.1:{doorstep.free_port()}/",
        ]
        document = {"staff": [{**member, "contacts": contacts}]}
        doorstep.import_roster(community.database, document)
        watched = await signed_in(open_page)
        page = watched.page
        await page.get_by_role("link", name="值班医生").click()
        await watched.press("Send me a test message")
        said: Any = page.locator("section li")
        await expect(said.nth(0)).to_contain_text("Accepted: please check that it arrived")
        await expect(said.nth(1)).to_contain_text("Not accepted")
        await expect(page.locator(".sum")).to_contain_text("At least one contact did not take")
        assert len(receiver.at("/mine")) == 1

        # Robots are not to be written to without end.
        for _ in range(20):
            if await page.locator(".error", has_text="Please try again in").count():
                break
            await watched.press("Send me a test message")
            await expect(page.get_by_role("button", name="Send me a test message")).to_be_enabled()
        await expect(page.locator(".error")).to_contain_text("Please try again in")

    nobody = await signed_in(open_page, "dr-02")
    await nobody.page.get_by_role("link", name="李医生").click()
    await nobody.press("Send me a test message")
    await expect(nobody.page.locator(".error")).to_contain_text("No contact is kept for you")
