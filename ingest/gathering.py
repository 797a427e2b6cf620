"""The open batch: envelopes gathered until a transaction takes them, decoded in chunks.

Messages are decoded when a chunk of them has come, or when the batch is closed: many at once cost
far less than each by itself. Chunks go the straight road (`ingest.straight`); what is not plainly
all right, and what is too little to be worth it, goes the exact one (`ingest.wire`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from alerts.canary import Canary
from domain.batch import READING, Rows, digests, rows_of
from ingest.allowance import Allowance
from ingest.canaries import MOST_IN_A_BATCH
from ingest.directory import Directory
from ingest.sources.port import Envelope, Token
from ingest.straight import decode_straight
from ingest.wire import Decoded, Reason, decode, refused
from ingest.work import RejectedMessage

NO_ROWS: Final[Rows] = np.empty(0, dtype=READING)
NO_ORIGINS: Final[npt.NDArray[np.int32]] = np.empty(0, dtype=np.int32)

CHUNK_MESSAGES: Final = 2_000
CHUNK_BYTES: Final = 800_000
"""Whichever comes first: a chunk holds the event loop for some 6 ms. Smaller ones are dearer by the
reading."""
FEW_BYTES: Final = 8_000
"""Less, some twenty readings, is cheaper message by message (measured)."""

NOT_ITS_FAULT: Final = (Reason.UNKNOWN_DEVICE, Reason.NOT_ASSIGNED)
"""Reasons that say nothing of the band: the roster did not name it."""

Origins = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where gathering stops, and how many unconfirmed messages the source lets through."""

    readings: int = 5_000
    payload_bytes: int = 4_000_000
    age_ms: int = 50
    window: int = 8_000
    device_burst: int = 100_000
    """Readings a device may send at once,"""
    device_per_s: int = 50
    """and a second, for good."""
    rejections_per_minute: int = 6_000
    """Rejected messages; beyond it people have to be told."""


