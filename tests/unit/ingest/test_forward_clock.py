from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.forward_clock import ForwardClock


@given(st.lists(st.integers(0, 2**62), min_size=1))
def test_it_goes_by_what_instants_went_forward(instants: list[int]) -> None:
    clock = ForwardClock()
    told = [clock.tell(now) for now in instants]
    forward = [max(0, after - before) for before, after in pairwise(instants)]
    assert told == [sum(forward[:count]) for count in range(len(instants))]
    assert clock.elapsed_us == told[-1]
