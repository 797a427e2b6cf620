"""Sites, thresholds, holds and spot thermometers of the fever rule."""

from dataclasses import replace

import pytest

from domain.people import Threshold
from domain.reading import Site
from rules.finding import Finding, Rule, Severity, SiteClass
from rules.rulebook import DEFAULT
from tests.unit.rules.making import Worn, findings, key, minutes, reading


def course(
    *readings: tuple[float, float], worn: Worn | None = None, site: Site = Site.NOT_GIVEN
) -> list[Finding]:
    """The findings of (minute, temperature) pairs."""
    return findings([reading(minutes(m), temperature_c=c, site=site) for m, c in readings], worn)


HELD = ((0, 38.0), (5, 38.2), (10, 38.1))


def test_a_fever_has_all_its_particulars() -> None:
    assert course(*HELD) == [
        Finding(
            key=key(Rule.FEVER, SiteClass.CORE),
            onset_at=minutes(0),
            ended_at=None,
            severity=Severity.URGENT,
            last_at=minutes(10),
            value=3810,
            peak=3820,
            limit=3730,
            origin="rulebook",
            site="axillary",
        )
    ]


@pytest.mark.parametrize(
    ("site", "limit_c"),
    [
        (Site.AXILLARY, 37.3),
        (Site.FOREHEAD, 37.3),
        (Site.ORAL, 37.8),
        (Site.TYMPANIC, 37.8),
        (Site.RECTAL, 38.0),
        (Site.WRIST, 37.3),
        (Site.FINGER, 37.3),
        (Site.UNKNOWN, 37.3),
    ],
)
def test_each_site_has_its_threshold(site: Site, limit_c: float) -> None:
    at_limit = [(minute, limit_c) for minute, _ in HELD]
    below = [(minute, limit_c - 0.01) for minute, _ in HELD]
    (finding,) = course(*at_limit, site=site)
    assert finding.limit == round(limit_c * 100)
    assert not course(*below, site=site)


@pytest.mark.parametrize("site", [Site.WRIST, Site.UNKNOWN, Site.TEMPORAL_ARTERY])
def test_skin_is_never_critical_and_never_core(site: Site) -> None:
    (finding,) = course((0, 40), (5, 40), (10, 40), site=site)
    assert finding.key.site_class is SiteClass.SKIN
    assert finding.severity is Severity.URGENT


def test_a_device_of_no_known_site_measures_skin() -> None:
    (finding,) = course(*HELD, worn=Worn(site=Site.NOT_GIVEN))
    assert (finding.key.site_class, finding.site) == (SiteClass.SKIN, "unknown")


def test_the_site_of_the_reading_goes_before_that_of_the_device() -> None:
    (finding,) = course(*HELD, worn=Worn(site=Site.WRIST), site=Site.TYMPANIC)
    assert (finding.key.site_class, finding.site) == (SiteClass.CORE, "tympanic")


def test_core_and_skin_are_two_runs() -> None:
    both = [
        reading(minutes(minute), temperature_c=38.0, site=site)
        for minute in (0, 5, 10)
        for site in (Site.AXILLARY, Site.WRIST)
    ]
    cool_skin = reading(minutes(7), temperature_c=33.0, site=Site.WRIST)
    assert len(findings(both)) == 2
    (finding,) = findings([*both[:4], cool_skin, *both[4:]])
    assert finding.key.site_class is SiteClass.CORE


def test_core_like_sites_share_a_run_each_against_its_own_threshold() -> None:
    def mixed(oral_c: float) -> list[Finding]:
        return findings(
            [
                reading(minutes(0), temperature_c=37.4, site=Site.AXILLARY),
                reading(minutes(5), temperature_c=oral_c, site=Site.ORAL),
                reading(minutes(10), temperature_c=37.4, site=Site.AXILLARY),
            ]
        )

    (finding,) = mixed(37.8)
    assert (finding.limit, finding.site, finding.peak) == (3730, "axillary", 3780)
    assert not mixed(37.7), "below the oral threshold, though above the axillary one"


@pytest.mark.parametrize(("worst_c", "severity"), [(39.09, "urgent"), (39.1, "critical")])
def test_it_is_critical_from_39_1(worst_c: float, severity: str) -> None:
    (finding,) = course((0, worst_c), (5, 38), (10, 38))
    assert finding.severity.word == severity


