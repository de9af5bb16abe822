"""Every Lambda function under AWS's own runtime client, with events as AWS sends them, on a local AWS and a sandbox."""

import base64
import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from handlers.demo.local_aws import LocalAws
from llamacloud_sandbox.testing import start_sandbox
from receiver.store.dynamodb.table import create_table
from tests.infra import of_type
from tests.lambda_runtime import ROOT, Function, FunctionError, running
from tests.pdf_fixtures import a_page, packet_bytes
from tests.webhook_api import mapped

pytestmark = [pytest.mark.aws, pytest.mark.slow]
EVENTS = ROOT / "tests" / "events"
SAMPLE = ROOT / "samples" / "invoice-harbour-freight.pdf"
NAME = "functions"
INBOX, MAIL, SPOOL, DOORBELL, ROUTED = (f"{NAME}-{what}" for what in ("inbox", "mail", "spool", "doorbell", "routed"))
PATIENCE_SECONDS = 60.0


def recorded(name: str, body: str = "") -> dict[str, Any]:
    """An event as AWS sends it; ``body`` takes the place of its (first) body."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if body:
        (event["Records"][0] if "Records" in event else event)["body"] = body
    return event


@dataclass
class Lambda:
    """The functions of one deployment, and what they work on."""

    aws: LocalAws
    cloud: str
    start: Callable[..., Function]

    def messages(self) -> list[dict[str, Any]]:
        """What lies in the doorbell's queue, taken out, as the records of an SQS event."""
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName=DOORBELL)["QueueUrl"]
        taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in taken:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        template = recorded("sqs_rings")["Records"][0]
        return [{**template, "messageId": item["MessageId"], "body": item["Body"]} for item in taken]

    def work(self, process: Function) -> list[str]:
        """Answers rings until there is none; the ids that process gave back."""
        failed: list[str] = []
        while records := self.messages():
            answer = process.invoke({"Records": records})
            failed += [item["itemIdentifier"] for item in answer["batchItemFailures"]]
        return failed

    def put(self, key: str, body: bytes) -> dict[str, Any]:
        """S3's notification, in SQS's event, about a document that was put into the inbox."""
        there = self.aws.client("s3").put_object(Bucket=INBOX, Key=key, Body=body)
        said = json.loads(recorded("s3_through_sqs")["Records"][0]["body"])
        said["Records"][0]["s3"]["bucket"]["name"] = INBOX
        said["Records"][0]["s3"]["object"].update(key=key.replace(" ", "+"), versionId=there["VersionId"])
        return recorded("s3_through_sqs", json.dumps(said))


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambda]:
    """What serverless.yml would have made, and its functions, each started when it is first asked for."""
    s3, sqs = local_aws.client("s3"), local_aws.client("sqs")
    for bucket in (INBOX, MAIL, SPOOL):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for queue in (DOORBELL, ROUTED):
        sqs.create_queue(QueueName=queue)
    create_table(local_aws.client("dynamodb"), NAME)
    topic = local_aws.client("sns").create_topic(Name=NAME)["TopicArn"]
    folder, started = tmp_path_factory.mktemp("functions"), {}
    with ExitStack() as stack:
        cloud = stack.enter_context(start_sandbox()).url
        env = {
            **local_aws.env,
            "LLAMA_CLOUD_API_KEY": "llx-test",
            "LLAMA_CLOUD_BASE_URL": cloud,
            "MAILROOM_CONFIG": str(ROOT / "infra" / "mailroom.yaml"),
            "MAILROOM_PUBLIC_URL": "http://127.0.0.1:9",
            "MAILROOM_STORE": f"dynamodb://{NAME}",
            "MAILROOM_QUEUE": f"sqs://{DOORBELL}",
            "MAILROOM_INBOX_BUCKETS": INBOX,
            "MAILROOM_SPOOL": f"s3://{SPOOL}/documents/",
            "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["the-right-header-value"]}',
            "MAILROOM_ADMIN_TOKEN": "the-operators-admin-token",
            "MAIL_BUCKET": MAIL,
            "ROUTED_QUEUE": ROUTED,
            "ALERTS_TOPIC": topic,
        }

        def start(name: str, **more: str) -> Function:
            key = f"{name} {more}"
            if key not in started:
                started[key] = stack.enter_context(running(name, {**env, **more}, folder))
            return started[key]

        yield Lambda(local_aws, cloud, start)


@pytest.fixture
def quiet(deployed: Lambda) -> Lambda:
    """The queue is empty. Retries that earlier tests left in it for later would come due in the middle of this one."""
    sqs = deployed.aws.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=DOORBELL)["QueueUrl"])
    return deployed


