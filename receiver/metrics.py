"""Every metric: its name, what it means, its labels. One place; the text formats are made elsewhere."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

Key = tuple[str, tuple[str, ...]]
"""A metric's name, and the values of its labels in the order of METRICS."""


class Metric(NamedTuple):
    help: str
    labels: tuple[str, ...] = ()
    timing: bool = False


METRICS: dict[str, Metric] = {
    "mailroom_events": Metric("Inbound webhooks by outcome (accepted, duplicate)", ("outcome",)),
    "mailroom_refusals": Metric("Inbound webhooks refused, by cause", ("cause",)),
    "mailroom_connections_closed": Metric(
        "Idle connections closed to make room, by listener (public, operator)", ("listener",)
    ),
    "mailroom_receive_seconds": Metric(
        "Time from the last byte of an event to its durable acknowledgement", timing=True
    ),
    "mailroom_tasks": Metric(
        "Task attempts by kind and outcome (done, again, retry, parked, lost)", ("kind", "outcome")
    ),
    "mailroom_task_seconds": Metric("Duration of one task attempt", ("kind",), timing=True),
    "mailroom_deliveries": Metric("Deliveries by destination scheme and outcome", ("destination", "outcome")),
    "mailroom_documents": Metric("Documents received, by source", ("source",)),
    "mailroom_decisions": Metric("Routing decisions by outcome and type", ("way", "type")),
    "mailroom_credits": Metric("Credits that LlamaCloud charged for jobs, by kind of job and type", ("kind", "type")),
    "mailroom_shadow_decisions": Metric(
        "Shadow table decisions compared with the real ones (same, differs, failed)", ("result",)
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
    "mailroom_background_failures": Metric("Background task restarts", ("task",)),
    "mailroom_partner_failures": Metric(
        "Times that calls to a partner were limited after repeated failures", ("partner",)
    ),
    "mailroom_auth_failures": Metric(
        "Wrong operator API tokens, by outcome (refused; slowed: rejected unread)", ("outcome",)
    ),
    "mailroom_sweep_found": Metric("Jobs that the sweep found without an event (finished, gone, stuck)", ("what",)),
}


SERIES = 500
"""Combinations of label values that one metric may have: the types of documents are named by others, too."""
OTHER = "other"
"""What every label says of the combinations beyond that."""


class SummingMeter:
    """Adds up counts and timings in memory; whoever publishes reads them with ``counts`` and ``timings``."""

    def __init__(self) -> None:
        self._series: Counter[str] = Counter()
        self._counts: dict[Key, float] = {}
        self._timings: dict[Key, tuple[int, float]] = {}

    def count(self, name: str, value: float = 1, **labels: str) -> None:
        key = self._key(name, labels, self._counts)
        self._counts[key] = self._counts.get(key, 0.0) + value

    def observe(self, name: str, seconds: float, *, times: int = 1, **labels: str) -> None:
        """Adds what took ``seconds``; ``times`` when several took it together."""
        key = self._key(name, labels, self._timings)
        n, total = self._timings.get(key, (0, 0.0))
        self._timings[key] = (n + times, total + seconds * times)

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
        """Name, label values in the order of METRICS, and the sum so far."""
        for (name, labels), value in sorted(self._counts.items()):
            yield name, labels, value

    def timings(self) -> Iterator[tuple[str, tuple[str, ...], int, float]]:
        """Name, label values, how many, and their sum in seconds."""
        for (name, labels), (n, total) in sorted(self._timings.items()):
            yield name, labels, n, total
