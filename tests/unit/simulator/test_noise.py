from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.noise import Channel, Noise, smoothstep

INDEX = st.integers(-(2**70), 2**70)
CHANNEL = st.sampled_from(Channel)


def test_it_mixes_as_splitmix64_does() -> None:
    # The first outputs of the published generator with seed 0; the channel's offset is undone.
    offset = (-Channel.CORE * 0xD1B54A32D192ED03) % 2**64
    assert [Noise(offset).bits(Channel.CORE, n) for n in (1, 2, 3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


def test_the_same_words_are_the_same_source_on_every_machine() -> None:
    assert Noise.of("doorstep", "community", 7).key == 18383067469568292554


@given(key=st.integers(0, 2**64 - 1), channel=CHANNEL, n=INDEX)
def test_draws_stay_in_their_bounds(key: int, channel: Channel, n: int) -> None:
    noise = Noise(key)
    assert 0.0 <= noise.uniform(channel, n) < 1.0
    assert 5.0 <= noise.between(channel, n, 5.0, 6.0) < 6.0
    assert abs(noise.bell(channel, n)) < 3.47
    assert -1.0 <= noise.smooth(channel, n / 7) <= 1.0


def test_words_and_channels_are_independent() -> None:
    a, b = Noise.of("a", 1), Noise.of("a1")
    draws = [
        tuple(source.bits(channel, n) for n in range(50))
        for source in (a, b)
        for channel in (Channel.CORE, Channel.SKIN)
    ]
    assert len(set(draws)) == 4
    assert len({bits for row in draws for bits in row}) == 200


def test_the_bell_has_mean_zero_and_deviation_one() -> None:
    noise = Noise.of("bell")
    draws = [noise.bell(Channel.SENSOR, n) for n in range(20_000)]
    assert abs(sum(draws) / len(draws)) < 0.03
    assert abs(sum(draw * draw for draw in draws) / len(draws) - 1.0) < 0.03


def test_a_smooth_curve_has_no_jumps() -> None:
    noise = Noise.of("curve")
    curve = [noise.smooth(Channel.CORE, n / 1000) for n in range(-3000, 3000)]
    assert max(abs(b - a) for a, b in pairwise(curve)) < 0.004
    assert max(curve) - min(curve) > 0.5


def test_smoothstep_goes_from_nothing_to_all() -> None:
    assert [smoothstep(x) for x in (-1, 0, 0.5, 1, 2)] == [0, 0, 0.5, 1, 1]