def test_it_ends_0_3_below_for_half_an_hour() -> None:
    (finding,) = course(*HELD, (20, 37.0), (35, 36.9), (50, 37.0))
    assert finding.ended_at == minutes(20)
    assert (finding.last_at, finding.value) == (minutes(10), 3810)


def test_0_29_below_is_not_clear() -> None:
    (finding,) = course(*HELD, (20, 37.01), (35, 36.9), (50, 37.0))
    assert finding.ended_at is None


SPARSE = Worn(interval_s=600)


def test_a_device_that_uploads_every_ten_minutes_needs_two_readings() -> None:
    (finding,) = course((0, 38), (1, 38), worn=SPARSE)
    assert finding.onset_at == minutes(0)
    assert len(course((0, 38), (30, 38), worn=SPARSE)) == 1
    assert len(course((0, 38), (0, 38.1), worn=SPARSE)) == 1
    assert not course((0, 38), (30.1, 38), worn=SPARSE), "three intervals are the longest gap"
    assert not course((0, 38), (10, 36), (20, 38), worn=SPARSE)


def test_and_two_to_end() -> None:
    (finding,) = course((0, 38), (10, 38), (20, 36), (30, 36), worn=SPARSE)
    assert finding.ended_at == minutes(20)
    (finding,) = course((0, 38), (10, 38), (20, 36), (60, 36), worn=SPARSE)
    assert finding.ended_at is None


SPOT = Worn(site=Site.FOREHEAD, interval_s=14_400, spot=True)
HOUR = 60


@pytest.mark.parametrize(
    ("readings", "found"),
    [
        pytest.param([(0, 37.8)], 1, id="half a degree above at once"),
        pytest.param([(0, 37.79)], 0, id="less is not enough"),
        pytest.param([(0, 37.3), (12 * HOUR, 37.3)], 1, id="twice within 12 hours"),
        pytest.param([(0, 37.3), (12 * HOUR + 0.1, 37.3)], 0, id="too far apart"),
        pytest.param([(0, 37.3), (HOUR, 37.2), (2 * HOUR, 37.3)], 0, id="cool in between"),
    ],
)
def test_spot_thermometers(readings: list[tuple[float, float]], found: int) -> None:
    assert len(course(*readings, worn=SPOT)) == found


def test_one_reading_below_the_threshold_ends_a_spot_fever() -> None:
    (finding,) = course((0, 38.4), (HOUR, 37.29), worn=SPOT)
    assert finding.ended_at == minutes(HOUR)


def test_a_persons_own_threshold_is_used_and_named() -> None:
    worn = Worn(fever={Site.AXILLARY: Threshold(3850, "dr-03")})
    assert not course(*HELD, worn=worn)
    (finding,) = course((0, 38.5), (5, 38.6), (10, 38.5), worn=worn)
    assert (finding.limit, finding.origin) == (3850, "dr-03")


def test_it_holds_until_it_expires_by_the_time_of_the_reading() -> None:
    worn = Worn(fever={Site.AXILLARY: Threshold(3850, "dr-03", expires_at=minutes(5))})
    (finding,) = course(*HELD, (15, 38.0), worn=worn)
    assert (finding.onset_at, finding.limit, finding.origin) == (minutes(5), 3730, "rulebook")


def test_a_persons_own_threshold_at_a_skin_site() -> None:
    worn = Worn(site=Site.WRIST, fever={Site.WRIST: Threshold(3600, "dr-03")})
    (finding,) = course((0, 36.0), (5, 36.2), (10, 36.1), worn=worn)
    assert (finding.key.site_class, finding.origin) == (SiteClass.SKIN, "dr-03")


def test_figures_come_from_the_rulebook() -> None:
    strict = replace(DEFAULT, fever=replace(DEFAULT.fever, hold_s=0, readings=1, skin_cc=3400))
    (finding,) = findings([reading(minutes(0), temperature_c=34.0, site=Site.WRIST)], None, strict)
    assert finding.limit == 3400


def test_readings_without_a_temperature_are_passed_over() -> None:
    readings = [reading(minutes(m), temperature_c=38.0) for m in (0, 5)]
    readings += [reading(minutes(6), pulse_bpm=70), reading(minutes(10), temperature_c=38.0)]
    assert len(findings(readings)) == 1
