"""The sweep's function: what the queue does not bring is begun without it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.session import get_session
from botocore.stub import Stubber

from handlers.functions import sweep
from handlers.functions.direct import Direct
from handlers.functions.process import Knowledge, work_on
from handlers.functions.sweep import SWEEP_SECONDS, recover
from receiver.bootstrap import App
from receiver.core.errors import Misconfigured, StoreBusy, Transient
from receiver.operations.receiving_gap import ReceivingGap
from receiver.operations.stalled_queue import is_silent
from receiver.settings import Settings
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
FROM_QUEUE = {"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}


class Straight(Direct):
    """The way to a process function that works in this process."""

    def __init__(self, app: App) -> None:
        self.app, self.begun = app, list[str]()

    async def begin(self, task_ids: Sequence[str]) -> None:
        self.begun += task_ids
        records = [{"messageId": item, "body": json.dumps({"task": item})} for item in task_ids]
        await work_on(records, self.app, Knowledge(), seconds=300)


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path)


@pytest.fixture
def straight(app: InMemoryApp) -> Straight:
    return Straight(App(settings=Settings(lease_seconds=60), context=app.context, receiver=None))


async def test_what_a_silent_queue_does_not_bring_is_begun_and_somebody_is_told(
    app: InMemoryApp, straight: Straight
) -> None:
    taken = await app.ingest()
    for _ in range(4):
        app.later(SWEEP_SECONDS + 1)
        await recover(app.context, straight)
    assert (await app.document(taken.document.id)).job_id == "job-1"
    assert [notice.kind for notice, _ in app.channel.told] == ["queue.silent"]


async def test_a_queue_that_delivers_is_left_to_it(app: InMemoryApp, straight: Straight) -> None:
    """Though what is due waits for its partner, or for its place in a long queue."""
    await app.ingest()
    for _ in range(4):
        app.later(SWEEP_SECONDS)
        await work_on(
            [{"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}], straight.app, Knowledge(), seconds=9
        )
        await recover(app.context, straight)
    assert straight.begun == []


async def test_what_became_due_just_now_is_given_time(app: InMemoryApp, straight: Straight) -> None:
    await app.ingest()
    app.later(SWEEP_SECONDS)
    await recover(app.context, straight)
    assert straight.begun == []


async def test_what_is_invoked_past_the_queue_does_not_count_as_heard(app: InMemoryApp, straight: Straight) -> None:
    await app.ingest()
    await straight.begin([])
    assert await is_silent(app.context, sweep_seconds=SWEEP_SECONDS)
    await work_on([FROM_QUEUE], straight.app, Knowledge(), seconds=9)
    assert not await is_silent(app.context, sweep_seconds=SWEEP_SECONDS)


def stubbed(*, fails: bool = False) -> tuple[Any, Stubber]:
    client = get_session().create_client(
        "lambda", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stub = Stubber(client)
    if fails:
        stub.add_client_error("invoke", "ResourceNotFoundException", "Function not found")
    stub.activate()
    return client, stub


async def test_tasks_go_to_the_function_ten_at_a_time_as_the_queue_would_bring_them() -> None:
    client, stub = stubbed()
    ids = [f"task {number}" for number in range(12)]
    for some in (ids[:10], ids[10:]):
        records = [{"messageId": item, "body": json.dumps({"task": item})} for item in some]
        expected = {
            "FunctionName": "f",
            "InvocationType": "Event",
            "Payload": json.dumps({"Records": records}).encode(),
        }
        stub.add_response("invoke", {"StatusCode": 202}, expected)
    await Direct("f", client=lambda: client).begin(ids)
    stub.assert_no_pending_responses()


async def test_a_function_that_cannot_be_invoked_is_named() -> None:
    with pytest.raises(Transient, match="mailroom-dev-process cannot be invoked"):
        await Direct("mailroom-dev-process", client=lambda: stubbed(fails=True)[0]).begin(["t"])
    with pytest.raises(Misconfigured, match="PROCESS_FUNCTION"):
        await Direct("").begin(["t"])


def test_a_pass_finds_what_ended_unheard_after_the_store_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_app = InMemoryApp(tmp_path)
    app = App(settings=Settings(), context=memory_app.context, receiver=None)
    monkeypatch.setattr(sweep, "MISSED", ReceivingGap(longest_pause=1000, clock=lambda: 0.0))

    class Warm:
        refused, built = None, staticmethod(lambda: app)
        run, publish = staticmethod(asyncio.run), staticmethod(lambda *_: None)

    monkeypatch.setattr(sweep, "WARM", Warm)
    sweep.handler({}, cast("Any", None))
    document = asyncio.run(memory_app.submitted())
    memory_app.cloud.classified(document.job_id, "contract")

    async def away(app: App) -> dict[str, float]:
        raise StoreBusy("away")

    with monkeypatch.context() as patched, pytest.raises(StoreBusy):
        patched.setattr(sweep, "one_pass", away)
        sweep.handler({}, cast("Any", None))
    sweep.handler({}, cast("Any", None))
    asyncio.run(memory_app.work())
    assert asyncio.run(memory_app.document(document.id)).plan is not None
