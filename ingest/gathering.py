"""The open batch: envelopes decoded and gathered until a transaction takes them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import READING, Rows, rows_of
from domain.people import Roster
from ingest.sources.port import Envelope, Token
from ingest.wire import Decoded, decode
from ingest.work import RejectedMessage

NO_ROWS: Final[Rows] = np.empty(0, dtype=READING)
NO_ORIGINS: Final[npt.NDArray[np.int32]] = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Limits:
    """Where gathering stops, and how many unconfirmed messages the source lets through."""

    readings: int = 5_000
    payload_bytes: int = 4_000_000
    age_ms: int = 50
    window: int = 2_000


@dataclass(slots=True)
class OpenBatch:
    """Decoded messages in order of arrival. Bounded by whoever pauses the source."""

    tuples: list[tuple[int, ...]] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    messages: list[Envelope] = field(default_factory=list)
    rejected: list[RejectedMessage] = field(default_factory=list)
    boots: dict[tuple[int, int], str] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    payload_bytes: int = 0
    unknown_fields: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def full(self, limits: Limits) -> bool:
        """Whether it must be closed whatever its age."""
        return (
            len(self.tuples) >= limits.readings
            or self.payload_bytes >= limits.payload_bytes
            or len(self.messages) >= limits.readings
        )

    def gather(
        self, envelopes: Sequence[Envelope], roster: Roster, slots: Mapping[tuple[int, int], int]
    ) -> None:
        """Decodes the envelopes and keeps what they hold."""
        for envelope in envelopes:
            decoded = decode(envelope.topic, envelope.payload, envelope.received_at, roster, slots)
            if decoded.rows:
                self.tuples.extend(decoded.rows)
                self.origins.extend([len(self.messages)] * len(decoded.rows))
            self.messages.append(envelope)
            self.payload_bytes += len(envelope.payload)
            if envelope.token is not None:
                self.tokens.append(envelope.token)
            if decoded.boots:
                device_no = roster.devices[decoded.device_id or ""].no
                for boot_key, boot in decoded.boots.items():
                    self.boots[device_no, boot_key] = boot
            self.unknown_fields += decoded.unknown_fields
            if decoded.rejections:
                self._keep_rejected(envelope, decoded)

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

    def rows(self) -> tuple[Rows, npt.NDArray[np.int32]]:
        """The rows in order, and for each the index of its message."""
        if not self.tuples:
            return NO_ROWS, NO_ORIGINS
        rows = rows_of(self.tuples)
        order = np.lexsort((rows["digest"], rows["measured_at"], rows["slot"]))
        return rows[order], np.array(self.origins, dtype=np.int32)[order]
