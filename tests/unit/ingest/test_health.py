"""Readiness of ingestion: green only while readings are stored and judged by the newest roster."""

from dataclasses import dataclass

import pytest

from ingest.health import not_ready_because
from ingest.metrics import Signals


@dataclass
class _Pipeline:
    connected: bool = True
    failing: bool = False
    hung: bool = False


@pytest.mark.parametrize(
    ("pipeline", "roster_unread", "words"),
    [
        (_Pipeline(), False, []),
        (_Pipeline(connected=False), False, ["broker"]),
        (_Pipeline(failing=True), False, ["database"]),
        (_Pipeline(hung=True), False, ["commit"]),
        (_Pipeline(failing=True, hung=True), False, ["database"]),
        (_Pipeline(), True, ["roster"]),
        (_Pipeline(connected=False, failing=True), True, ["broker", "database", "roster"]),
    ],
)
def test_every_reason_is_said(
    pipeline: _Pipeline, *, roster_unread: bool, words: list[str]
) -> None:
    signals = Signals()
    signals.roster_unread = roster_unread
    reasons = not_ready_because(pipeline, signals)  # type: ignore[arg-type]
    assert len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons, strict=True))
