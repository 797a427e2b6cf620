"""The short form with a fixed seed, on each broker; `make crash` runs longer ones."""

import pytest

from tests.crash.plans import OWN, short
from tests.crash.runner import crash
from tests.crash.serving import crash_serve, plan

SEED = 1
PER_S = {"mosquitto": 100, "mosquitto-2.1": 200, "nats": 200}
"""Mosquitto 2.0 writes its whole store for each change, and bears less."""


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("broker", sorted(OWN))
def test_nothing_is_lost_and_nothing_doubled(broker: str) -> None:
    told: list[str] = []
    assert crash(short(broker, SEED, PER_S[broker]), told.append), "\n".join(told)


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_twenty_kills_of_serve_lose_no_event_at_any_sink_and_do_no_deed_twice() -> None:
    told: list[str] = []
    assert crash_serve(plan(SEED), told.append), "\n".join(told)
