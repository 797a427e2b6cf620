"""A doctor's evening: an alert comes by itself, somebody goes to the door, it leaves the list."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.console.fit import AXE, CHECKED, is_fit_for_hand_and_eye
from tests.acceptance.console.watched import (
    PASSWORD,
    Community,
    Open,
    Watched,
    signed_in,
)

pytestmark = pytest.mark.timeout(240)

UNTAKEN = re.compile("Not taken yet|Waiting for you")
"""Whom of the two the service asks first is its affair."""


def cards(page: Page) -> Any:
    """The alerts in the list."""
    return page.locator("a.card")


async def test_from_the_stream_to_the_door(community: Community, open_page: Open) -> None:
    page = (await signed_in(open_page)).page
    other = (await signed_in(open_page, "dr-02")).page

    await community.fever()
    for each in (page, other):
        await expect(cards(each)).to_have_count(1)
    await expect(cards(page)).to_contain_text("Urgent")
    await expect(cards(page)).to_contain_text("Possible fever")
    await expect(cards(page)).to_contain_text("Building 3")
    await expect(cards(page)).to_contain_text(UNTAKEN)

    await cards(page).click()
    await expect(page.locator("h1#alert-title")).to_have_text("Please check on 居民0")
    evidence = page.locator("dl")
    await expect(evidence).to_contain_text("38.4 °C")
    await expect(evidence).to_contain_text("37.3 °C")
    await expect(page.locator("figure canvas")).to_have_count(2)
    await page.get_by_text("Readings as a table").click()
    await expect(page.locator("tbody tr")).to_have_count(15)

    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.locator("article")).to_contain_text("You have taken this")
    await expect(cards(other)).to_contain_text("dr-01 has taken this")
    await page.get_by_role("button", name="At the door").click()
    await expect(cards(other)).to_contain_text("dr-01 is at the door")

    await page.get_by_role("button", name="Outcome").click()
    sheet = page.get_by_role("dialog")
    await expect(sheet.get_by_role("radio")).to_have_count(13)
    await sheet.get_by_text("Fever confirmed by thermometer").click()
    await sheet.locator("#door-temperature").fill("38,6")
    await sheet.locator("#door-site").select_option("tympanic")
    await sheet.locator("#door-note").fill("Resting; drinks enough.")
    await sheet.get_by_role("button", name="Record outcome").click()
    await expect(sheet).to_have_count(0)
    await expect(page.locator("article")).to_contain_text("Closed: Fever confirmed")
    log = page.locator("article ol")
    await expect(log).to_contain_text("38.6 °C (ear)")
    await expect(log).to_contain_text("Resting; drinks enough.")

    for each in (page, other):
        await expect(cards(each)).to_have_count(0)
    await page.reload()
    await expect(page.locator("article")).to_contain_text("Closed: Fever confirmed")


async def test_nobody_home_keeps_the_alert_waiting(community: Community, open_page: Open) -> None:
    page = (await signed_in(open_page)).page
    await community.fever()
    await cards(page).click()
    await page.get_by_role("button", name="Outcome").click()
    await page.get_by_role("dialog").get_by_text("Nobody answered").click()
    await page.get_by_role("button", name="Record outcome").click()
    await expect(page.locator(".said")).to_contain_text("The alert stays open for another visit")
    await expect(cards(page)).to_contain_text(UNTAKEN)


async def test_who_was_quicker_is_named_and_blindness_is_said(
    community: Community, open_page: Open
) -> None:
    blind: Watched = await open_page()
    await blind.page.route("**/alerts/stream*", lambda route: route.abort())
    quick = (await signed_in(open_page, "dr-02")).page
    await community.fever()
    await expect(cards(quick)).to_have_count(1)

    await blind.sign_in()
    await expect(blind.page.locator(".banner")).to_contain_text("Not live")
    await cards(blind.page).click()
    # With the stream away each attempt to open it takes the list again: that must not help here.
    await blind.page.route("**/alerts?*", lambda route: route.abort())
    await expect(blind.page.locator("h1#alert-title")).to_be_visible()
    await cards(quick).click()
    await quick.get_by_role("button", name="Acknowledge").click()
    await expect(quick.locator("article")).to_contain_text("You have taken this")

    await blind.page.get_by_role("button", name="Acknowledge").click()
    await expect(blind.page.locator(".bar .error")).to_contain_text("dr-02")
    await expect(blind.page.locator("article")).to_contain_text("dr-02 has taken this")


async def test_signing_in_and_out(open_page: Open) -> None:
    watched: Watched = await open_page()
    page = watched.page
    await watched.sign_in(password="three-loud-lamps")
    await expect(page.get_by_role("alert")).to_have_text(
        "The staff number or the password is not right."
    )
    await expect(page.locator("#staff")).to_have_value("dr-01")
    await page.locator("#password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".empty")).to_be_visible()
    await page.reload()
    await expect(page.locator(".empty")).to_be_visible()

    await page.get_by_role("link", name="值班医生").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#staff")).to_be_visible()
    await page.reload()
    await expect(page.locator("#staff")).to_be_visible()
    assert await page.context.cookies() == []


async def test_a_phone_in_the_hand(community: Community, open_page: Open) -> None:
    """At 360 and 390 points, in both languages, light and dark."""
    pages = []
    for width, locale, scheme in ((360, "zh-CN", "dark"), (390, "en-GB", "light")):
        watched = await signed_in(
            open_page,
            viewport={"width": width, "height": 740},
            locale=locale,
            color_scheme=scheme,
            has_touch=True,
            **CHECKED,
        )
        await watched.page.add_script_tag(path=AXE)
        pages.append(watched.page)
    await community.fever()
    for page in pages:
        await expect(cards(page)).to_have_count(1)
        await is_fit_for_hand_and_eye(page)
        await cards(page).click()
        await expect(page.locator("canvas")).to_have_count(2)
        await is_fit_for_hand_and_eye(page)
        # Giving it to somebody, and what is asked before a look at where they were.
        await page.locator(".button[aria-expanded]").nth(1).click()
        await page.locator("section > .button").first.click()
        await expect(page.locator(".panel")).to_be_visible()
        await is_fit_for_hand_and_eye(page)
        await page.locator(".deeds button").nth(2).click()
        await is_fit_for_hand_and_eye(page)
        await page.goto(f"{community.url}/#/me")
        await expect(page.locator("h1#me-title")).to_be_visible()
        await is_fit_for_hand_and_eye(page)
