"""Many texts in one buffer: what went in comes out, and each is found where it is."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.texts import NOWHERE, PAGE, Index, Texts

any_text = st.text(st.characters(exclude_categories=()), max_size=6)


def of(texts: Sequence[str]) -> Texts:
    return Texts.of(iter(texts), len(texts))


@given(st.lists(any_text))
def test_what_went_in_comes_out(given_: list[str]) -> None:
    texts = of(given_)
    assert list(texts) == given_
    assert texts[:] == given_
    assert texts[1:3] == given_[1:3]
    with pytest.raises(IndexError):
        texts[len(given_)]


def test_more_than_a_page() -> None:
    many = [f"w-{n}" for n in range(2 * PAGE + 1)]
    assert list(of(many)) == many
    index = Index(of(many))
    assert index.places(many).tolist() == list(range(len(many)))


def test_it_is_told_how_many_there_are() -> None:
    with pytest.raises(AssertionError):
        Texts.of(["a"], 2)


def test_spread_over_other_places() -> None:
    spread = of(["a", "é", ""]).spread(np.array([1, 3, 4], dtype=np.int32), 6)
    assert list(spread) == ["", "a", "", "é", "", ""]


@given(st.lists(any_text, unique=True), st.lists(any_text))
def test_each_is_found_where_it_is(given_: list[str], others: list[str]) -> None:
    index = Index(of(given_))
    where = {text: n for n, text in enumerate(given_)}
    wanted = [*others, *given_]
    expected = [where.get(text, NOWHERE) for text in wanted]
    assert index.places(wanted).tolist() == expected
    assert [index.place(text) for text in wanted] == expected


@given(st.lists(any_text, unique=True), st.lists(any_text), st.integers(0, 2))
def test_texts_of_one_hash_are_told_apart(given_: list[str], others: list[str], few: int) -> None:
    """Also the greatest hash of all, which looks like what stops the search."""
    hashes = [0, -1, 2**62]

    def alike(text: str) -> int:
        return hashes[len(text) % (few + 1)]

    index = Index(of(given_), alike)
    wanted = [*others, *given_]
    where = {text: n for n, text in enumerate(given_)}
    expected = [where.get(text, NOWHERE) for text in wanted]
    assert index.places(wanted).tolist() == expected
    assert [index.place(text) for text in wanted] == expected
