from collections.abc import Sequence

from ingest.sources import gate as gate_module
from ingest.sources.gate import Gate
from ingest.sources.port import Envelope


class Calls:
    """What was delivered, call by call."""

    def __init__(self) -> None:
        self.made: list[list[bytes]] = []

    def deliver(self, envelopes: Sequence[Envelope]) -> None:
        self.made.append([each.payload for each in envelopes])


def sent(*payloads: bytes, qos: int = 1) -> list[Envelope]:
    return [Envelope((1, 1) if qos else None, "t", payload, 0) for payload in payloads]


def test_it_is_shut_until_the_subscription_is_granted() -> None:
    calls = Calls()
    gate = Gate(calls.deliver, paused=False)
    gate.pass_on(sent(b"1"))
    gate.pass_on(sent(b"2"))
    assert calls.made == []
    gate.grant()
    gate.pass_on(sent(b"3"))
    gate.pass_on(sent(b"4"))
    assert calls.made == [[b"1", b"2", b"3"], [b"4"]]


def test_paused_it_holds_and_then_hands_over_in_order_in_one_call() -> None:
    calls = Calls()
    gate = Gate(calls.deliver, paused=False)
    gate.grant()
    gate.pause()
    gate.pass_on(sent(b"1", b"2"))
    gate.pass_on(sent(b"3"))
    assert (calls.made, gate.paused) == ([], True)
    gate.resume()
    gate.pass_on([])
    assert (calls.made, gate.paused) == ([[b"1", b"2", b"3"]], False)


def test_it_may_be_paused_from_the_start() -> None:
    calls = Calls()
    gate = Gate(calls.deliver, paused=True)
    gate.grant()
    gate.pass_on(sent(b"1"))
    assert calls.made == []


def test_nothing_is_not_delivered() -> None:
    calls = Calls()
    gate = Gate(calls.deliver, paused=False)
    gate.grant()
    gate.pass_on([])
    assert calls.made == []


def test_a_pause_from_within_deliver_holds_what_comes_next() -> None:
    calls = Calls()

    def deliver(envelopes: Sequence[Envelope]) -> None:
        calls.deliver(envelopes)
        gate.pause()

    gate = Gate(deliver, paused=False)
    gate.grant()
    gate.pass_on(sent(b"1"))
    gate.pass_on(sent(b"2"))
    assert calls.made == [[b"1"]]


def test_what_has_no_promise_is_not_held_without_bound() -> None:
    calls = Calls()
    gate = Gate(calls.deliver, paused=True)
    gate.grant()
    flood = sent(*[b"0"] * 1000, qos=0)
    for _ in range(gate_module.HELD_MAX // 1000 + 5):
        gate.pass_on(flood)
    gate.pass_on([*flood, *sent(b"promised")])
    gate.resume()
    gate.pass_on([])
    (held,) = calls.made
    assert len(held) <= gate_module.HELD_MAX + 1
    assert held[-1] == b"promised"