class TestReceive:
    @pytest.mark.parametrize("name", ["http_api", "http_api_base64", "function_url", "function_url_base64"])
    def test_an_event_is_kept_rung_for_and_answered(self, quiet: Lambda, name: str) -> None:
        event = {"event_id": f"evt-{name}", "event_type": "classify.success", "data": {"job_id": f"cls-{name}"}}
        request = recorded(name)
        if request["isBase64Encoded"]:
            import base64

            request["body"] = base64.b64encode(json.dumps(event).encode()).decode()
        else:
            request["body"] = json.dumps(event)
        request["headers"]["content-length"] = str(len(json.dumps(event)))
        receive = quiet.start("receive")
        answers = [receive.invoke(request) for _ in range(2)]
        assert [(item["statusCode"], json.loads(item["body"])["status"]) for item in answers] == [
            (202, "accepted"),
            (200, "duplicate"),
        ]
        (message,) = quiet.messages()
        assert json.loads(message["body"]) == {"task": f"react:cls-{name}:classify.success"}

    def test_a_wrong_header_is_401_and_leaves_no_trace(self, quiet: Lambda) -> None:
        request = recorded("http_api")
        request["headers"]["x-mailroom-key"] = "the-wrong-value"
        answer = quiet.start("receive").invoke(request)
        assert answer["statusCode"] == 401
        assert json.loads(answer["body"])["error"]["code"] == "not_authentic"
        assert quiet.messages() == []
        assert "the-wrong-value" not in quiet.start("receive").output()

    @pytest.mark.parametrize("name", ["receive", "console"])
    def test_it_says_whether_it_is_ready_and_writes_nothing_for_that(self, quiet: Lambda, name: str) -> None:
        """Anybody may ask: a write for each would be theirs to cause."""
        table = quiet.aws.client("dynamodb")
        before = table.scan(TableName=NAME, Select="ALL_ATTRIBUTES")["Items"]
        assert quiet.start(name).invoke(recorded("http_api_readyz"))["statusCode"] == 200
        assert table.scan(TableName=NAME, Select="ALL_ATTRIBUTES")["Items"] == before

    def test_without_a_table_it_is_not_ready(self, quiet: Lambda) -> None:
        answer = quiet.start("receive", MAILROOM_STORE="dynamodb://nowhere").invoke(recorded("http_api_readyz"))
        assert answer["statusCode"] == 503

    def test_what_it_does_not_know_is_not_found(self, quiet: Lambda) -> None:
        assert quiet.start("receive").invoke(recorded("http_api_documents"))["statusCode"] == 404

    def test_a_missing_table_is_503_and_says_when_to_come_again(self, quiet: Lambda) -> None:
        answer = quiet.start("receive", MAILROOM_STORE="dynamodb://nowhere").invoke(recorded("http_api"))
        assert answer["statusCode"] == 503
        assert int(answer["headers"]["retry-after"]) >= 1

    def test_without_any_secret_it_does_not_start(self, quiet: Lambda) -> None:
        with pytest.raises(FunctionError, match="MAILROOM_WEBHOOK_HEADERS"):
            quiet.start("receive", MAILROOM_WEBHOOK_HEADERS="").answer()

    def test_metrics_are_written_for_cloudwatch(self, quiet: Lambda) -> None:
        receive = quiet.start("receive")
        receive.invoke(recorded("http_api"))
        counted = [line for line in receive.lines() if "mailroom_events" in line]
        assert counted
        assert {line["function"] for line in counted} == {"receive"}


def queued(name: str, *, key: str = "the-right-header-value") -> dict[str, Any]:
    """A webhook as the queue in front of `receive` holds it: an event of this id, with this value of its header."""
    event = {"event_id": f"evt-{name}", "event_type": "classify.success", "data": {"job_id": f"cls-{name}"}}
    integration = of_type("AWS::ApiGateway::Method")["WebhookApiMethod"]["Integration"]
    headers = {"Content-Type": "application/json", "X-Mailroom-Key": key}
    (body,) = parse_qs(mapped(integration, headers, json.dumps(event), at=time.time()))["MessageBody"]
    return {**recorded("sqs_webhooks")["Records"][0], "messageId": name, "body": body}


