from argon2 import PasswordHasher

from alerts.passwords import hashed, matches, new_session, new_token, outdated, sha256


def test_a_password_matches_its_own_hash_alone() -> None:
    kept = hashed("korrekt pferd")
    assert kept.startswith("$argon2id$")
    assert matches("korrekt pferd", kept)
    assert not matches("korrekt pferd ", kept)
    assert hashed("korrekt pferd") != kept, "salted"


def test_nobody_signs_in_where_no_password_is_set() -> None:
    assert not matches("", None)
    assert not matches("anything", None)


def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not matches("anything", "not a hash")


def test_a_hash_of_other_parameters_is_outdated_and_still_matches() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("korrekt pferd")
    assert matches("korrekt pferd", weaker)
    assert outdated(weaker)
    assert not outdated(hashed("korrekt pferd"))


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)} | {new_session() for _ in range(100)}
    assert len(tokens) == 200
    assert min(map(len, tokens)) >= 43, "256 bits"


def test_any_text_can_be_looked_up() -> None:
    assert sha256("\ud800") != sha256("é")
