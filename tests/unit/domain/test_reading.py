"""The vocabulary of one reading."""

import pytest

from domain.reading import CORE_LIKE, Datum, Site, centi, half_up


@pytest.mark.parametrize(
    ("word", "site"),
    [
        ("axillary", Site.AXILLARY),
        (" Temporal Artery ", Site.TEMPORAL_ARTERY),
        ("WRIST", Site.WRIST),
        ("elbow", Site.UNKNOWN),
        ("", Site.UNKNOWN),
        ("not_given", Site.UNKNOWN),
    ],
)
def test_sites_by_their_words(word: str, site: Site) -> None:
    assert Site.of(word) is site


def test_words_are_those_of_the_wire() -> None:
    assert [site.word for site in CORE_LIKE] == [
        "axillary",
        "forehead",
        "oral",
        "tympanic",
        "rectal",
    ]
    assert [datum.word for datum in Datum] == ["wgs84", "gcj02", "bd09"]


def test_numbers_of_sites_are_stored_and_never_change() -> None:
    assert [(site.name, site.value) for site in Site][:5] == [
        ("NOT_GIVEN", 0),
        ("UNKNOWN", 1),
        ("AXILLARY", 2),
        ("FINGER", 3),
        ("FOREHEAD", 4),
    ]


@pytest.mark.parametrize(
    ("value_c", "value_cc"), [(36.7, 3670), (37.3, 3730), (37.294, 3729), (37.295, 3730), (0, 0)]
)
def test_centi_degrees(value_c: float, value_cc: int) -> None:
    assert centi(value_c) == value_cc


def test_halves_go_up() -> None:
    assert [half_up(each) for each in (0.4, 0.5, 1.5, -0.5)] == [0, 1, 2, 0]
