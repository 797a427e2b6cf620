"""What devices are told: which of their readings are committed (receipts), and what was wrong.

Contract section 3. A receipt follows from what is committed and from nothing else, so that a device
may forget what it covers. Errors are a courtesy to whoever builds a device: at most `ERRORS` a
second in all and `ERRORS_A_DEVICE` to one, and more are simply not told; every one of them is kept
as a rejection all the same.

What was refused for a device's rate is not counted as committed: the device is to send it again.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from domain.batch import MISSING, Rows
from domain.instant import SECOND_US
from ingest.directory import Directory
from ingest.receipts import Receipts, encode
from ingest.rejection import Reason, Rejection
from ingest.sequences import Advance, Sequences
from ingest.sources.port import Notice
from ingest.wire import boot_key
from ingest.work import RejectedMessage

RECEIPTS: Final = 500
"""A tick, to those who could wait. Each costs about as much as taking in a message."""
ERRORS: Final = 1_000
ERRORS_A_DEVICE: Final = 100
MOST_WORDS: Final = 1 << 20
"""Boot words remembered for receipts; beyond, the older ones are had from the next reading."""


def receipt_topic(device_id: str) -> str:
    """Where a device hears what is committed."""
    return f"doorstep/v1/devices/{device_id}/receipt"


def errors_topic(device_id: str) -> str:
    """Where a device hears what was wrong."""
    return f"doorstep/v1/devices/{device_id}/errors"


class Telling:
    """Keeps who has been told what. One advance is under way at a time, as in `Sequences`."""

    def __init__(self, sequences: Sequences) -> None:
        self.sequences = sequences
        """What is committed; only `committed` changes it."""
        self._receipts = Receipts()
        self._words: dict[int, str] = {}
        self._second = 0
        self._errors: Counter[str] = Counter()

    def advance(
        self, rows: Rows, rejected: Iterable[RejectedMessage], directory: Directory, now: int
    ) -> tuple[Advance, dict[int, str]]:
        """What committing these would say of numbers, and the boot words of what is rejected."""
        numbers, words = _numbers(rejected, directory)
        device_no = np.concatenate([rows["device_no"], numbers[0].astype(np.int32)])
        keys = np.concatenate([rows["boot_key"], numbers[1]])
        seq = np.concatenate([rows["seq"], numbers[2]])
        return self.sequences.advance(device_no, keys, seq, now), words

    def committed(self, advance: Advance, words: Mapping[int, str], now: int) -> None:
        """The advance is stored, with these boot words among its devices'."""
        if not len(advance.device_no):
            return
        self.sequences.take_over(advance)
        self._receipts.note(advance, now)
        if len(self._words) > MOST_WORDS:
            self._words.clear()
        self._words.update(words)

    def receipts(self, directory: Directory, now: int) -> list[Notice]:
        """The receipts that are due, as told: call it when they can be sent."""
        due = self._receipts.due(now, RECEIPTS)
        self._receipts.told(due, now)
        notices = []
        for device_no, key in due:
            standing = self.sequences.standing(device_no, key)
            word = None if key == MISSING["boot_key"] else self._words.get(key)
            named = device_no < len(directory.ids) and directory.ids[device_no]
            if standing is None or not named or (word is None and key != MISSING["boot_key"]):
                continue  # forgotten meanwhile: the next reading brings it up again
            payload = encode(word, standing.high, standing.missing, now)
            notices.append(Notice(receipt_topic(named), payload, 1))
        return notices

    def errors(self, rejected: Sequence[RejectedMessage], now: int) -> list[Notice]:
        """What to say of messages that were rejected in whole or in part, and are stored so."""
        if now // SECOND_US != self._second:
            self._second = now // SECOND_US
            self._errors.clear()
        notices = []
        for message in rejected:
            device_id = message.device_id
            if device_id is None or message.resubmitted:
                continue
            topic = errors_topic(device_id)
            notices += [
                Notice(topic, _said(rejection), 0)
                for rejection in message.rejections
                if self._may_tell(device_id)
            ]
        return notices

    def _may_tell(self, device_id: str) -> bool:
        if self._errors.total() >= ERRORS or self._errors[device_id] >= ERRORS_A_DEVICE:
            return False
        self._errors[device_id] += 1
        return True


def _said(rejection: Rejection) -> bytes:
    document = {
        "boot": rejection.boot,
        "seq": None if rejection.seq < 0 else rejection.seq,
        "reason": rejection.reason.value,
        "pointer": rejection.pointer,
        "detail": rejection.detail,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _numbers(
    rejected: Iterable[RejectedMessage], directory: Directory
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], dict[int, str]]:
    """(device_no, boot_key, seq) of readings that were rejected whole. Shape (3, n)."""
    found: list[tuple[int, int, int]] = []
    words: dict[int, str] = {}
    for message in rejected:
        device = directory.roster.devices.get(message.device_id or "")
        if device is None:
            continue
        for rejection in message.rejections:
            if counts_as_committed(rejection):
                key = MISSING["boot_key"]
                if rejection.boot is not None:
                    key = boot_key(rejection.boot)
                    words[key] = rejection.boot
                found.append((device.no, key, rejection.seq))
    return np.array(found, dtype=np.int64).reshape(-1, 3).T, words


def counts_as_committed(rejection: Rejection) -> bool:
    """Whether this settles a number: a reading that was rejected whole, for good."""
    final = rejection.reason is not Reason.RATE_LIMITED
    return rejection.seq >= 0 and not rejection.rest_stored and final
