"""docs/metrics.md, from a scrape that has every metric of receiver/metrics.py and receiver/http/metrics_text.py."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from receiver.core.balance import Tally
from receiver.http.metrics_text import metrics_text
from receiver.metrics import METRICS, SummingMeter
from receiver.operations.gauges import Gauges

HEAD = """\
# Metrics

<!-- made by scripts/make-docs from receiver/metrics.py and receiver/http/metrics_text.py -->

`GET /metrics` on the operator's side ([http.md](http.md)) returns them as Prometheus text. Names follow Prometheus'
conventions, to which OpenTelemetry's Collector keeps: base units, `_total` for counters, `_seconds` for durations. A
metric has 500 combinations of label values at most; further ones are counted with every label set to `other`.

Alert rules, a Grafana dashboard, and traces: [observability.md](observability.md).

## What this process did

In Lambda these are written in CloudWatch's embedded metric format, under the same names without `_total`; of a
histogram CloudWatch gets count and sum alone.

"""
TIMINGS = """
The upper bounds of the histograms' buckets, in seconds:

"""
QUERIES = """
Two values of the label `kind` are `react` (handle an event) and `deliver`. For instance, the 99th percentile of each:

```text
histogram_quantile(0.99, sum by (le) (rate(mailroom_receive_seconds_bucket[5m])))
histogram_quantile(0.99, sum by (le, kind) (rate(mailroom_task_seconds_bucket{kind=~"react|deliver"}[5m])))
histogram_quantile(0.99, sum by (le, kind) (rate(mailroom_task_lateness_seconds_bucket[5m])))
```

## What is so at the moment

Read at each scrape: `mailroom_background_down` from the process, the others from the store. Where `mailroom_store_up`
is 0, the rest is missing.

"""
COLUMNS = "| name | type | labels | what |\n| --- | --- | --- | --- |\n"


def page() -> str:
    """The whole page."""
    found = list(families())
    counted = [item for item in found if item.name in METRICS]
    read = [item for item in found if item.name not in METRICS]
    buckets = "".join(
        f"- `{name}`: {', '.join(f'{bound:g}' for bound in metric.buckets)}\n"
        for name, metric in METRICS.items()
        if metric.timing
    )
    return "".join([HEAD, _table(counted), TIMINGS, buckets, QUERIES, _table(read)])


def families() -> Iterator[Metric]:
    """Everything that a scrape can have, with a sample of each."""
    meter = SummingMeter()
    for name, metric in METRICS.items():
        labels = dict.fromkeys(metric.labels, "x")
        if metric.timing:
            meter.observe(name, 1.0, times=1, **labels)
        else:
            meter.count(name, 1, **labels)
    gauges = Gauges(tally=Tally(), overdue=0, parked=0, incidents={}, failing=["log"], heartbeat=1.0)
    yield from text_string_to_metric_families(metrics_text(meter, gauges, down=["sweep"]).decode())


def _table(families: list[Metric]) -> str:
    return COLUMNS + "".join(map(_row, families))


def _row(family: Metric) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
    return f"| `{name}` | {family.type} | {', '.join(labels)} | {family.documentation} |\n"
