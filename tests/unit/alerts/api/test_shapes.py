"""What a parameter that names several words is described to take, and takes."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from alerts.api.shapes import SEVERITIES, AlertsAsked, words_of

PATTERN = re.compile(AlertsAsked.model_json_schema()["properties"]["severity"]["pattern"])
PIECES = st.sampled_from([*SEVERITIES, ",", ",", " ", "x", "\t", "routin"])


@given(st.lists(PIECES, max_size=8).map("".join))
@example("routine,urgent")
@example(" routine , ,urgent,")
@example("routine urgent")
@example("\troutine")
@example("")
def test_what_is_described_is_what_is_taken(given: str) -> None:
    taken = all(word in SEVERITIES for word in words_of(given))
    assert (PATTERN.fullmatch(given) is not None) is taken


def test_words_are_those_between_commas() -> None:
    assert words_of(" routine ,, urgent") == ["routine", "urgent"]
    assert words_of(None) == words_of("") == []
