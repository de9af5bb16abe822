"""The metrics as Prometheus text: the meter's sums, and the totals of the store."""

from collections.abc import Collection, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from receiver.core.alert import Severity
from receiver.metrics import METRICS, SummingMeter
from receiver.operations.gauges import Gauges

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_text(meter: SummingMeter, totals: Gauges | None, down: Collection[str] = ()) -> bytes:
    """The metrics as Prometheus reads them. ``totals`` is None if the store cannot be read; ``down`` names the
    background tasks that are down."""
    registry = CollectorRegistry()
    registry.register(_Snapshot([*_added_up(meter), _down(down), *_counted(totals)]))
    return generate_latest(registry)


class _Snapshot:
    """A collector that returns these families."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def _added_up(meter: SummingMeter) -> Iterator[Metric]:
    counters = {
        name: CounterMetricFamily(name, metric.help, labels=metric.labels)
        for name, metric in METRICS.items()
        if not metric.timing
    }
    histograms = {
        name: HistogramMetricFamily(name, metric.help, labels=metric.labels)
        for name, metric in METRICS.items()
        if metric.timing
    }
    for name, labels, value in meter.counts():
        counters[name].add_metric(labels, value)
    for name, labels, cumulated, total in meter.histograms():
        bounds = [*map(str, METRICS[name].buckets), "+Inf"]
        histograms[name].add_metric(labels, list(zip(bounds, cumulated, strict=True)), total)
    yield from counters.values()
    yield from histograms.values()


def _down(tasks: Collection[str]) -> Metric:
    family = GaugeMetricFamily("mailroom_background_down", "1 for each background task that is down", labels=["task"])
    for task in sorted(tasks):
        family.add_metric([task], 1)
    return family


def _counted(totals: Gauges | None) -> Iterator[Metric]:
    yield GaugeMetricFamily("mailroom_store_up", "1 if the store can be read, else 0", value=totals is not None)
    if totals is None:
        return
    states = GaugeMetricFamily(
        "mailroom_documents_state", "Documents by state (routed, review, failed, open, withdrawn)", labels=["state"]
    )
    for state in ("routed", "review", "failed", "open", "withdrawn"):
        states.add_metric([state], getattr(totals.tally, state))
    yield states
    yield CounterMetricFamily(
        "mailroom_documents_received", "Documents received since the store exists", value=totals.tally.ever
    )
    forgotten = totals.tally.forgotten
    yield CounterMetricFamily(
        "mailroom_documents_removed", "Documents whose records retention removed", value=forgotten
    )
    yield GaugeMetricFamily("mailroom_balanced", "1 if the totals balance, else 0", value=totals.tally.balanced)
    yield GaugeMetricFamily("mailroom_documents_overdue", "Open documents past their deadline", value=totals.overdue)
    yield GaugeMetricFamily(
        "mailroom_tasks_parked", "Parked tasks: out of attempts, waiting for a person", value=totals.parked
    )
    incidents = GaugeMetricFamily("mailroom_incidents", "Active incidents by severity", labels=["severity"])
    for severity in Severity:
        incidents.add_metric([severity], totals.incidents.get(severity, 0))
    yield incidents
    failing = GaugeMetricFamily("mailroom_channel_failing", "1 for each failing alert channel", labels=["channel"])
    for channel in sorted(totals.failing):
        failing.add_metric([channel], 1)
    yield failing
    if totals.heartbeat is not None:
        yield GaugeMetricFamily(
            "mailroom_heartbeat_timestamp_seconds",
            "When the last sweep finished with a working alert channel",
            value=totals.heartbeat,
        )
