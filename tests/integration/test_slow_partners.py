"""A partner that hangs, drips or floods costs one call its time, and nobody else anything."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from handlers.alerts import email
from handlers.alerts.email import Email
from handlers.http_client import Outbound
from receiver.aws.boto import Aws
from receiver.cloud.client import LlamaCloud
from receiver.cloud.transport import Timeouts
from receiver.core.errors import CloudBusy, DestinationBusy, Unanswered
from receiver.core.job import JobKind
from tests import trickle
from tests.contracts.alert_channel import a_notice
from tests.trickle import Trickle, trickling

pytestmark = pytest.mark.anyio
ACCESS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
PATIENCE = Timeouts(look_seconds=0.3, answer_seconds=0.3, connect_seconds=0.2, first_wait_seconds=0.01)


async def within(seconds: float, call: Any) -> BaseException:
    """What the call raised; fails when it takes longer, or holds more than a few megabytes meanwhile."""
    tracemalloc.start()
    try:
        async with asyncio.timeout(seconds):
            with pytest.raises((CloudBusy, DestinationBusy)) as raised:
                await call
        assert tracemalloc.get_traced_memory()[1] < 100 * 1024 * 1024
    finally:
        tracemalloc.stop()
    return raised.value


@pytest.mark.parametrize("answer", [trickle.hangs, trickle.drips_a_head])
async def test_an_endpoint_gets_its_time_and_no_more(answer: trickle.Answer) -> None:
    with trickling(answer) as slow:
        error = await within(10, Outbound(seconds=0.5).post(slow.url, what="there", body=b"{}", headers={}))
    assert str(error) == "there did not respond within 0 seconds"


@pytest.mark.parametrize("answer", [trickle.drips_a_body, trickle.floods])
async def test_what_an_endpoint_says_beside_yes_is_not_waited_for(answer: trickle.Answer) -> None:
    with trickling(answer) as slow:
        async with asyncio.timeout(10):
            await Outbound(seconds=5).post(slow.url, what="there", body=b"{}", headers={})


@pytest.mark.parametrize("answer", [trickle.hangs, trickle.drips_a_head, trickle.drips_a_body, trickle.floods])
@pytest.mark.parametrize("call", ["job", "find_file", "cancel", "jobs"])
async def test_llamacloud_gets_its_time_and_no_more(answer: trickle.Answer, call: str) -> None:
    calls: dict[str, Callable[[LlamaCloud], Any]] = {
        "job": lambda cloud: cloud.job(JobKind.CLASSIFY, "cls-1"),
        "find_file": lambda cloud: cloud.find_file("mailroom-doc_a", sha256="0"),
        "cancel": lambda cloud: cloud.cancel(JobKind.CLASSIFY, "cls-1"),
        "jobs": lambda cloud: anext(cloud.jobs(JobKind.CLASSIFY, since=0, until=1)),
    }
    with trickling(answer) as slow:
        cloud = LlamaCloud(slow.url, "llx-test", patience=PATIENCE)
        error = await within(20, calls[call](cloud))
        await cloud.close()
    assert isinstance(error, CloudBusy)


class Dead(httpx.AsyncBaseTransport):
    """Connections that went dead: the first request on each is never answered."""

    def __init__(self, dead: int) -> None:
        self.dead = dead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.dead:
            self.dead -= 1
            await asyncio.sleep(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("", request=request)
        return httpx.Response(200, json={"id": "cls-1", "status": "PENDING"})


async def test_the_first_request_after_a_connection_went_dead_is_asked_again_on_another() -> None:
    cloud = LlamaCloud("http://127.0.0.1:9", "llx-test", patience=PATIENCE, transport=Dead(1))
    assert (await cloud.job(JobKind.CLASSIFY, "cls-1")).id == "cls-1"


@pytest.fixture
async def aws() -> AsyncIterator[Callable[[Trickle], Aws]]:
    made: list[Aws] = []

    def make(slow: Trickle, call_seconds: float = 0.5) -> Aws:
        made.append(Aws(credentials=ACCESS, endpoint_url=slow.url, threads=2, attempts=1, call_seconds=call_seconds))
        return made[-1]

    yield make


@pytest.mark.parametrize("answer", [trickle.hangs, trickle.drips_a_head, trickle.drips_a_body])
async def test_aws_gets_its_time_and_no_more(aws: Callable[[Trickle], Aws], answer: trickle.Answer) -> None:
    with trickling(answer) as slow:
        calls = [
            aws(slow).call("s3", "put_object", what="s3://mail/a", Bucket="mail", Key="a", Body=b"x"),
            aws(slow).call("sqs", "send_message", what="sqs://q", QueueUrl=f"{slow.url}/1/q", MessageBody="m"),
            aws(slow).call("sns", "publish", what="sns:arn", TopicArn="arn:aws:sns:us-east-1:1:t", Message="m"),
        ]
        errors = await asyncio.gather(*(within(20, call) for call in calls))
    assert [type(error) for error in errors] == [Unanswered] * 3


async def test_calls_that_hang_hold_the_threads_of_their_own_bucket_alone(aws: Callable[..., Aws]) -> None:
    async def asked(times: int) -> None:
        async with asyncio.timeout(20):
            while slow.asked < times:  # noqa: ASYNC110  it is asked by a thread
                await asyncio.sleep(0.01)

    with trickling(trickle.hangs) as slow:
        client = aws(slow, call_seconds=10)

        async def put(bucket: str) -> None:
            await client.call("s3", "put_object", what=f"s3://{bucket}/a", Bucket=bucket, Key="a", Body=b"x")

        hanging = [asyncio.create_task(put("hangs")) for _ in range(6)]
        await asked(2)
        other = asyncio.create_task(put("other"))
        await asked(3)
        assert not any(item.done() for item in hanging)
        for item in (*hanging, other):
            item.cancel()
        await asyncio.gather(*hanging, other, return_exceptions=True)


@pytest.mark.parametrize("answer", [trickle.hangs, trickle.drips_smtp, trickle.floods_smtp])
async def test_a_mail_server_gets_its_time_and_no_more(answer: trickle.Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 0.5)
    with trickling(answer) as slow:
        channel = Email("to@example.com", f"smtp://127.0.0.1:{slow.port}")
        begun = time.monotonic()
        await within(20, channel.notify(a_notice()))
    assert time.monotonic() - begun < 15
