"""What a device hears: receipts of what is committed, errors as a courtesy, both within bounds."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from domain.batch import Rows, rows_of
from domain.instant import DAY_US, SECOND_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.directory import Directory
from ingest.missing import Standing
from ingest.rejection import MESSAGE, Reason, Rejection
from ingest.sequences import Sequences
from ingest.sources.port import Notice
from ingest.telling import ERRORS, ERRORS_A_DEVICE, Telling, counts_as_committed
from ingest.wire import boot_key, decode
from ingest.work import RejectedMessage

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
EPISODE = Episode(1, "e-1", NOW - DAY_US, NOW + DAY_US, None, None)
ROSTER = Roster(
    version=1,
    devices={
        f"w-{n}": Device(n, f"w-{n}", "band-a", Site.WRIST, 60, spot=False) for n in range(1, 4)
    },
    episodes={1: EPISODE},
    assignments={n: (Assignment(n, 1, NOW - DAY_US, None),) for n in range(1, 4)},
)
DIRECTORY = Directory.of(ROSTER, {(1, n): n for n in range(1, 4)})


class Service:
    """Telling with a ledger that stores everything at once."""

    def __init__(self, sequences: Sequences | None = None) -> None:
        self.sequences = Sequences() if sequences is None else sequences
        self.telling = Telling(self.sequences)

    def decoded(
        self, device: str, *readings: dict[str, object]
    ) -> tuple[Rows, list[RejectedMessage], dict[int, str]]:
        body = [
            {"measured_at": format_rfc3339(NOW - n * SECOND_US), "temperature_c": 33.0, **each}
            for n, each in enumerate(readings)
        ]
        topic, payload = f"doorstep/v1/devices/{device}/readings", json.dumps(body).encode()
        judged = decode(topic, payload, NOW, ROSTER, DIRECTORY.slots)
        rejected = []
        if judged.rejections:
            faults = tuple(judged.rejections)
            rejected = [RejectedMessage(topic, judged.device_id, payload, NOW, faults)]
        return rows_of(judged.rows), rejected, judged.boots

    def stores(self, device: str, *readings: dict[str, object], now: int = NOW) -> None:
        rows, rejected, boots = self.decoded(device, *readings)
        advance, words = self.telling.advance(rows, rejected, DIRECTORY, now)
        self.telling.committed(advance, boots | words, now)

    def says(self, now: int) -> list[dict[str, Any]]:
        return [_read(notice) for notice in self.telling.receipts(DIRECTORY, now)]


def _read(notice: Notice) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(notice.payload)
    said["to"], said["qos"] = notice.topic, notice.qos
    said.pop("at", None)
    return said


def _receipt(device: str, boot: str | None, seq: int, *missing: list[int]) -> dict[str, Any]:
    topic = f"doorstep/v1/devices/{device}/receipt"
    return {"boot": boot, "seq": seq, "missing": [*missing], "to": topic, "qos": 1}


def test_an_advance_that_is_not_committed_is_told_to_nobody() -> None:
    service = Service()
    rows, rejected, _ = service.decoded("w-1", {"boot": "a", "seq": 1})
    service.telling.advance(rows, rejected, DIRECTORY, NOW)
    assert service.says(NOW) == []
    assert service.sequences.standing(1, boot_key("a")) is None


def test_a_receipt_names_boot_high_and_missing_and_is_told_once() -> None:
    service = Service()
    readings: list[dict[str, object]] = [{"boot": "a1", "seq": seq} for seq in (1, 2, 4, 5)]
    service.stores("w-1", *readings)
    service.stores("w-2", {"seq": 7})
    assert service.says(NOW) == [
        _receipt("w-1", "a1", 5, [3, 3]),
        _receipt("w-2", None, 7, [1, 6]),
    ]
    assert service.says(NOW + SECOND_US) == []
    service.stores("w-1", {"boot": "a1", "seq": 3}, now=NOW + SECOND_US)
    assert service.says(NOW + SECOND_US) == [_receipt("w-1", "a1", 5)]


def test_who_sends_no_numbers_hears_nothing() -> None:
    service = Service()
    service.stores("w-1", {}, {"boot": "a"})
    assert service.says(NOW + 3_600 * SECOND_US) == []


def test_duplicates_are_receipted() -> None:
    service = Service()
    for second in range(3):
        service.stores("w-1", {"seq": 1}, now=NOW + second * SECOND_US)
        assert service.says(NOW + second * SECOND_US) == [_receipt("w-1", None, 1)]


def test_what_was_rejected_whole_is_committed_under_its_own_word() -> None:
    """Also where no reading of that boot was ever stored, so that only the rejection has it."""
    service = Service()
    service.stores("w-1", {"boot": "b", "seq": 1, "temperature_c": "hot"})
    assert service.says(NOW) == [_receipt("w-1", "b", 1)]


@pytest.mark.parametrize("spoilt", [{"temperature_c": "hot"}, {"measured_at": 0}])
def test_another_devices_number_settles_nothing(spoilt: dict[str, object]) -> None:
    service = Service()
    service.stores("w-1", {"device_id": "w-2", "seq": 1, **spoilt})
    assert service.says(NOW) == []
    assert service.sequences.standing(1, 0) is service.sequences.standing(2, 0) is None


def test_a_dropped_quantity_is_no_second_number() -> None:
    service = Service()
    service.stores("w-1", {"seq": 1, "pulse_bpm": 999})
    assert service.sequences.standing(1, 0) == Standing(1)


def _rejection(reason: Reason, seq: int = 1, *, rest_stored: bool = False) -> Rejection:
    return Rejection(reason, 0, "/x", "why", rest_stored=rest_stored, boot="a", seq=seq)


def test_what_settles_a_number() -> None:
    """Not what is to come again, not what is a row, and not what has no number."""
    assert counts_as_committed(_rejection(Reason.SCHEMA))
    assert not counts_as_committed(_rejection(Reason.RATE_LIMITED))
    assert not counts_as_committed(_rejection(Reason.SCHEMA, seq=-1))
    assert not counts_as_committed(_rejection(Reason.OUT_OF_RANGE, rest_stored=True))


def test_a_rejection_of_a_device_nobody_knows_says_nothing_of_numbers() -> None:
    service = Service()
    message = RejectedMessage("t", "w-9", b"", NOW, (_rejection(Reason.SCHEMA),))
    advance, words = service.telling.advance(rows_of([]), [message], DIRECTORY, NOW)
    assert (len(advance.device_no), words) == (0, {})


def test_after_a_restart_a_boot_is_told_of_once_its_word_is_known() -> None:
    sequences = Sequences()
    key = np.array([boot_key("a")], dtype=np.int64)
    sequences.recall(np.array([1]), key, np.array([1], dtype=np.int64), NOW)
    service = Service(sequences)
    assert service.says(NOW) == []
    service.stores("w-1", {"boot": "a", "seq": 2})
    assert service.says(NOW) == [_receipt("w-1", "a", 2)]


def _message(device: str | None, count: int = 1, **more: Any) -> RejectedMessage:
    rejections = (_rejection(Reason.SCHEMA),) * count
    return RejectedMessage("t", device, b"", NOW, rejections, **more)


def test_an_error_says_what_was_wrong_with_which_reading() -> None:
    telling = Telling(Sequences())
    whole = Rejection(Reason.NOT_JSON, MESSAGE, "", "no", rest_stored=False)
    messages = [_message("w-1"), replace(_message("w-2"), rejections=(whole,))]
    topic = "doorstep/v1/devices/{}/errors"
    fields = {"boot": "a", "seq": 1, "reason": "schema", "pointer": "/x", "detail": "why"}
    nothing = {"boot": None, "seq": None, "reason": "not_json", "pointer": "", "detail": "no"}
    assert [_read(notice) for notice in telling.errors(messages, NOW)] == [
        {**fields, "to": topic.format("w-1"), "qos": 0},
        {**nothing, "to": topic.format("w-2"), "qos": 0},
    ]


def test_nobody_is_told_of_what_came_on_no_topic_of_ours_or_is_judged_again() -> None:
    telling = Telling(Sequences())
    messages = [_message(None), _message("w-1", resubmitted=True)]
    assert telling.errors(messages, NOW) == []


def test_errors_are_bounded_for_a_device_and_in_all_anew_each_second() -> None:
    telling = Telling(Sequences())
    assert len(telling.errors([_message("w-0", 1_000)], NOW)) == ERRORS_A_DEVICE
    assert telling.errors([_message("w-0")], NOW) == []
    many = [_message(f"w-{n}", 60) for n in range(1, 30)]
    assert len(telling.errors(many, NOW)) == ERRORS - ERRORS_A_DEVICE
    assert len(telling.errors(many, NOW + SECOND_US)) == ERRORS
