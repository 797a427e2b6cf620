from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.window import Window

ids = st.integers(1, 20)


def test_a_message_is_admitted_once_until_it_is_settled() -> None:
    window = Window(3)
    assert window.admit(7) == (3, 7)
    assert window.admit(7) is None
    assert window.settle([(3, 7)]) == [7]
    assert window.admit(7) == (3, 7)


def test_tokens_settle_once_in_order_and_only_in_their_generation() -> None:
    window = Window(3)
    for packet_id in (1, 2, 3):
        window.admit(packet_id)
    assert window.settle([(2, 1), (3, 3), (3, 9), (3, 1), (3, 3), (4, 2)]) == [3, 1]
    assert window.unconfirmed == {2}


@given(st.lists(ids), st.lists(st.tuples(st.integers(1, 3), ids)))
def test_only_what_was_admitted_here_is_settled_and_only_once(
    admitted: list[int], tokens: list[tuple[int, int]]
) -> None:
    window = Window(2)
    for packet_id in admitted:
        window.admit(packet_id)
    settled = window.settle(tokens)
    mine = {packet_id for generation, packet_id in tokens if generation == 2}
    assert len(settled) == len({*settled})
    assert {*settled} == {*admitted} & mine
    assert window.unconfirmed == {*admitted} - mine
    assert window.settle(tokens) == []
