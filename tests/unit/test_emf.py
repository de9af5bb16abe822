"""CloudWatch gets the same metrics under the same names, each thing counted once."""

import io
import json
from typing import Any

import pytest

from receiver.emf import Emf
from receiver.metrics import METRICS, SummingMeter


def told(emf: Emf, meter: SummingMeter) -> list[dict[str, Any]]:
    stream = io.StringIO()
    emf.write(meter, stream, now=12.5)
    return [json.loads(text) for text in stream.getvalue().splitlines()]


@pytest.fixture
def emf() -> Emf:
    return Emf.of_lambda("mailroom-dev-receive")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_its_name_and_labels(emf: Emf, name: str) -> None:
    meter, metric = SummingMeter(), METRICS[name]
    labels = {label: f"a {label}" for label in metric.labels}
    if metric.timing:
        meter.observe(name, 0.5, times=1, **labels)
    else:
        meter.count(name, 1, **labels)
    (said,) = told(emf, meter)
    (about,) = said["_aws"]["CloudWatchMetrics"]
    assert about["Namespace"] == "Mailroom"
    assert [item["Name"] for item in about["Metrics"]] == [name]
    assert about["Dimensions"] == [["stage", "function"]]
    assert said["_aws"]["Timestamp"] == 12500
    assert {**labels, "stage": "dev", "function": "receive"}.items() <= said.items()


def test_what_was_told_is_not_told_again(emf: Emf) -> None:
    meter = SummingMeter()
    meter.count("mailroom_events", outcome="accepted")
    assert [item["mailroom_events"] for item in told(emf, meter)] == [1]
    assert told(emf, meter) == []
    meter.count("mailroom_events", 2, outcome="accepted")
    assert [item["mailroom_events"] for item in told(emf, meter)] == [2]


def test_timings_keep_their_count_and_their_sum(emf: Emf) -> None:
    meter = SummingMeter()
    for seconds in (0.1, 0.3):
        meter.observe("mailroom_receive_seconds", seconds)
    (said,) = told(emf, meter)
    assert said["mailroom_receive_seconds"] == [pytest.approx(0.2)] * 2
    assert told(emf, meter) == []


def test_more_timings_than_a_line_takes_become_two_lines(emf: Emf) -> None:
    meter = SummingMeter()
    for _ in range(130):
        meter.observe("mailroom_receive_seconds", 1.0)
    assert [len(item["mailroom_receive_seconds"]) for item in told(emf, meter)] == [100, 30]


def test_gauges_are_written_as_they_are(emf: Emf) -> None:
    stream = io.StringIO()
    emf.gauges({"mailroom_balanced": 1.0, "mailroom_documents_overdue": 0.0}, stream, now=1.0)
    said = json.loads(stream.getvalue())
    assert said["mailroom_documents_overdue"] == 0.0
    assert [item["Name"] for item in said["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == [
        "mailroom_balanced",
        "mailroom_documents_overdue",
    ]


@pytest.mark.parametrize(
    ("name", "stage", "function"),
    [("mailroom-dev-receive", "dev", "receive"), ("mailroom-eu-west-sweep", "eu-west", "sweep")],
)
def test_stage_and_function_come_from_the_functions_name(name: str, stage: str, function: str) -> None:
    stream = io.StringIO()
    Emf.of_lambda(name).gauges({"mailroom_balanced": 1.0}, stream, now=1.0)
    said = json.loads(stream.getvalue())
    assert (said["stage"], said["function"]) == (stage, function)
