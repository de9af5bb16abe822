"""What the Meter holds is bounded, whatever words come from outside."""

from receiver.http.metrics_text import metrics_text
from receiver.metrics import OTHER, SERIES, SummingMeter


def test_a_metric_has_so_many_combinations_of_labels_and_counts_the_rest_together() -> None:
    meter = SummingMeter()
    for number in range(SERIES + 100):
        meter.count("mailroom_decisions", way="matched", type=f"type {number}")
        meter.observe("mailroom_task_seconds", 0.5, kind=f"kind {number}")
    meter.count("mailroom_decisions", way="matched", type="type 7")
    counts = {labels: value for _, labels, value in meter.counts()}
    assert len(counts) == SERIES + 1
    assert counts["matched", "type 7"] == 2
    assert counts[OTHER, OTHER] == 100
    assert {labels: count for _, labels, count, _ in meter.timings()}[OTHER,] == 100
    assert f'mailroom_decisions_total{{type="{OTHER}",way="{OTHER}"}} 100.0'.encode() in metrics_text(meter, None)
