"""A short crash run with a fixed seed, on each broker; `make crash` runs longer ones."""

import pytest

from tests.crash.nemesis import BROKERS
from tests.crash.runner import Plan, crash

SEED = 1
SECONDS = 20
PER_S = 200


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("broker", sorted(BROKERS))
def test_nothing_is_lost_and_nothing_doubled(broker: str) -> None:
    told: list[str] = []
    plan = Plan(broker, SEED, SECONDS, PER_S, BROKERS[broker])
    assert crash(plan, told.append), "\n".join(told)
