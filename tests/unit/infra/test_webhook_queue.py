"""The queue in front of `receive`: what it needs, what it answers, and that a changed method is deployed."""

import hashlib
import json
import tomllib
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.builders import NOW
from tests.infra import ROOT, of_type, param, referred, resources, service
from tests.webhook_api import answered, mapped

ALL = resources()
METHOD = of_type("AWS::ApiGateway::Method")["WebhookApiMethod"]
INTEGRATION = METHOD["Integration"]


def test_a_changed_method_is_deployed_anew() -> None:
    """CloudFormation makes no new snapshot of an API for a deployment that keeps its name."""
    kinds = ("AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method")
    shown = json.dumps({name: item for name, item in ALL.items() if item["Type"] in kinds}, sort_keys=True)
    name = f"WebhookApiDeployment{hashlib.sha256(shown.encode()).hexdigest()[:8]}"
    assert list(of_type("AWS::ApiGateway::Deployment")) == [name], "call it so in infra/webhook_queue.yml, twice"
    assert referred(of_type("AWS::ApiGateway::Stage")["WebhookApiStage"]["DeploymentId"]) == {name}


def test_without_the_option_nothing_of_it_is_made() -> None:
    made = {name for name, item in ALL.items() if item.get("Condition") == "QueuedWebhooks"}
    assert made == {name for name in ALL if name.startswith("Webhook")}
    assert service()["params"]["default"]["webhookQueue"] == "off"


def test_the_bytes_that_were_signed_and_all_headers_reach_the_queue() -> None:
    form = mapped(INTEGRATION, {"Content-Type": "application/json; charset=utf-8", "X-Own": "a&b=c d"}, '{"a": "ü"}')
    said = parse_qs(form, strict_parsing=True)
    assert said["Action"] == ["SendMessage"]
    assert sorted(said) == ["Action", "MessageBody"]
    assert said["MessageBody"][0].splitlines()[:3] == [
        "peer 203.0.113.7",
        f"at {NOW * 1000:.0f}",
        "body eyJhIjogIsO8In0=",
    ]
    assert len(said["MessageBody"][0].splitlines()) == 5
    assert INTEGRATION["RequestParameters"] == {
        "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"
    }


def test_what_is_no_json_is_refused_before_the_queue() -> None:
    assert mapped(INTEGRATION, {"content-type": "text/xml"}, "<a/>") == ""


@pytest.mark.parametrize(("status", "expected"), [(200, 200), (400, 413), (403, 503), (500, 503), (503, 503)])
def test_only_what_is_in_the_queue_is_acknowledged(status: int, expected: int) -> None:
    code, body = answered(INTEGRATION, status)
    assert code == expected
    assert json.loads(body) == ({"status": "queued"} if expected == 200 else {"error": json.loads(body)["error"]})
    assert str(code) in {item["StatusCode"] for item in METHOD["MethodResponses"]}


def test_api_gateway_may_send_to_this_queue_and_nothing_else() -> None:
    role = of_type("AWS::IAM::Role")["WebhookApiRole"]
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], referred(statement["Resource"])) == ("sqs:SendMessage", {"WebhookQueue"})
    assert "apigateway.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])


def test_a_webhook_waits_as_long_as_sqs_can_and_for_hours_before_it_is_a_dead_letter() -> None:
    queues = of_type("AWS::SQS::Queue")
    assert {queues[name]["MessageRetentionPeriod"] for name in ("WebhookQueue", "WebhookDeadQueue")} == {14 * 86400}
    attempts = param(queues["WebhookQueue"]["RedrivePolicy"]["maxReceiveCount"])
    assert attempts * param(queues["WebhookQueue"]["VisibilityTimeout"]) >= 4 * 3600


def test_receive_takes_from_it_in_batches_and_says_which_must_come_again() -> None:
    source = of_type("AWS::Lambda::EventSourceMapping")["WebhookQueueSource"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert referred(source["EventSourceArn"]) == {"WebhookQueue"}
    timeout = service()["functions"]["receive"]["timeout"]
    assert param(of_type("AWS::SQS::Queue")["WebhookQueue"]["VisibilityTimeout"]) >= 6 * timeout
    zipped: dict[str, Any] = tomllib.loads((ROOT / "infra" / "functions.toml").read_text())["receive"]
    assert "handlers/functions/queued_webhooks.py" in zipped["ours"]
