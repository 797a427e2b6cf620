"""A token is named by its first letters, and by nothing that might be another's."""

from dataclasses import replace

import pytest

from alerts.tokens import KEPT, SHORTEST, NotOneToken, Scope, State, Token, named

NOW = 1_770_000_000_000_000


def token(prefix: str, *, staff: str = "dr-1", **given: int | None) -> Token:
    instants = {"created_at": NOW - 10, "expires_at": NOW + 10, "used_at": None, "revoked_at": None}
    return Token(prefix.encode(), prefix, staff, Scope.ACT, **{**instants, **given})  # type: ignore[arg-type]


ONE, TWO = token("dst_abcdefgh"), token("dst_abcdxyz0", staff="dr-2")
OLD = token("dst_abzz")
"""From when eight letters were kept."""


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("dst_abcdefgh", ONE),
        ("dst_abcde", ONE),
        ("dst_abcdx", TWO),
        ("dst_abcdefghAndWhatElseWasSeen", ONE),
        ("dst_abzz", OLD),
        ("dst_abzzMore", OLD),
        ("dst_abzzMoreAndMore", OLD),
    ],
)
def test_the_first_letters_say_which(given: str, meant: Token) -> None:
    assert named([ONE, TWO, OLD], given, b"") is meant


def test_a_whole_token_is_itself_whatever_else_begins_so() -> None:
    twin = replace(ONE, sha256=b"twin", staff="dr-2")
    assert named([ONE, twin], "dst_abcdefgh and the rest", b"twin") is twin
    with pytest.raises(NotOneToken, match="2 tokens begin with dst_abcdefgh: "):
        named([ONE, twin], "dst_abcdefgh", b"")


def test_letters_that_are_all_that_was_kept_are_that_one() -> None:
    old = token("dst_abcd")
    assert named([ONE, old], "dst_abcd", b"") is old
    assert named([ONE, old], "dst_abcdefgh", b"") is ONE
    with pytest.raises(NotOneToken, match="2 tokens"):
        named([ONE, old], "dst_abcde", b"")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "at least 8"),
        ("dst_", "at least 8"),
        ("dst_abc", "at least 8"),
        ("dst_abcd", "2 tokens begin with dst_abcd: dst_abcdefgh of dr-1, dst_abcdxyz0 of dr-2"),
        ("dst_nothing", "no token begins with dst_nothing$"),
        ("wholly_other", "no token begins"),
    ],
)
def test_what_is_too_short_or_not_one_is_refused(given: str, why: str) -> None:
    with pytest.raises(NotOneToken, match=why):
        named([ONE, TWO, OLD], given, b"")


def test_a_refusal_says_no_more_of_a_token_than_is_kept() -> None:
    with pytest.raises(NotOneToken) as refusal:
        named([], "dst_abcdefghSECRET", b"")
    assert "SECRET" not in str(refusal.value)


def test_many_are_not_all_named() -> None:
    many = [token(f"dst_abcd{n:04}") for n in range(50)]
    with pytest.raises(NotOneToken) as refusal:
        named(many, "dst_abcd", b"")
    assert str(refusal.value).count(" of dr-1") == 5


def test_the_lengths_fit_the_letters_of_a_token() -> None:
    assert len("dst_") + 4 == SHORTEST
    assert len("dst_") + 8 == KEPT


def test_it_is_valid_until_it_expires_or_is_revoked() -> None:
    plain = token("dst_abcdefgh")
    assert [plain.state(NOW + n) for n in (9, 10)] == [State.VALID, State.EXPIRED]
    assert token("dst_abcdefgh", revoked_at=NOW).state(NOW) is State.REVOKED
    assert token("dst_abcdefgh", revoked_at=NOW).state(NOW + 20) is State.REVOKED
