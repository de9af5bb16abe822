"""What the Meter holds is bounded, whatever words come from outside."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from receiver.http.metrics_text import metrics_text
from receiver.metrics import METRICS, OTHER, SERIES, SummingMeter


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


TIMINGS = [name for name, metric in METRICS.items() if metric.timing]


@pytest.mark.parametrize("name", TIMINGS)
@settings(max_examples=20)
@given(seen=st.lists(st.tuples(st.floats(0, 1e5), st.integers(1, 50)), max_size=20))
def test_a_histogram_has_each_timing_in_every_bucket_that_is_not_below_it(
    name: str, seen: list[tuple[float, int]]
) -> None:
    meter, metric = SummingMeter(), METRICS[name]
    labels = dict.fromkeys(metric.labels, "a")
    for seconds, times in seen:
        meter.observe(name, seconds, times=times, **labels)
    families = {family.name: family for family in text_string_to_metric_families(metrics_text(meter, None).decode())}
    assert families[name].type == "histogram"
    found = {sample.labels.get("le", sample.name): sample.value for sample in families[name].samples}
    expected = {
        f"{float(bound)}": sum(times for seconds, times in seen if seconds <= bound)
        for bound in (*metric.buckets, float("inf"))
    }
    if seen:
        assert found.pop(f"{name}_sum") == pytest.approx(sum(seconds * times for seconds, times in seen))
        assert found.pop(f"{name}_count") == found["+Inf"]
        assert {str(float(bound)): value for bound, value in found.items()} == expected
    else:
        assert found == {}


@pytest.mark.parametrize("name", TIMINGS)
def test_buckets_are_ascending_seconds_and_the_name_says_so(name: str) -> None:
    buckets = METRICS[name].buckets
    assert name.endswith("_seconds")
    assert list(buckets) == sorted(set(buckets))
