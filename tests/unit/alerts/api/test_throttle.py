from alerts.api.throttle import ENTRIES, PER_ADDRESS, PER_MEMBER, WINDOW_US, Ration, Throttle
from domain.instant import SECOND_US

NOW = 1_770_000_000_000_000


def test_a_few_failures_cost_nothing_and_then_a_minute() -> None:
    throttle = Throttle()
    for _ in range(PER_MEMBER):
        assert throttle.wait_s("dr-1", "10.0.0.1", NOW) == 0
        throttle.failed("dr-1", "10.0.0.1", NOW)
    assert throttle.wait_s("dr-1", "10.0.0.1", NOW) == 60
    assert throttle.wait_s("dr-1", "10.0.0.1", NOW + 59 * SECOND_US + 1) == 1
    assert throttle.wait_s("dr-1", "10.0.0.1", NOW + WINDOW_US) == 0


def test_nobody_can_keep_a_doctor_out_from_elsewhere() -> None:
    throttle = Throttle()
    for _ in range(100):
        throttle.failed("dr-1", "10.0.0.1", NOW)
    assert throttle.wait_s("dr-1", "10.0.0.2", NOW) == 0


def test_one_address_cannot_try_everybody() -> None:
    throttle = Throttle()
    for number in range(PER_ADDRESS):
        throttle.failed(f"dr-{number}", "10.0.0.1", NOW)
    assert throttle.wait_s("dr-999", "10.0.0.1", NOW) > 0


def test_a_ration_is_for_a_window_and_for_a_name() -> None:
    ration = Ration(2)
    assert [ration.take("dr-1", NOW + n) for n in range(3)] == [True, True, False]
    assert ration.take("dr-2", NOW)
    assert not ration.take("dr-1", NOW + WINDOW_US - 1)
    assert ration.take("dr-1", NOW + WINDOW_US)


def test_it_remembers_only_so_many() -> None:
    throttle = Throttle()
    for number in range(ENTRIES):
        throttle.failed(f"dr-{number}", f"address-{number}", NOW)
    assert len(throttle._failures) == ENTRIES
