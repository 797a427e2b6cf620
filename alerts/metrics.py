"""The metrics of the serving process: one closed list.

No label value comes from outside but the grids of canaries, a bounded number: routes are the
templates of our own, methods and results closed sets. Nothing is counted per person or member of
staff.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from alerts.dispatcher import Dispatcher


class Definition(NamedTuple):
    """One metric: its name, kind, labels and meaning."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


REQUESTS: Final = Definition(
    "doorstep_http_requests_total", "counter", ("route", "method", "status"), "requests answered"
)
SECONDS: Final = Definition(
    "doorstep_http_request_seconds", "histogram", ("route",), "time until the answer was sent"
)
SIGN_INS: Final = Definition(
    "doorstep_sign_ins_total", "counter", ("result",), "sign-ins accepted, refused or throttled"
)
ALERTS: Final = Definition(
    "doorstep_alerts",
    "gauge",
    ("severity", "response", "condition"),
    "alerts that are not closed",
)
LISTENERS: Final = Definition("doorstep_stream_listeners", "gauge", (), "open alert streams")
DELIVERED: Final = Definition(
    "doorstep_stream_events_total", "counter", (), "alert events handed to streams"
)
PUT_OUT: Final = Definition(
    "doorstep_stream_evictions_total", "counter", (), "streams ended because they did not keep up"
)
LAST_EVENT: Final = Definition(
    "doorstep_stream_last_event", "gauge", (), "id of the newest alert event handed out"
)
READING: Final = Definition(
    "doorstep_alert_log_up", "gauge", (), "1 while the alert log is being read"
)
DELIVERIES: Final = Definition(
    "doorstep_deliveries_total",
    "counter",
    ("kind", "result"),
    "calls to subscribers, by kind: sent, failed, or gone for good",
)
SIGNAL: Final = Definition(
    "doorstep_signal",
    "gauge",
    ("kind",),
    "1 where the service is blind, of the kinds that the database shows",
)
OVERDUE: Final = Definition(
    "doorstep_deadlines_overdue",
    "gauge",
    (),
    "alerts whose deadline passed a minute ago and more, and nobody else was told",
)
CANARY: Final = Definition(
    "doorstep_canary_age_seconds",
    "gauge",
    ("grid", "hop"),
    "since the newest canary that came past a hop was sent; of 200 grids, then of the rest",
)
METRICS: Final = (
    REQUESTS,
    SECONDS,
    SIGN_INS,
    ALERTS,
    LISTENERS,
    DELIVERED,
    PUT_OUT,
    LAST_EVENT,
    READING,
    DELIVERIES,
    SIGNAL,
    OVERDUE,
    CANARY,
)
"""Documented in docs/operations.md; a test keeps the two the same."""

Counts = Mapping[tuple[str, str, str], int]
Blindness = Mapping[str, bool]
Deliveries = Mapping[tuple[str, str], int]
"""(Kind of subscriber, result) -> number."""
CanaryAges = Mapping[tuple[str, str], float]
"""(Grid, hop) -> seconds."""


class ServiceMetrics(Collector):
    """Counts requests, and reads the rest off the dispatcher and the desk at each scrape."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        alert_counts: Callable[[], Counts | None],
        blindness: Callable[[], Blindness | None],
        deliveries: Callable[[], Deliveries],
        canary_ages: Callable[[], CanaryAges],
        overdue: Callable[[], int | None],
    ) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            REQUESTS.name, REQUESTS.meaning, REQUESTS.labels, registry=self.registry
        )
        self.seconds = Histogram(
            SECONDS.name, SECONDS.meaning, SECONDS.labels, registry=self.registry
        )
        self.sign_ins = Counter(
            SIGN_INS.name, SIGN_INS.meaning, SIGN_INS.labels, registry=self.registry
        )
        self._dispatcher = dispatcher
        self._alert_counts = alert_counts
        self._blindness = blindness
        self._deliveries = deliveries
        self._canary_ages = canary_ages
        self._overdue = overdue
        self.registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Nothing: to register must not cost a look into the database."""
        return iter(())

    @override
    def collect(self) -> Iterator[Metric]:
        """What is read off. Without a database no numbers from it: none beats a wrong one."""
        yield from self._asked()
        dispatcher = self._dispatcher
        made = CounterMetricFamily(DELIVERIES.name, DELIVERIES.meaning, labels=DELIVERIES.labels)
        for each, number in sorted(self._deliveries().items()):
            made.add_metric(each, number)
        yield made
        family = GaugeMetricFamily(CANARY.name, CANARY.meaning, labels=CANARY.labels)
        for labels_of, age_s in sorted(self._canary_ages().items()):
            family.add_metric(labels_of, age_s)
        yield family
        yield GaugeMetricFamily(LISTENERS.name, LISTENERS.meaning, dispatcher.listening)
        yield CounterMetricFamily(DELIVERED.name, DELIVERED.meaning, dispatcher.delivered)
        yield CounterMetricFamily(PUT_OUT.name, PUT_OUT.meaning, dispatcher.put_out)
        yield GaugeMetricFamily(LAST_EVENT.name, LAST_EVENT.meaning, dispatcher.last_id)
        yield GaugeMetricFamily(READING.name, READING.meaning, int(dispatcher.reading))

    def _asked(self) -> Iterator[Metric]:
        """What the database is asked; one that does not answer is asked once, not for each."""
        counts = self._alert_counts()
        if counts is None:
            return
        family = GaugeMetricFamily(ALERTS.name, ALERTS.meaning, labels=ALERTS.labels)
        for labels, count in sorted(counts.items()):
            family.add_metric(labels, count)
        yield family
        blindness, overdue = self._blindness(), self._overdue()
        if blindness is not None:
            family = GaugeMetricFamily(SIGNAL.name, SIGNAL.meaning, labels=SIGNAL.labels)
            for kind, active in sorted(blindness.items()):
                family.add_metric([kind], int(active))
            yield family
        if overdue is not None:
            yield GaugeMetricFamily(OVERDUE.name, OVERDUE.meaning, overdue)
