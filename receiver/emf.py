"""Metrics for CloudWatch: JSON lines in the embedded metric format, from which CloudWatch makes metrics.

The names are those of receiver/metrics.py. ``stage`` and ``function`` are the dimensions. Labels are properties, not
dimensions, because CloudWatch bills each combination of dimensions as a metric; Logs Insights can count by properties
(``stats sum(mailroom_tasks) by kind, outcome``). Source: CloudWatch User Guide, specification of the format.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TextIO

from receiver.metrics import METRICS, SummingMeter

NAMESPACE = "Mailroom"
VALUES_MAX = 100
"""Maximum values of one metric in one line. Source: the specification."""


class Emf:
    """Writes what a Meter has counted since the last call."""

    def __init__(self, *, stage: str, function: str) -> None:
        self._dimensions = {"stage": stage, "function": function}
        self._emitted: dict[tuple[str, tuple[str, ...]], float] = {}
        self._timed: dict[tuple[str, tuple[str, ...]], tuple[int, float]] = {}

    @classmethod
    def of_lambda(cls, name: str) -> "Emf":
        """For the function of this name: ``mailroom-<stage>-<function>``."""
        rest, _, function = name.rpartition("-")
        return cls(stage=rest.partition("-")[2] or rest, function=function)

    def write(self, meter: SummingMeter, stream: TextIO, *, now: float) -> None:
        """Writes a line for each metric and labels that changed since the last call."""
        for text in (*self._counts(meter, now), *self._timings(meter, now)):
            stream.write(text + "\n")
        stream.flush()

    def gauges(self, values: Mapping[str, float], stream: TextIO, *, now: float) -> None:
        """Writes one line with these values."""
        stream.write(self._line(values, {}, unit="Count", now=now) + "\n")
        stream.flush()

    def _counts(self, meter: SummingMeter, now: float) -> Iterator[str]:
        for name, labels, total in meter.counts():
            before = self._emitted.get((name, labels), 0.0)
            if total != before:
                self._emitted[name, labels] = total
                yield self._line({name: total - before}, _named(name, labels), unit="Count", now=now)

    def _timings(self, meter: SummingMeter, now: float) -> Iterator[str]:
        for name, labels, count, total in meter.timings():
            count_before, total_before = self._timed.get((name, labels), (0, 0.0))
            fresh = count - count_before
            if fresh:
                self._timed[name, labels] = (count, total)
                # The Meter has only count and sum; as many values equal to the mean have the same count and sum.
                values = [(total - total_before) / fresh] * fresh
                for at in range(0, fresh, VALUES_MAX):
                    some = values[at : at + VALUES_MAX]
                    yield self._line({name: some}, _named(name, labels), unit="Seconds", now=now)

    def _line(
        self, values: Mapping[str, float | list[float]], labels: Mapping[str, str], *, unit: str, now: float
    ) -> str:
        about = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(self._dimensions)],
            "Metrics": [{"Name": name, "Unit": unit} for name in values],
        }
        head = {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [about]}}
        return json.dumps({**head, **labels, **self._dimensions, **values})


def _named(name: str, labels: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(METRICS[name].labels, labels, strict=True))
