from domain import faults
from domain.faults import Point


def test_nothing_happens_at_a_point_by_default() -> None:
    done: list[str] = []
    for point in Point:
        faults.reached(point)
        faults.reached(point, lambda _die: done.append("acted"))
    assert done == []
