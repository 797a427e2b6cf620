from dataclasses import replace

import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US
from simulator.band import (
    UPLOAD_LIMIT,
    Band,
    BandState,
    battery_pct,
    charging,
    measure,
    step,
    switch_on,
    wake_at,
)
from simulator.encoder import Sample
from simulator.incident import Incident, Kind
from tests.unit.simulator.worlds import START_AT, world

HOUR_LATER = START_AT + HOUR_US


def _band(*incidents: Incident, index: int = 0) -> Band:
    band = world("calm").bands[index]
    return replace(band, wearer=replace(band.wearer, incidents=incidents))


def _play(band: Band, from_at: int, until_at: int) -> list[tuple[int, tuple[Sample, ...]]]:
    """Uploads with the instant of each."""
    state, uploads = switch_on(band, from_at), []
    while (at := wake_at(band, state)) is not None and at <= until_at:
        state, samples = step(band, state, at)
        if samples:
            uploads.append((at, samples))
    return uploads


def _samples(uploads: list[tuple[int, tuple[Sample, ...]]]) -> list[Sample]:
    return [sample for _, samples in uploads for sample in samples]


def test_a_sample_a_minute_each_uploaded_when_measured() -> None:
    uploads = _play(_band(), START_AT, HOUR_LATER)
    assert [len(samples) for _, samples in uploads] == [1] * 61
    assert all(at == samples[0].measured_at for at, samples in uploads)
    assert [sample.seq for sample in _samples(uploads)] == [*range(1, 62)]


def test_switched_on_again_it_goes_on_as_if_it_had_never_stopped() -> None:
    band = _band()
    through = _samples(_play(band, START_AT, HOUR_LATER))
    again = _samples(_play(band, START_AT + 30 * MINUTE_US + 1, HOUR_LATER))
    assert [replace(sample, seq=0) for sample in again] == [
        replace(sample, seq=0) for sample in through[31:]
    ]
    assert again[0].seq == 1


def test_an_offline_band_measures_on_and_uploads_in_order() -> None:
    outage = Incident(Kind.OFFLINE, START_AT + 10 * MINUTE_US, START_AT + 40 * MINUTE_US)
    online = _samples(_play(_band(), START_AT, HOUR_LATER))
    uploads = _play(_band(outage), START_AT, HOUR_LATER)
    assert _samples(uploads) == online
    assert not [at for at, _ in uploads if outage.from_at <= at < START_AT + 40 * MINUTE_US]
    assert max(len(samples) for _, samples in uploads) == 31


def test_a_long_upload_comes_in_pieces() -> None:
    outage = Incident(Kind.OFFLINE, START_AT, START_AT + 5 * HOUR_US)
    uploads = _play(_band(outage), START_AT, START_AT + 5 * HOUR_US)
    assert [len(samples) for _, samples in uploads] == [UPLOAD_LIMIT] * 3 + [1]
    assert [sample.seq for sample in _samples(uploads)] == [*range(1, 302)]


def test_a_dead_band_measures_and_counts_nothing() -> None:
    outage = Incident(Kind.DEAD, START_AT + 10 * MINUTE_US, START_AT + 40 * MINUTE_US)
    samples = _samples(_play(_band(outage), START_AT, HOUR_LATER))
    assert [sample.seq for sample in samples] == [*range(1, 32)]
    times = [sample.measured_at for sample in samples]
    assert not [at for at in times if outage.from_at <= at < START_AT + 40 * MINUTE_US]


def test_dead_for_good_is_never_woken() -> None:
    band = _band(Incident(Kind.DEAD, START_AT + 10 * MINUTE_US, None))
    assert len(_samples(_play(band, START_AT, START_AT + DAY_US))) == 10
    assert wake_at(band, switch_on(band, START_AT + DAY_US)) is None


def test_asked_late_it_still_keeps_to_its_outages() -> None:
    outage = Incident(Kind.OFFLINE, START_AT + 10 * MINUTE_US, START_AT + 40 * MINUTE_US)
    band = _band(outage)
    state, samples = step(band, switch_on(band, START_AT), START_AT + 20 * MINUTE_US)
    assert len(samples) == 10
    assert wake_at(band, state) == outage.to_at


def test_what_exceeds_its_memory_is_lost_and_leaves_a_hole() -> None:
    band = _band()
    state, samples = step(band, switch_on(band, START_AT), START_AT + 2 * DAY_US)
    assert samples[0].measured_at == START_AT + DAY_US
    assert samples[0].seq == 1 + 24 * 60
    assert state.seq == samples[-1].seq + 1 if samples[-1].seq else False


def test_a_state_is_the_next_tick_and_number() -> None:
    band = _band()
    assert switch_on(band, START_AT) == BandState(tick=0, seq=1)
    assert step(band, BandState(tick=5, seq=3), START_AT) == (BandState(tick=5, seq=3), ())


@pytest.mark.parametrize("at", [START_AT - 1, START_AT, START_AT + 1, START_AT + 59_999_001])
def test_the_first_tick_is_never_before_the_instant(at: int) -> None:
    band = replace(_band(), interval_us=7_143, anchor_at=START_AT + 333)
    tick = band.tick_from(at)
    assert band.tick_at(tick - 1) < at <= band.tick_at(tick)
    assert band.tick_at(tick) % 1000 == 0


def test_on_the_table_it_feels_the_room_and_no_pulse() -> None:
    band = _band(Incident(Kind.OFF, START_AT, HOUR_LATER))
    off = measure(band, START_AT + MINUTE_US, 1)
    assert (off.worn, off.pulse_bpm, off.spo2_pct, off.steps) == (False, 0, None, 0)
    assert off.temperature_c is not None
    assert 20 < off.temperature_c < 28
    assert measure(band, HOUR_LATER, 1).worn


def test_a_flat_battery_warns_then_dies_and_is_charged() -> None:
    flat = Incident(Kind.FLAT, START_AT, START_AT + 9 * HOUR_US, onset_s=4 * 3600)
    band = _band(flat)
    samples = _samples(_play(band, START_AT, START_AT + 12 * HOUR_US))
    before = [sample for sample in samples if sample.measured_at < flat.blank_at]
    after = [sample for sample in samples if sample.measured_at >= flat.blank_at]
    levels = [sample.battery_pct or 0 for sample in before]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] <= 1
    warned = [s.measured_at for s in before if (s.battery_pct or 0) <= 15 and not s.charging]
    assert flat.blank_at - warned[0] > 20 * MINUTE_US
    assert after[0].measured_at >= START_AT + 9 * HOUR_US
    assert after[0].charging
    assert (after[0].battery_pct, after[-1].charging) == (5, False)


def test_an_ordinary_battery_never_runs_low() -> None:
    wearer = _band().wearer
    times = range(START_AT, START_AT + 5 * DAY_US, 10 * MINUTE_US)
    levels = [battery_pct(wearer, at) for at in times]
    assert min(levels) > 50
    assert max(levels) <= 97
    assert 0.03 < sum(charging(wearer, at) for at in times) / len(times) < 0.07


def test_a_beacon_is_heard_at_home_only() -> None:
    walk = Incident(Kind.OUT, START_AT, START_AT + 20 * MINUTE_US, size=300.0)
    assert measure(_band(walk), START_AT + 10 * MINUTE_US, 1).near_home is False
    assert measure(_band(), START_AT + 10 * MINUTE_US, 1).near_home is True
    assert measure(_band(index=1), START_AT + 10 * MINUTE_US, 1).near_home is None
