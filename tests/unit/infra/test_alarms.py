"""Nothing that can stand still or fall over is without an alarm, and the dashboard shows what there is."""

import re
from typing import Any

import pytest

from receiver.metrics import METRICS
from tests.infra import ROOT, of_type, referred, resources, service

ALARMS = of_type("AWS::CloudWatch::Alarm")
QUEUES = of_type("AWS::SQS::Queue")
DEAD = {target for queue in QUEUES.values() for target in referred(queue.get("RedrivePolicy", {}))}
FUNCTIONS = [f"{name.capitalize()}LambdaFunction" for name in service()["functions"]]
GAUGES = {
    "mailroom_balanced",
    "mailroom_documents_overdue",
    "mailroom_tasks_parked",
    "mailroom_incidents_active",
    "mailroom_channels_failing",
    "mailroom_heartbeat",
}
"""What the sweep counts beside METRICS (handlers/functions/sweep.py)."""


def watched(resource: str) -> set[str]:
    """The metrics of this resource that an alarm looks at."""
    return {
        str(alarm.get("MetricName")) for alarm in ALARMS.values() if resource in referred(alarm.get("Dimensions", []))
    }


@pytest.mark.parametrize("queue", sorted(set(QUEUES) - DEAD))
def test_every_queue_has_an_alarm_for_what_waits_in_it(queue: str) -> None:
    assert "ApproximateAgeOfOldestMessage" in watched(queue)


@pytest.mark.parametrize("queue", sorted(DEAD))
def test_every_dead_letter_queue_has_an_alarm_for_anything_in_it(queue: str) -> None:
    assert "ApproximateNumberOfMessagesVisible" in watched(queue)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_alarms_for_its_errors_and_throttles(function: str) -> None:
    assert {"Errors", "Throttles"} <= watched(function)


def test_an_alarm_sees_that_nothing_is_processed_though_something_waits() -> None:
    metrics = ALARMS["NothingProcessed"]["Metrics"]
    assert referred(metrics) == {"DoorbellQueue"}
    assert {"ApproximateNumberOfMessagesVisible", "NumberOfMessagesDeleted"} == {
        item["MetricStat"]["Metric"]["MetricName"] for item in metrics if "MetricStat" in item
    }


def test_an_alarm_sees_that_any_index_of_the_table_is_throttled() -> None:
    (table,) = of_type("AWS::DynamoDB::Table").values()
    metrics = {item["Id"]: item for item in ALARMS["IndexThrottled"]["Metrics"]}
    seen = set(re.findall(r"FILL\((\w+), 0\)", metrics.pop("all")["Expression"]))
    assert seen == set(metrics) == {item["IndexName"] for item in table["GlobalSecondaryIndexes"]}
    for name, item in metrics.items():
        metric = item["MetricStat"]["Metric"]
        assert metric["MetricName"] == "WriteThrottleEvents"
        assert {"Name": "GlobalSecondaryIndexName", "Value": name} in metric["Dimensions"]


def test_the_balance_has_an_alarm_that_silence_sets_off_too() -> None:
    balance = next(alarm for alarm in ALARMS.values() if alarm.get("MetricName") == "mailroom_balanced")
    assert (balance["ComparisonOperator"], balance["TreatMissingData"]) == ("LessThanThreshold", "breaching")


@pytest.mark.parametrize("alarm", ALARMS.values(), ids=ALARMS)
def test_every_alarm_tells_somebody_what_to_do(alarm: dict[str, Any]) -> None:
    assert referred(alarm["AlarmActions"]) in ({"AlertsTopic"}, {"AlertsTopic", "WatchTopic"}, {"WatchTopic"})
    assert alarm["AlarmActions"] == alarm["OKActions"]
    assert len(alarm["AlarmDescription"]) > 20


RESTS_ON = ("ProcessErrors", "SweepErrors", "DoorbellAge", "NothingProcessed", "TasksParked")
"""What no alert is told without."""


def test_what_alerting_rests_on_is_told_by_a_second_topic() -> None:
    second = {name for name, alarm in ALARMS.items() if "WatchTopic" in referred(alarm["AlarmActions"])}
    assert second == {"AlertsUndelivered", "ChannelsFailing", "NoHeartbeat", *RESTS_ON}


@pytest.mark.parametrize("name", ["AlertsUndelivered", "ChannelsFailing", "NoHeartbeat"])
def test_that_alerting_fails_is_not_told_by_the_topic_that_fails(name: str) -> None:
    assert referred(ALARMS[name]["AlarmActions"]) == {"WatchTopic"}


def test_notifications_that_fail_and_topics_that_nobody_hears_have_alarms() -> None:
    assert "NumberOfNotificationsFailed" in watched("AlertsTopic")
    assert ALARMS["ChannelsFailing"]["MetricName"] == "mailroom_channels_failing"
    may_look = [name for name, role in of_type("AWS::IAM::Role").items() if "sns:GetTopicAttributes" in str(role)]
    assert may_look == ["ProcessRole"]


def test_silence_of_the_sweep_sets_an_alarm_off() -> None:
    alarm = ALARMS["NoHeartbeat"]
    assert (alarm["MetricName"], alarm["ComparisonOperator"]) == ("mailroom_heartbeat", "LessThanThreshold")
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("alarm", ALARMS.values(), ids=ALARMS)
def test_alarms_on_our_metrics_name_metrics_that_exist(alarm: dict[str, Any]) -> None:
    if alarm.get("Namespace") == "Mailroom":
        assert alarm["MetricName"] in set(METRICS) | GAUGES


def test_the_page_of_costs_counts_the_metrics_that_alarms_look_at() -> None:
    """CloudWatch bills each: an alarm on an expression has several."""
    alarms = [alarm for name, alarm in ALARMS.items() if resources()[name].get("Condition") != "QueuedWebhooks"]
    metrics = sum(sum("MetricStat" in item for item in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    page = (ROOT / "docs" / "deploy-aws.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| [^|]+ \| [^|]+ \| (?:up to )?([\d.]+) \|$", page)
    assert f"| {metrics} metrics of {len(alarms)} alarms x 0.10 | {metrics / 10:.2f} |" in page
    assert f"**about {sum(map(float, rows)):.0f}**" in page


def test_the_sweep_counts_what_the_alarms_look_at() -> None:
    import inspect

    from handlers.functions import sweep

    source = inspect.getsource(sweep.one_pass)
    assert [name for name in GAUGES if name not in source] == []


def test_the_dashboard_shows_every_function_and_metrics_that_exist() -> None:
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]
    states = ("routed", "review", "failed", "open", "withdrawn")
    totals = {"mailroom_documents_received", *(f"mailroom_documents_{state}" for state in states)}
    shown = set(re.findall(r"mailroom_\w+", body))
    assert totals < shown <= totals | GAUGES | set(METRICS)
    assert {name for name in FUNCTIONS if f"${{{name}}}" not in body} == set()
