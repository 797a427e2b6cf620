"""Readiness of ingestion: green only while readings are stored and judged by the newest roster."""

from dataclasses import dataclass

import pytest

from ingest.health import not_ready_because
from ingest.metrics import Signals


@dataclass
class _Hearing:
    deaf: bool = False
    heard_at: float | None = None


@dataclass
class _Pipeline:
    connected: bool = True
    failing: bool = False
    hung: bool = False
    flooded: bool = False


@pytest.mark.parametrize(
    ("pipeline", "deaf", "roster_unread", "words"),
    [
        (_Pipeline(), False, False, []),
        (_Pipeline(connected=False), False, False, ["no session"]),
        (_Pipeline(failing=True), False, False, ["database"]),
        (_Pipeline(hung=True), False, False, ["commit"]),
        (_Pipeline(failing=True, hung=True), False, False, ["database"]),
        (_Pipeline(flooded=True), False, False, ["rejected"]),
        (_Pipeline(), False, True, ["roster"]),
        (_Pipeline(), True, False, ["come back"]),
        (
            _Pipeline(connected=False, failing=True, flooded=True),
            True,
            True,
            ["no session", "come back", "database", "rejected", "roster"],
        ),
    ],
)
def test_every_reason_is_said(
    pipeline: _Pipeline, *, deaf: bool, roster_unread: bool, words: list[str]
) -> None:
    signals = Signals(_Hearing(deaf))
    signals.roster_unread = roster_unread
    reasons = not_ready_because(pipeline, signals)  # type: ignore[arg-type]
    assert len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons, strict=True))
