"""Many instants at once say what one at a time says, or nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.instant import parse_rfc3339
from domain.instants import UNREAD, instants_of

TEXTS = [
    "1970-01-01T00:00:00Z",
    "2026-02-03T04:05:06.7Z",
    "2026-02-03T04:05:06.789Z",
    "2026-02-03T12:05:06.789+08:00",
    "2024-02-29T23:59:59.123456789-11:30",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999Z",
]
NO_INSTANTS = [
    "",
    "now",
    "2023-02-29T00:00:00Z",
    "2026-00-03T04:05:06Z",
    "2026-13-03T04:05:06Z",
    "2026-02-00T04:05:06Z",
    "0000-02-03T04:05:06Z",
    "2026-02-03T24:05:06Z",
    "2026-02-03T04:60:06Z",
    "2026-02-03T04:05:60Z",
    "2026-02-03T04:05:06.Z",
    "2026-02-03T04:05:06",
    "2026-02-03T04:05:06+0800",
    "2026-02-03T04:05:06+24:00",
    "2026-02-03T04:05:06+08:60",
    "2026-02-03T04:05:06.1234567890Z",
    "2026-02-03T04:05:٠٦Z",
    "x" * 24,
    "x" * 36,
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_devices_send_is_read(text: str) -> None:
    assert instants_of([text]).tolist() == [parse_rfc3339(text)]


@pytest.mark.parametrize("text", NO_INSTANTS)
def test_what_is_no_instant_is_not_read(text: str) -> None:
    assert instants_of([text, TEXTS[0], text]).tolist() == [UNREAD, 0, UNREAD]


def test_forms_may_be_mixed() -> None:
    assert instants_of(TEXTS).tolist() == [parse_rfc3339(text) for text in TEXTS]
    assert instants_of([]).tolist() == []


MANGLED = st.builds(
    lambda text, at, character: text[:at] + character + text[at + 1 :],
    st.sampled_from(TEXTS),
    st.integers(0, 34),
    st.sampled_from("0123456789:-+.TtZz é"),
)


@given(st.lists(MANGLED | st.sampled_from(TEXTS) | st.text(max_size=40), max_size=5))
@example(["2026-02-03T04:05:06.78", "9Z2026-02-03T04:05:06.789Z"])
def test_whatever_is_read_is_right(texts: list[str]) -> None:
    for text, instant in zip(texts, instants_of(texts).tolist(), strict=True):
        if instant != UNREAD:
            assert instant == parse_rfc3339(text)
