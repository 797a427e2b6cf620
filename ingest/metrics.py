"""The metrics of the ingestion process: one closed list, read off the pipeline at each scrape.

No label value comes from outside: reasons, kinds and signals are closed sets, and nothing is
counted per person or per device.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from ingest.pipeline import Pipeline
from ingest.sources.port import Hearing
from ingest.wire import Reason


class Definition(NamedTuple):
    """One metric: its name, kind, labels and meaning."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str


METRICS: Final = (
    Definition("doorstep_messages_total", "counter", (), "messages taken in"),
    Definition("doorstep_readings_total", "counter", ("result",), "readings stored or duplicate"),
    Definition("doorstep_rejections_total", "counter", ("reason",), "what was not stored, and why"),
    Definition("doorstep_unknown_fields_total", "counter", (), "fields no rule knows, ignored"),
    Definition("doorstep_alert_events_total", "counter", (), "alert events written by ingestion"),
    Definition(
        "doorstep_late_wearers_total", "counter", (), "wearers judged anew for late readings"
    ),
    Definition("doorstep_commit_retries_total", "counter", (), "commits that failed, tried again"),
    Definition("doorstep_messages_held", "gauge", (), "messages taken in and not yet stored"),
    Definition(
        "doorstep_broker_connected", "gauge", (), "1 while a session with the broker stands"
    ),
    Definition(
        "doorstep_receive_clock_seconds", "gauge", (), "how long ingestion has been hearing"
    ),
    Definition("doorstep_echo_seconds", "gauge", (), "since our own message last came back"),
    Definition("doorstep_last_message_age_seconds", "gauge", (), "since the last message came"),
    Definition("doorstep_last_commit_age_seconds", "gauge", (), "since the last commit"),
    Definition("doorstep_signal", "gauge", ("kind",), "1 where the service is blind"),
)
"""Documented in docs/operations.md; a test keeps the two the same."""

_BY_NAME: Final = {definition.name: definition for definition in METRICS}


class PipelineCollector(Collector):
    """Shows a pipeline to Prometheus."""

    def __init__(self, pipeline: Pipeline, signals: "Signals", clock: Callable[[], float]) -> None:
        """`clock` is the loop's."""
        self._pipeline = pipeline
        self._signals = signals
        self._clock = clock

    @override
    def collect(self) -> Iterator[Metric]:
        """Every metric of `METRICS`, in that order."""
        pipeline, counters = self._pipeline, self._pipeline.counters
        results = {"stored": counters.stored, "duplicate": counters.duplicates}
        reasons = {reason.value: counters.rejections[reason.value] for reason in Reason}
        yield _metric("doorstep_messages_total", {"": counters.messages})
        yield _metric("doorstep_readings_total", results)
        yield _metric("doorstep_rejections_total", reasons)
        yield _metric("doorstep_unknown_fields_total", {"": counters.unknown_fields})
        yield _metric("doorstep_alert_events_total", {"": counters.alert_events})
        yield _metric("doorstep_late_wearers_total", {"": counters.late_wearers})
        yield _metric("doorstep_commit_retries_total", {"": counters.retries})
        yield _metric("doorstep_messages_held", {"": pipeline.held})
        yield _metric("doorstep_broker_connected", {"": int(pipeline.connected)})
        yield _metric("doorstep_receive_clock_seconds", {"": pipeline.receive_clock_us / 1e6})
        signals = self._signals
        yield self._age("doorstep_echo_seconds", signals.hearing.heard_at)
        yield self._age("doorstep_last_message_age_seconds", signals.message_at)
        yield self._age("doorstep_last_commit_age_seconds", signals.committed_at)
        yield _metric("doorstep_signal", self._signals.as_gauges(pipeline))

    def _age(self, name: str, at: float | None) -> Metric:
        return _metric(name, {} if at is None else {"": max(0.0, self._clock() - at)})


class Signals:
    """Where ingestion is blind. `session_lost` stays up until the process ends: possible gap."""

    def __init__(self, hearing: Hearing) -> None:
        self.hearing = hearing
        self.message_at: float | None = None
        self.committed_at: float | None = None
        """On the loop's clock; a tick that reached the database counts, messages or not."""
        self.session_lost = False
        self.roster_unread = False
        """A newer roster, if there is one, cannot be read."""

    def as_gauges(self, pipeline: Pipeline) -> dict[str, float]:
        """1 for each kind of signal that is up, by kind."""
        return {
            "session_lost": float(self.session_lost),
            "blind": float(not pipeline.connected),
            "stalled": float(pipeline.failing or pipeline.hung),
            "rejections": float(pipeline.flooded),
        }


def _metric(name: str, values: dict[str, float] | dict[str, int]) -> Metric:
    definition = _BY_NAME[name]
    family: CounterMetricFamily | GaugeMetricFamily
    if definition.kind == "counter":
        family = CounterMetricFamily(name, definition.meaning, labels=definition.labels)
    else:
        family = GaugeMetricFamily(name, definition.meaning, labels=definition.labels)
    for label, value in values.items():
        family.add_metric([label] if definition.labels else [], value)
    return family