@dataclass(slots=True)
class OpenBatch:
    """Messages in order of arrival. Bounded by whoever pauses the source."""

    messages: list[Envelope] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    parts: list[tuple[Rows, Origins]] = field(default_factory=list)
    """Rows without digests, with the index of each row's message."""
    rejected: list[RejectedMessage] = field(default_factory=list)
    spoilt: list[int] = field(default_factory=list)
    """Which messages have something that the device should not have sent."""
    senders: list[npt.NDArray[np.int32]] = field(default_factory=list)
    """The device numbers of the messages decoded, in order; 0 where nobody knows it."""
    boots: dict[int, str] = field(default_factory=dict)
    """The boot words of the rows, by `ingest.wire.boot_key`."""
    canaries: dict[int, Canary] = field(default_factory=dict)
    """The newest of each grid, by its number."""
    canary_messages: int = 0
    """Messages that are no device's, but our own."""
    payload_bytes: int = 0
    unknown_fields: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _decoded: int = 0
    _charged: int = 0
    """So many messages, from the first on, have been charged to their devices."""
    _readings: int = 0
    _waiting_bytes: int = 0

    @property
    def readings(self) -> int:
        """Rows so far; a message not yet decoded counts as one."""
        return self._readings + len(self.messages) - self._decoded

    def ripe(self, limits: Limits) -> bool:
        """Whether it is to be closed as soon as may be, whatever its age.

        At half the window, so that the broker can send the other half while this one is stored.
        """
        return 2 * len(self.tokens) >= limits.window or self.full(limits)

    def full(self, limits: Limits) -> bool:
        """Whether it holds as much as a batch may."""
        return (
            self.readings >= limits.readings
            or self.payload_bytes >= limits.payload_bytes
            or len(self.messages) >= limits.readings
        )

    def gather(
        self, envelopes: Sequence[Envelope], directory: Directory, allowance: Allowance, now: int
    ) -> None:
        """Takes the envelopes in, and decodes if enough have come."""
        self.messages += envelopes
        self.tokens += [each.token for each in envelopes if each.token is not None]
        size = sum([len(each.payload) for each in envelopes])
        self.payload_bytes += size
        self._waiting_bytes += size
        waiting = len(self.messages) - self._decoded
        if waiting >= CHUNK_MESSAGES or self._waiting_bytes >= CHUNK_BYTES:
            self.decode(directory, allowance, now)

    def started_over(self) -> "OpenBatch":
        """The same messages, none of them decoded: all of a batch is judged by one roster."""
        return OpenBatch(
            messages=self.messages,
            tokens=self.tokens,
            payload_bytes=self.payload_bytes,
            _charged=self._charged,
            _waiting_bytes=self.payload_bytes,
        )

    def decode(self, directory: Directory, allowance: Allowance, now: int) -> None:
        """Decodes what has not been decoded yet, and refuses what a device sends too fast."""
        waiting = self.messages[self._decoded :]
        senders = np.zeros(len(waiting), dtype=np.int32)
        costs = np.ones(len(waiting), dtype=np.int64)
        parts: list[tuple[Rows, Origins]] = []
        exact: dict[int, Decoded] = {}
        left: Sequence[int] = range(len(waiting))
        if self._waiting_bytes >= FEW_BYTES:
            straight = decode_straight(waiting, directory)
            left = straight.left
            self.boots |= straight.boots
            parts.append((straight.rows, straight.origins))
            senders[straight.origins] = straight.rows["device_no"]
            costs = np.bincount(straight.origins, minlength=len(waiting))
        if left:
            exact = {n: _decoded(waiting[n], directory) for n in left}
            parts.append(_rows_of(exact))
            for n, decoded in exact.items():
                device = directory.roster.devices.get(decoded.device_id or "")
                senders[n] = 0 if device is None else device.no
                costs[n] = decoded.readings
        costs[: max(0, self._charged - self._decoded)] = 0
        self.senders.append(senders.copy())
        # What comes from our own store is no device's doing, and must not be refused for good.
        senders[np.array([each.resubmitted for each in waiting], dtype=np.bool_)] = 0
        known = np.flatnonzero(senders)
        passes = np.ones(len(waiting), dtype=np.bool_)
        passes[known] = allowance.take(senders[known], costs[known], now)
        if not passes.all():
            parts = [(rows[passes[of]], of[passes[of]]) for rows, of in parts]
            for n in np.flatnonzero(~passes).tolist():
                exact[n] = _too_fast(waiting[n])
        for rows, origins in parts:
            self._keep(rows, origins)
        for n in sorted(exact):
            self._note(waiting[n], exact[n])
            if any(each.reason not in NOT_ITS_FAULT for each in exact[n].rejections):
                self.spoilt.append(self._decoded + n)
        self._decoded = self._charged = len(self.messages)
        self._waiting_bytes = 0

    def rows(self) -> tuple[Rows, Origins]:
        """The decoded rows in order, with digests, and for each the index of its message."""
        if not self.parts:
            return NO_ROWS, NO_ORIGINS
        rows = np.concatenate([part for part, _ in self.parts])
        origins = np.concatenate([of for _, of in self.parts])
        rows["digest"] = digests(rows)
        order = np.lexsort((origins, rows["digest"], rows["measured_at"], rows["slot"]))
        return rows[order], origins[order]

    def _keep(self, rows: Rows, origins: Origins) -> None:
        if len(rows):
            self.parts.append((rows, origins + np.int32(self._decoded)))
            self._readings += len(rows)

    def _note(self, envelope: Envelope, decoded: Decoded) -> None:
        """What the exact road said besides rows."""
        self.boots |= decoded.boots
        self.unknown_fields += decoded.unknown_fields
        self.canary_messages += bool(decoded.canaries)
        for canary in decoded.canaries:
            if len(self.canaries) < MOST_IN_A_BATCH:
                self.canaries[canary.grid_no] = canary
        if decoded.rejections:
            self.reasons.update(rejection.reason for rejection in decoded.rejections)
            self.rejected.append(
                RejectedMessage(
                    envelope.topic,
                    decoded.device_id,
                    envelope.payload,
                    envelope.received_at,
                    tuple(decoded.rejections),
                    envelope.resubmitted,
                )
            )


def _decoded(envelope: Envelope, directory: Directory) -> Decoded:
    topic, payload, received_at = envelope.topic, envelope.payload, envelope.received_at
    return decode(topic, payload, received_at, directory.roster, directory.slots)


def _rows_of(exact: Mapping[int, Decoded]) -> tuple[Rows, Origins]:
    tuples = [row for decoded in exact.values() for row in decoded.rows]
    origins = [n for n, decoded in exact.items() for _ in decoded.rows]
    return (rows_of(tuples) if tuples else NO_ROWS), np.array(origins, dtype=np.int32)


def _too_fast(envelope: Envelope) -> Decoded:
    """The whole message is refused, and kept; a device that keeps it too may send it again."""
    return refused(envelope.topic, Reason.RATE_LIMITED, "the device sends more than its share")
