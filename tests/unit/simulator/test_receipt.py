"""What a device understands of what the service says back."""

import json

import pytest

from simulator.receipt import Receipt, decode, device_of


def test_the_receipt_of_the_contract() -> None:
    payload = (
        b'{"boot": "a1", "seq": 1017, "missing": [[1003, 1004]], "at": "2026-02-03T04:05:06Z"}'
    )
    assert decode(payload) == Receipt("a1", 1017, ((1003, 1004),))


def test_ranges_are_put_in_order() -> None:
    assert decode(b'{"boot":"b","seq":9,"missing":[[5,6],[1,2]]}') == Receipt(
        "b", 9, ((1, 2), (5, 6))
    )


@pytest.mark.parametrize("payload", [b'{"boot":null,"seq":3}', b'{"seq":3,"missing":[],"new":1}'])
def test_what_may_be_left_out(payload: bytes) -> None:
    assert decode(payload) == Receipt(None, 3)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[" * 3000,
        b"[]",
        b"3",
        b"{}",
        b'{"seq":true}',
        b'{"seq":-1}',
        b'{"seq":1.0}',
        b'{"seq":"1"}',
        b'{"seq":9223372036854775808}',
        b'{"seq":1,"boot":2}',
        b'{"seq":1,"missing":{}}',
        b'{"seq":1,"missing":[1]}',
        b'{"seq":1,"missing":[[1]]}',
        b'{"seq":1,"missing":[[2,1]]}',
        b'{"seq":1,"missing":[[1,null]]}',
        json.dumps({"seq": 99, "missing": [[2 * n, 2 * n] for n in range(17)]}).encode(),
        json.dumps({"seq": 1, "more": "x" * 5000}).encode(),
    ],
)
def test_what_is_not_understood_is_no_receipt(payload: bytes) -> None:
    assert decode(payload) is None


def test_a_topic_says_whose_it_is() -> None:
    assert device_of("doorstep/v1/devices/w-1/receipt") == "w-1"
    for topic in ("doorstep/v1/devices/w-1/errors", "doorstep/v1/devices/a/b/receipt", "receipt"):
        assert device_of(topic) is None
