import inspect
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import from_json

from ingest.json_text import MAX_DEPTH, Doubled, keys, parse
from ingest.rejection import Fault, Reason

SYNTAX = tomllib.loads(
    (Path(__file__).parents[2] / "golden/wire/json_syntax.toml").read_text(encoding="utf-8")
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('":\\{}[],'), max_size=6)
KEYS = st.sampled_from(["a", "b", "c:", '"', "\\", ""]) | WORDS
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**320)
    | st.floats()
    | WORDS
)


class Pairs(list[tuple[str, Any]]):
    """An object as it is written: keys may come twice."""


VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(st.tuples(KEYS, inner), max_size=4).map(Pairs)
    ),
    max_leaves=20,
)


def written(value: Any, *, ascii_only: bool, space: str) -> str:
    if isinstance(value, Pairs):
        members = (
            f"{json.dumps(key, ensure_ascii=ascii_only)}{space}:{space}"
            f"{written(inner, ascii_only=ascii_only, space=space)}"
            for key, inner in value
        )
        return "{" + f"{space},".join(members) + "}"
    if isinstance(value, list):
        inners = (written(inner, ascii_only=ascii_only, space=space) for inner in value)
        return "[" + f",{space}".join(inners) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def doubled(value: Any) -> bool:
    if isinstance(value, Pairs):
        names = [key for key, _ in value]
        return len(set(names)) < len(names) or any(doubled(inner) for _, inner in value)
    return isinstance(value, list) and any(doubled(inner) for inner in value)


@pytest.mark.parametrize(("text", "value"), SYNTAX["must_read"] + SYNTAX["chosen"])
def test_reads(text: str, value: str) -> None:
    assert repr(parse(text)) == value


@pytest.mark.parametrize("text", SYNTAX["must_refuse"])
def test_refuses(text: str) -> None:
    assert parse(text).reason is Reason.NOT_JSON


@given(VALUES, st.booleans(), st.sampled_from(["", " ", "\n\t"]))
def test_finds_every_key_that_is_named_twice(value: Any, ascii_only: bool, space: str) -> None:
    parsed = parse(written(value, ascii_only=ascii_only, space=space))
    if isinstance(value, list) and not isinstance(value, Pairs):
        assert [isinstance(item, Doubled) for item in parsed] == [doubled(item) for item in value]
    else:
        assert isinstance(parsed, Doubled) == doubled(value)


@given(VALUES.filter(lambda value: not doubled(value)), st.booleans())
def test_reads_what_the_standard_library_reads(value: Any, ascii_only: bool) -> None:
    text = written(value, ascii_only=ascii_only, space=" ")
    assert repr(parse(text)) == repr(json.loads(text))


@given(st.text() | st.text(st.sampled_from('"\\:{}[],1eE-.+ntu')))
@example('"\\')
@example('{"a":"\\","a":1}')
def test_reads_exactly_what_is_json(text: str) -> None:
    parsed = parse(text)
    try:
        value = json.loads(text)
    except ValueError:
        assert isinstance(parsed, Fault)
    else:
        assert isinstance(parsed, Doubled | list) or repr(parsed) == repr(value)


@pytest.mark.parametrize("key", ["a", "x:y", "\\u0061"])
def test_names_the_key(key: str) -> None:
    first = json.loads(f'"{key}"')
    assert parse(f'{{"{key}":1,"z":2,"{key}":3}}') == Doubled(first)


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
@pytest.mark.parametrize("beside", ["1", '"\\ud800"', '{"b":1,"b":2}'])
def test_depth_is_bounded_whichever_way_a_text_is_read(bracket: str, beside: str) -> None:
    closing = "]" if bracket == "[" else "}"

    def nested(depth: int) -> str:
        return f"[{bracket * (depth - 1)}0{closing * (depth - 1)},{beside}]"

    assert isinstance(parse(nested(MAX_DEPTH)), list)
    too_deep = parse(nested(MAX_DEPTH + 2))
    assert isinstance(too_deep, Fault)
    assert too_deep.reason is Reason.NOT_JSON
    assert str(MAX_DEPTH) in too_deep.detail


def test_sixty_thousand_brackets() -> None:
    for text in ("[" * 60_000, '{"a":' * 10_000, "]" * 60_000, '["' * 30_000):
        assert parse(text).reason is Reason.NOT_JSON


def test_a_parser_that_runs_out_of_stack_is_no_crash() -> None:
    text = "[" * 150 + '"\\ud800"' + "]" * 150

    def from_below(depth: int) -> Any:
        return from_below(depth - 1) if depth else parse(text)

    parsed = from_below(sys.getrecursionlimit() - len(inspect.stack(0)) - 80)
    # Since Python 3.12 the parser has a stack of its own, and nothing runs out.
    assert isinstance(parsed, Fault if sys.version_info < (3, 12) else list)


@pytest.mark.parametrize(("digits", "value"), [(5_000, "inf"), (4_300, "inf"), (100, "1e+99")])
def test_long_integers(digits: int, value: str) -> None:
    number = "1" + "0" * (digits - 1)
    parsed = parse(f'["\\ud800", -{number}, {number}]')
    assert [str(item) for item in parsed[1:]] == [f"-{value}", value]


@given(VALUES)
def test_counts_keys(value: Any) -> None:
    text = written(value, ascii_only=True, space="")
    count = 0

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal count
        count += len(dict(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    assert keys(from_json(text)) <= count
    if not doubled(value):
        assert keys(from_json(text)) == count
