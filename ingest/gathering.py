"""The open batch: envelopes gathered until a transaction takes them, decoded in chunks.

Messages are decoded when a chunk of them has come, or when the batch is closed: many at once cost
far less than each by itself. Chunks go the straight road (`ingest.straight`); what is not plainly
all right, and what is too little to be worth it, goes the exact one (`ingest.wire`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import READING, Rows, digests, rows_of
from ingest.directory import Directory
from ingest.sources.port import Envelope, Token
from ingest.straight import decode_straight
from ingest.wire import Decoded, decode
from ingest.work import RejectedMessage

NO_ROWS: Final[Rows] = np.empty(0, dtype=READING)
NO_ORIGINS: Final[npt.NDArray[np.int32]] = np.empty(0, dtype=np.int32)

CHUNK_MESSAGES: Final = 500
CHUNK_BYTES: Final = 200_000
"""Whichever comes first. Larger ones leave the processor's cache and are dearer by the reading."""
FEW: Final = 24
"""Fewer messages are cheaper one by one (measured)."""

Origins = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where gathering stops, and how many unconfirmed messages the source lets through."""

    readings: int = 5_000
    payload_bytes: int = 4_000_000
    age_ms: int = 50
    window: int = 2_000


@dataclass(slots=True)
class OpenBatch:
    """Messages in order of arrival. Bounded by whoever pauses the source."""

    messages: list[Envelope] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    parts: list[tuple[Rows, Origins]] = field(default_factory=list)
    """Rows without digests, with the index of each row's message."""
    rejected: list[RejectedMessage] = field(default_factory=list)
    boots: dict[int, str] = field(default_factory=dict)
    """The boot words of the rows, by `ingest.wire.boot_key`."""
    payload_bytes: int = 0
    unknown_fields: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _decoded: int = 0
    _readings: int = 0
    _waiting_bytes: int = 0

    @property
    def readings(self) -> int:
        """Rows so far; a message not yet decoded counts as one."""
        return self._readings + len(self.messages) - self._decoded

    def full(self, limits: Limits) -> bool:
        """Whether it must be closed whatever its age."""
        return (
            self.readings >= limits.readings
            or self.payload_bytes >= limits.payload_bytes
            or len(self.messages) >= limits.readings
        )

    def gather(self, envelopes: Sequence[Envelope], directory: Directory) -> None:
        """Takes the envelopes in, and decodes if enough have come."""
        self.messages += envelopes
        self.tokens += [each.token for each in envelopes if each.token is not None]
        size = sum([len(each.payload) for each in envelopes])
        self.payload_bytes += size
        self._waiting_bytes += size
        waiting = len(self.messages) - self._decoded
        if waiting >= CHUNK_MESSAGES or self._waiting_bytes >= CHUNK_BYTES:
            self.decode(directory)

    def started_over(self) -> "OpenBatch":
        """The same messages, none of them decoded: all of a batch is judged by one roster."""
        return OpenBatch(
            messages=self.messages,
            tokens=self.tokens,
            payload_bytes=self.payload_bytes,
            _waiting_bytes=self.payload_bytes,
        )

    def decode(self, directory: Directory) -> None:
        """Decodes what has not been decoded yet."""
        waiting = self.messages[self._decoded :]
        left: Sequence[int] = range(len(waiting))
        if len(waiting) >= FEW:
            straight = decode_straight(waiting, directory)
            left = straight.left
            self.boots |= straight.boots
            self._keep(straight.rows, straight.origins)
        if left:
            self._decode_each(waiting, left, directory)
        self._decoded = len(self.messages)
        self._waiting_bytes = 0

    def rows(self) -> tuple[Rows, Origins]:
        """The decoded rows in order, with digests, and for each the index of its message."""
        if not self.parts:
            return NO_ROWS, NO_ORIGINS
        rows = np.concatenate([part for part, _ in self.parts])
        origins = np.concatenate([of for _, of in self.parts])
        rows["digest"] = digests(rows)
        order = np.lexsort((rows["digest"], rows["measured_at"], rows["slot"]))
        return rows[order], origins[order]

    def _keep(self, rows: Rows, origins: Origins) -> None:
        if len(rows):
            self.parts.append((rows, origins + np.int32(self._decoded)))
            self._readings += len(rows)

    def _decode_each(
        self, waiting: Sequence[Envelope], which: Sequence[int], directory: Directory
    ) -> None:
        tuples: list[tuple[int, ...]] = []
        origins: list[int] = []
        for n in which:
            envelope = waiting[n]
            decoded = decode(
                envelope.topic,
                envelope.payload,
                envelope.received_at,
                directory.roster,
                directory.slots,
            )
            tuples += decoded.rows
            origins += [n] * len(decoded.rows)
            self.boots |= decoded.boots
            self.unknown_fields += decoded.unknown_fields
            if decoded.rejections:
                self._keep_rejected(envelope, decoded)
        if tuples:
            self._keep(rows_of(tuples), np.array(origins, dtype=np.int32))

    def _keep_rejected(self, envelope: Envelope, decoded: Decoded) -> None:
        self.reasons.update(rejection.reason for rejection in decoded.rejections)
        self.rejected.append(
            RejectedMessage(
                envelope.topic,
                decoded.device_id,
                envelope.payload,
                envelope.received_at,
                tuple(decoded.rejections),
            )
        )
