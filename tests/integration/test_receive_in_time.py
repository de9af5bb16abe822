"""On AWS an event is answered 503 in time, whatever DynamoDB does: one that hangs, and one that throttles."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from handlers.functions import receive
from handlers.functions.gateway import gateway
from receiver.aws.client import JsonClient
from receiver.core.timers import AWS_ATTEMPTS, RECEIVE, TO_ANSWER
from receiver.read_settings import from_environ
from receiver.store.dynamodb.store import THROTTLED_TRIES
from tests.lambda_runtime import ROOT


class Context:
    """What Lambda says about an invocation of which so much time is left."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class BadAws:
    """An AWS that never answers, or refuses whatever is asked of it."""

    def __init__(self, code: str = "") -> None:
        self.asked: list[str] = []
        self.over = Event()
        bad = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                bad.asked.append(self.headers["x-amz-target"])
                self.rfile.read(int(self.headers["content-length"]))
                if not code:
                    bad.over.wait()
                body = json.dumps({"__type": f"x#{code or 'InternalServerError'}", "message": "no"}).encode()
                self.send_response(400)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class Function:
    """receive, as Lambda has it, on such an AWS."""

    def __init__(self, aws: BadAws, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        for name, value in {
            "AWS_LAMBDA_FUNCTION_NAME": "mailroom-test-receive", "AWS_ENDPOINT_URL": aws.url, "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "MAILROOM_STORE": "dynamodb://events",
            "MAILROOM_QUEUE": "sqs://tasks",
            "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["the-right-header-value"]}',
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        self._runner = stack.enter_context(asyncio.Runner())
        self._runner.get_loop()
        self._built = receive.build(from_environ())

    def answer(self, seconds: float) -> dict[str, Any]:
        event = json.loads((ROOT / "tests" / "events" / "http_api.json").read_text())
        return self._built.http(event, Context(seconds))

    def close(self) -> None:
        self._runner.run(receive.close(self._built))


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts receive on a bad AWS; both are closed afterwards."""
    with ExitStack() as stack:

        def start(code: str = "") -> tuple[Function, BadAws]:
            aws = BadAws(code)
            function = Function(aws, monkeypatch, stack)
            stack.callback(function.close)
            stack.callback(aws.close)
            return function, aws

        yield start


def test_a_store_that_hangs_is_503_before_the_functions_time_is_over(on: Any) -> None:
    function, aws = on()
    answer = function.answer(seconds=TO_ANSWER + 0.2)
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["retry-after"]) >= 1
    assert aws.asked[0].endswith("TransactWriteItems")


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_a_store_that_throttles_is_asked_a_few_times_and_then_503(on: Any, code: str) -> None:
    function, aws = on(code)
    assert function.answer(seconds=RECEIVE)["statusCode"] == 503
    assert len(aws.asked) <= THROTTLED_TRIES * AWS_ATTEMPTS == 6


def test_an_answer_in_time_is_the_applications() -> None:
    async def teapot(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"tea"})

    event = json.loads((ROOT / "tests" / "events" / "http_api.json").read_text())
    with asyncio.Runner() as runner:
        runner.get_loop()
        answer = gateway(teapot)(event, Context(RECEIVE))
    assert (answer["statusCode"], answer["body"]) == (418, "tea")


def test_no_attempt_of_a_call_begins_after_its_time() -> None:
    aws = BadAws()
    env = {"AWS_ENDPOINT_URL": aws.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k"}
    client = JsonClient("dynamodb", environ=env, attempt_seconds=0.05, call_seconds=0.06)
    with pytest.raises(EndpointConnectionError):
        client.get_item(TableName="t", Key={})
    client.close()
    aws.close()
    assert len(aws.asked) < AWS_ATTEMPTS
