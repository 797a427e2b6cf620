"""Whether a page is fit for a thumb and for tired eyes; what the tests of the console share."""

from typing import Any, Final

from playwright.async_api import Page

from tests.services.node import CONSOLE

AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
SMALL = """
[...document.querySelectorAll("a, button, input, select, textarea, summary, label.choice")]
  .filter((one) => one.closest("label") === null || one.matches("label"))
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44))
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)
"""
WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth - window.innerWidth"
CHECKED: Final[dict[str, Any]] = {"bypass_csp": True}
"""The checker is put into the page past the policy that forbids exactly that."""


async def is_fit_for_hand_and_eye(page: Page) -> None:
    """Nothing leaves the screen, every target takes a thumb, axe finds nothing (WCAG 2.2 AA)."""
    assert await page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    assert await page.evaluate(SMALL) == []
    found = await page.evaluate(
        """async () => (await axe.run(document, {
             runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
           })).violations.map((each) => [each.id, each.nodes.map((node) => node.html)])"""
    )
    assert found == []