def given_back(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


class TestQueuedWebhooks:
    def test_the_recorded_message_is_stored(self, quiet: Lambda) -> None:
        assert given_back(quiet.start("receive").invoke(recorded("sqs_webhooks"))) == []

    def test_what_is_verified_is_stored_once_and_what_is_forged_is_dropped_by_name(self, quiet: Lambda) -> None:
        receive = quiet.start("receive")
        batch = [queued("first"), queued("second"), queued("forged", key="the-wrong-value")]
        assert [given_back(receive.invoke({"Records": batch})) for _ in range(2)] == [[], []]
        assert sorted(json.loads(item["body"])["task"] for item in quiet.messages()) == [
            "react:cls-first:classify.success",
            "react:cls-second:classify.success",
        ]
        refused = [line for line in receive.lines() if line.get("what") == "event.refused"][-1]
        assert (refused["cause"], refused["peer"]) == ("header_wrong", "203.0.113.7")
        assert any(line.get("mailroom_refusals") for line in receive.lines() if line.get("cause") == "header_wrong")
        assert "the-wrong-value" not in receive.output()

    def test_what_cannot_be_stored_comes_again(self, quiet: Lambda) -> None:
        batch = {"Records": [queued("later"), queued("nobody", key="the-wrong-value")]}
        assert given_back(quiet.start("receive", MAILROOM_STORE="dynamodb://nowhere").invoke(batch)) == ["later"]
        assert given_back(quiet.start("receive").invoke(batch)) == []
        (message,) = quiet.messages()
        assert json.loads(message["body"]) == {"task": "react:cls-later:classify.success"}

    def test_what_nobody_can_read_comes_again_and_finally_is_a_dead_letter(self, quiet: Lambda) -> None:
        unreadable = {**queued("unreadable"), "body": "Action=SendMessage"}
        answer = quiet.start("receive").invoke({"Records": [unreadable, queued("beside")]})
        assert given_back(answer) == ["unreadable"]
        assert len(quiet.messages()) == 1


class TestIntake:
    def test_an_object_becomes_a_document_and_a_second_notice_nothing(self, quiet: Lambda) -> None:
        notice = quiet.put("mail/May invoice.pdf", b"%PDF-1.7 may")
        intake = quiet.start("intake")
        assert [intake.invoke(notice) for _ in range(2)] == [{"batchItemFailures": []}] * 2
        assert [json.loads(message["body"])["task"].split(":")[0] for message in quiet.messages()] == ["submit"]

    @pytest.mark.parametrize("name", ["s3_test_event_through_sqs"])
    def test_what_is_no_document_is_answered(self, quiet: Lambda, name: str) -> None:
        assert quiet.start("intake").invoke(recorded(name)) == {"batchItemFailures": []}

    @pytest.mark.parametrize("name", ["s3_through_sqs", "eventbridge_s3_through_sqs"])
    def test_what_cannot_be_read_comes_again(self, quiet: Lambda, name: str) -> None:
        event = recorded(name)
        failed = quiet.start("intake").invoke(event)["batchItemFailures"]
        assert failed == [{"itemIdentifier": event["Records"][0]["messageId"]}]

    def test_an_empty_file_is_refused_and_named(self, quiet: Lambda) -> None:
        intake = quiet.start("intake")
        assert len(intake.invoke(quiet.put("empty.pdf", b""))["batchItemFailures"]) == 1
        assert any("empty" in line.get("error", "") for line in intake.lines())


class TestProcess:
    def test_what_nobody_can_read_comes_again_and_the_rest_does_not(self, quiet: Lambda) -> None:
        event = recorded("sqs_rings")
        broken = copy.deepcopy(event["Records"][0])
        broken.update(messageId="broken", body="{ not json")
        event["Records"].append(broken)
        answer = quiet.start("process").invoke(event)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "broken"}]}

    def test_it_stops_before_its_time_runs_out(self, quiet: Lambda, hanging: str) -> None:
        quiet.start("intake").invoke(quiet.put("slow.pdf", b"%PDF-1.7 slow"))
        (message,) = quiet.messages()
        process = quiet.start("process", LLAMA_CLOUD_BASE_URL=hanging)
        # Its first message connects it to the store, which takes seconds on a busy machine: not those of the next one.
        process.invoke({"Records": [{**message, "body": "{ not json"}]})
        answer = process.invoke({"Records": [message]}, seconds=14.0)
        assert answer == {"batchItemFailures": []}
        retried = [line["note"] for line in process.lines() if line.get("what") == "task.retry"]
        assert len(retried) == 1
        assert "took longer than" in retried[0]

    def test_a_document_goes_all_the_way(self, quiet: Lambda) -> None:
        intake, process, receive = (quiet.start(name) for name in ("intake", "process", "receive"))
        assert intake.invoke(quiet.put("freight.pdf", SAMPLE.read_bytes())) == {"batchItemFailures": []}
        assert quiet.work(process) == []
        job = finished_job(quiet.cloud)
        happened = {"event_id": "evt-way", "event_type": "classify.success", "data": {"job_id": job}}
        request = recorded("http_api", json.dumps(happened))
        request["headers"]["content-length"] = str(len(request["body"]))
        assert receive.invoke(request)["statusCode"] == 202
        assert quiet.work(process) == []
        assert [key for key in quiet.aws.objects(MAIL) if key.endswith("/freight.pdf")]
        (message,) = quiet.aws.messages(ROUTED)
        assert json.loads(message["Body"])["type"] == "mailroom.document.routed"
        ids = {line["document"] for line in intake.lines() if line.get("what") == "document.received"}
        worked_on = {line["subject"] for line in process.lines() if str(line.get("what", "")).startswith("task.done")}
        assert ids & worked_on, "one follows a document from function to function by its id"


