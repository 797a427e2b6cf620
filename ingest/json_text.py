"""Bytes that claim to be JSON, and the values they hold. Every byte string has an answer.

The answer is exact about keys named twice, which parsers settle silently and differently (RFC 8259
section 4). Each `:` outside a string of a JSON text ends exactly one key, so a text with as many of
them as its values have keys names none twice. Only a text that fails this count, or that the quick
parser will not read, is parsed again by the slow and exact one.

What a reading may say is not known here: see `ingest.reading_shape`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from ingest.rejection import Fault, Reason

MAX_DEPTH: Final = 200
"""Arrays and objects within each other. The quick parser (jiter) gives up one level later."""

_CONTAINERS: Final = (dict, list)
_LONGEST_INTEGER: Final = 64
# The closing quote is optional so that a text full of unclosed strings is still read only once.
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class Doubled:
    """Stands for a value in which an object names `key` twice."""

    key: str


def parse(text: str) -> Any | Fault:
    """The value `text` holds; or of an array each element's, for each stands alone.

    A value with an object in it that names a key twice, however deep, is `Doubled`. NaN and
    infinities are values: whether a number may be one is for its quantity to say. A number too
    large for a float is infinite, a lone surrogate stays in its string.
    """
    try:
        value = from_json(text)
    except ValueError:
        return _parse_exactly(text)
    return value if keys(value) == _colons(text) else _parse_exactly(text)


def keys(value: Any) -> int:
    """How many keys all objects within `value` have."""
    count = 0
    waiting = [value] if value.__class__ in _CONTAINERS else []
    while waiting:
        value = waiting.pop()
        if value.__class__ is dict:
            count += len(value)
            value = value.values()
        waiting += [inner for inner in value if inner.__class__ in _CONTAINERS]
    return count


def _colons(text: str) -> int:
    """How many `:` stand outside strings. Exact for JSON texts."""
    if "\\" in text:
        return _STRING.sub("", text).count(":")
    return "".join(text.split('"')[::2]).count(":")


def _parse_exactly(text: str) -> Any | Fault:
    if _depth(text) > MAX_DEPTH:
        return Fault(Reason.NOT_JSON, "", f"nested deeper than {MAX_DEPTH} levels")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return Fault(Reason.NOT_JSON, "", f"{error.msg} (character {error.pos})")
    except RecursionError:
        # Only a caller that has used up the stack itself meets this; see MAX_DEPTH.
        return Fault(Reason.NOT_JSON, "", "nested too deep")
    return [_lifted(item) for item in value] if isinstance(value, list) else _lifted(value)


def _lifted(value: Any) -> Any:
    """`value`, or the `Doubled` somewhere within it."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, Doubled):
            return inner
        if isinstance(inner, dict):
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner
    return value


def _depth(text: str) -> int:
    """The deepest nesting of arrays and objects. Exact for JSON texts."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | Doubled:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: dict[str, None] = {}
    for key, _ in pairs:
        if key in seen:
            return Doubled(key)
        seen[key] = None
    raise AssertionError("fewer members than pairs, yet no key twice")


def _integer(digits: str) -> int | float:
    """Long integers become floats: `int` is quadratic and refuses more than 4,300 digits."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)
