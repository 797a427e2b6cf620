"""Every check has a reason and a remedy, and docs/operations.md says the same."""

import re
from pathlib import Path

import pytest

from doorstep.doctor.catalogue import CATALOGUE, REACHABLE

PAGE = Path(__file__).resolve().parents[4] / "docs" / "operations.md"


def documented() -> dict[str, list[str]]:
    """The cells of the document's table, by check."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## The doctor\n")[2].partition("\n## ")
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.*) \|$", section[0], re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in rows}


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_document_says_why_and_what_to_do(name: str) -> None:
    _, why, remedy = documented()[name]
    assert (why, remedy) == (CATALOGUE[name].why, CATALOGUE[name].remedy)


def test_the_document_has_the_same_checks_in_the_same_order() -> None:
    assert list(documented()) == list(CATALOGUE)


def test_reachability_is_a_check() -> None:
    assert set(REACHABLE) <= set(CATALOGUE)