class TestSweepAndConsole:
    def test_the_sweep_counts_the_books(self, quiet: Lambda) -> None:
        sweep = quiet.start("sweep")
        assert sweep.invoke(recorded("schedule")) is None
        totals = [line for line in sweep.lines() if "mailroom_balanced" in line][-1]
        assert totals["mailroom_balanced"] == 1
        assert totals["mailroom_documents_received"] >= 1

    def test_the_sweep_rings_for_what_was_not_rung(self, quiet: Lambda) -> None:
        quiet.start("intake").invoke(quiet.put("unheard.pdf", b"%PDF-1.7 unheard"))
        (lost,) = quiet.messages()
        quiet.start("sweep").invoke(recorded("schedule"))
        again = [message["body"] for batch in iter(quiet.messages, []) for message in batch]
        assert json.loads(lost["body"]) in [json.loads(body) for body in again]

    def test_the_operator_sees_the_documents_with_the_token_only(self, quiet: Lambda) -> None:
        quiet.start("intake").invoke(quiet.put("seen.pdf", b"%PDF-1.7 seen"))
        console, request = quiet.start("console"), recorded("http_api_documents")
        answer = console.invoke(request)
        assert answer["statusCode"] == 200
        assert "seen.pdf" in answer["body"]
        session = {**request, "rawPath": "/session", "rawQueryString": ""}
        http = {"http": {**request["requestContext"]["http"], "method": "POST", "path": "/session"}}
        begun = console.invoke({**session, "requestContext": request["requestContext"] | http})
        (cookie,) = begun["cookies"]
        assert cookie.startswith("__Host-mailroom=")
        assert "Secure" in cookie
        del request["headers"]["authorization"]
        assert console.invoke({**request, "cookies": [cookie.partition(";")[0]]})["statusCode"] == 200
        request["headers"]["authorization"] = "Bearer guess"
        assert console.invoke(request)["statusCode"] == 401

    def test_the_operator_sees_the_pages_of_a_document_in_the_inbox(self, quiet: Lambda) -> None:
        quiet.start("intake").invoke(quiet.put("drawn.pdf", packet_bytes(a_page("drawn"))))
        console, request = quiet.start("console"), recorded("http_api_documents")
        listed = json.loads(console.invoke({**request, "rawQueryString": "q=drawn.pdf"})["body"])
        path = f"/documents/{listed['documents'][0]['document_id']}/pages/1.png"
        context = {**request["requestContext"], "http": {**request["requestContext"]["http"], "path": path}}
        asked = {**request, "rawPath": path, "rawQueryString": "width=200", "requestContext": context}
        answer = console.invoke(asked)
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
        assert base64.b64decode(answer["body"]).startswith(b"\x89PNG")
        context = {**context, "http": {**context["http"], "path": "/stream"}}
        stream = {**request, "rawPath": "/stream", "rawQueryString": "", "requestContext": context}
        assert console.invoke(stream)["statusCode"] == 204  # the page polls: Lambda answers when all is there


def finished_job(cloud: str) -> str:
    """The id of the newest classify job that is done; a test before may have left others that never will be."""
    until = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(base_url=cloud, headers={"authorization": "Bearer llx-test"}) as client:
        while time.monotonic() < until:
            jobs = client.get("/api/v2/classify").json()["items"]
            if done := [job for job in jobs if job["status"] == "COMPLETED"]:
                return str(done[0]["id"])
            time.sleep(0.1)
    raise AssertionError("the job did not end")


@pytest.fixture
def hanging() -> Iterator[str]:
    """A LlamaCloud that takes the connection and has no text."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("name", ["receive", "process", "intake", "console"])
def test_a_warm_up_and_a_test_event_of_the_console_make_no_function_raise(quiet: Lambda, name: str) -> None:
    function = quiet.start(name)
    for event in ({"source": "serverless-plugin-warmup"}, {"key1": "value1", "key2": "value2"}, {}):
        function.invoke(event)
    assert quiet.messages() == []
