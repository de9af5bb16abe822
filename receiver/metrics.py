"""Every metric: its name, its meaning and its labels. The text formats are made elsewhere."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

Key = tuple[str, tuple[str, ...]]
"""A metric's name, and the values of its labels in the order of METRICS."""


RECEIVE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TASK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
LATENESS_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)
"""Upper bounds in seconds, inclusive. Slower values count only in ``+Inf``."""


class Metric(NamedTuple):
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """The bounds of a histogram; a counter has none."""

    @property
    def timing(self) -> bool:
        return bool(self.buckets)


METRICS: dict[str, Metric] = {
    "mailroom_events": Metric("Inbound webhooks that were stored, by outcome (accepted, duplicate)", ("outcome",)),
    "mailroom_refusals": Metric("Inbound webhooks refused, by cause, which the sender is not told", ("cause",)),
    "mailroom_connections_closed": Metric(
        "Idle connections closed to make room, by listener (public, operator)", ("listener",)
    ),
    "mailroom_receive_seconds": Metric(
        "Time from the last byte of an event to its durable acknowledgement", buckets=RECEIVE_BUCKETS
    ),
    "mailroom_tasks": Metric(
        "Task attempts by kind and outcome (done, again, retry, parked, lost)", ("kind", "outcome")
    ),
    "mailroom_task_seconds": Metric("Duration of one task attempt", ("kind",), TASK_BUCKETS),
    "mailroom_task_lateness_seconds": Metric(
        "Time from when a task attempt was due to its start: the delay of the queue", ("kind",), LATENESS_BUCKETS
    ),
    "mailroom_deliveries": Metric(
        "Deliveries by destination scheme and outcome (delivered, conflict, failed)", ("destination", "outcome")
    ),
    "mailroom_documents": Metric("Documents received, by source", ("source",)),
    "mailroom_decisions": Metric(
        "Decisions by type and outcome (matched, no_match, low_confidence, failed, unrouted, undecided, by_hand)",
        ("way", "type"),
    ),
    "mailroom_credits": Metric(
        "Credits that LlamaCloud charged for jobs that ended, as far as it says so, by kind of job and type",
        ("kind", "type"),
    ),
    "mailroom_shadow_decisions": Metric(
        "Shadow table decisions compared with the real ones (same, differs; failed: left out for this document)",
        ("result",),
    ),
    "mailroom_alerts": Metric(
        "Alerts by kind and outcome (opened: new incident; counted: known incident; mended: fixed automatically)",
        ("kind", "outcome"),
    ),
    "mailroom_notices": Metric("Notices by channel scheme and outcome (told: sent; failed)", ("channel", "outcome")),
    "mailroom_heartbeats": Metric(
        "Heartbeats after a sweep, by outcome (told: sent; failed; withheld: no alert channel works)", ("outcome",)
    ),
    "mailroom_enqueue_failures": Metric("Failed enqueues; the sweep enqueues the tasks again"),
    "mailroom_background_failures": Metric(
        "Restarts of background tasks (worker, takeover, sweep, retention, queue, feed, secrets, readiness)", ("task",)
    ),
    "mailroom_partner_failures": Metric(
        "Times that calls to a partner (LlamaCloud, bucket, queue, host, channel) were limited after repeated failures",
        ("partner",),
    ),
    "mailroom_auth_failures": Metric(
        "Failed sign-ins of operators (refused; slowed: rejected unread; unknown: not an operator)",
        ("outcome",),
    ),
    "mailroom_sweep_found": Metric("Jobs that the sweep found without an event (finished, gone, stuck)", ("what",)),
}


SERIES = 500
"""Maximum combinations of label values of one metric. Some values, such as document types, come from outside."""
OTHER = "other"
"""The value of every label for further combinations."""


@dataclass(slots=True)
class _Timing:
    """The number of values in each bucket (the last is ``+Inf``), and the sum of their seconds."""

    in_bucket: list[int]
    total: float = 0.0


class SummingMeter:
    """Adds up counts and timings in memory. Publishers read ``counts``, ``timings`` or ``histograms``."""

    def __init__(self) -> None:
        self._series: Counter[str] = Counter()
        self._counts: dict[Key, float] = {}
        self._timings: dict[Key, _Timing] = {}

    def count(self, name: str, value: float = 1, **labels: str) -> None:
        key = self._key(name, labels, self._counts)
        self._counts[key] = self._counts.get(key, 0.0) + value

    def observe(self, name: str, seconds: float, *, times: int = 1, **labels: str) -> None:
        """Adds a value of ``seconds``, or several equal ones."""
        key = self._key(name, labels, self._timings)
        buckets = METRICS[name].buckets
        timing = self._timings.get(key)
        if timing is None:
            timing = self._timings[key] = _Timing([0] * (len(buckets) + 1))
        timing.in_bucket[bisect_left(buckets, seconds)] += times
        timing.total += seconds * times

    def _key(self, name: str, labels: Mapping[str, str], known: Container[Key]) -> Key:
        names = METRICS[name].labels
        key = (name, tuple(map(labels.__getitem__, names)))
        if key in known:
            return key
        if self._series[name] >= SERIES:
            return (name, (OTHER,) * len(names))
        self._series[name] += 1
        return key

    def counts(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """Name, label values in the order of METRICS, and the current sum."""
        for (name, labels), value in sorted(self._counts.items()):
            yield name, labels, value

    def timings(self) -> Iterator[tuple[str, tuple[str, ...], int, float]]:
        """Name, label values, number of values, and their sum in seconds."""
        for (name, labels), timing in sorted(self._timings.items(), key=lambda item: item[0]):
            yield name, labels, sum(timing.in_bucket), timing.total

    def histograms(self) -> Iterator[tuple[str, tuple[str, ...], list[int], float]]:
        """Name, label values, the cumulative number of values for each bucket, their number, and their sum."""
        for (name, labels), timing in sorted(self._timings.items(), key=lambda item: item[0]):
            yield name, labels, list(accumulate(timing.in_bucket)), timing.total
