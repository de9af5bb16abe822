"""Health over HTTP, and errors in one shape everywhere."""

import asyncio
import dataclasses
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from receiver.core.alert import Severity
from receiver.core.change import Insert
from receiver.core.document import DocumentState
from receiver.core.errors import Misconfigured
from receiver.core.flag import Flag
from receiver.core.task import TaskState
from receiver.http import readiness as readiness_module
from receiver.http.public import public_app
from receiver.http.readiness import Readiness
from receiver.metrics import METRICS
from receiver.operations.heartbeat import HEARTBEAT
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_channel, a_document, a_task, an_incident
from tests.in_memory_app import InMemoryChannel
from tests.receivers import BusyStore, Sender, a_body, an_app, client_of, operator_of, post

pytestmark = pytest.mark.anyio


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Sample name and label values -> value."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_it_is_alive_and_ready(tmp_path: Path) -> None:
    async with client_of(an_app(tmp_path)) as client, operator_of(an_app(tmp_path)) as operator:
        for side in (client, operator):
            assert (await side.get("/livez")).json() == {"status": "ok"}
            assert (await side.get("/readyz")).json() == {"status": "ready"}
            assert (await side.head("/readyz")).text == ""


async def test_it_is_alive_but_not_ready_while_the_store_cannot_write(tmp_path: Path) -> None:
    app = an_app(tmp_path, store=BusyStore())
    async with client_of(app) as client, operator_of(app) as operator:
        for side in (client, operator):
            assert (await side.get("/livez")).status_code == 200
            answer = await side.get("/readyz")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_busy")
            assert "secret-place" not in answer.text


async def test_asking_for_readiness_costs_no_write(tmp_path: Path) -> None:
    class Watched(MemoryStore):
        looks = 0

        async def ready(self) -> None:
            self.looks += 1

    store = Watched()
    app = an_app(tmp_path, store=store)
    readiness = Readiness(store.ready)
    await readiness.look()
    public = httpx.ASGITransport(public_app(app, readiness))
    async with httpx.AsyncClient(transport=public, base_url="http://mail") as client:
        answers = [(await client.get("/readyz")).status_code for _ in range(500)]
    assert set(answers) == {200}
    assert store.looks == 1, "that of the process itself"


async def test_what_readiness_says_is_never_old_and_a_store_that_hangs_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(MemoryStore):
        hangs = False

        async def ready(self) -> None:
            while self.hangs:  # noqa: ASYNC110 - it is how a disk behaves
                await asyncio.sleep(0.01)

    monkeypatch.setattr(readiness_module, "PATIENCE_SECONDS", 0.05)
    now, store = [0.0], Hanging()
    readiness = Readiness(store.ready, clock=lambda: now[0])
    assert await readiness.problem() is None
    store.hangs = True
    now[0] += readiness_module.GOOD_SECONDS
    assert await readiness.problem() is None
    now[0] += 0.1
    problems = await asyncio.gather(*(readiness.problem() for _ in range(10)))
    assert {problem.status for problem in problems if problem} == {503}
    store.hangs = False
    now[0] += readiness_module.GOOD_SECONDS + 0.1
    assert await readiness.problem() is None


async def test_every_metric_and_the_books_can_be_read_by_prometheus(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    app = dataclasses.replace(app, context=dataclasses.replace(app.context, channels={"log": InMemoryChannel()}))
    await app.context.store.apply(
        Insert(a_document(deadline=NOW - 1)),
        Insert(a_document(state=DocumentState.ROUTED)),
        Insert(a_task(state=TaskState.PARKED)),
        Insert(an_incident(severity=Severity.CRITICAL)),
        Insert(a_channel(id="log")),
        Insert(Flag(id=HEARTBEAT, value="", at=NOW)),
    )
    async with client_of(app) as client, operator_of(app) as operator:
        await post(client, a_body())
        await post(client, a_body(), Sender(headers={"LC-Signature": None}))
        answer = await operator.get("/metrics")
    found = samples(answer.text)
    assert found["mailroom_events_total", ("accepted",)] == 1
    assert found["mailroom_refusals_total", ("signature_missing",)] == 1
    assert found["mailroom_receive_seconds_count", ()] == 1
    assert found["mailroom_documents_state", ("open",)] == found["mailroom_documents_state", ("routed",)] == 1
    assert found["mailroom_documents_received_total", ()] == 2
    assert found["mailroom_documents_overdue", ()] == found["mailroom_tasks_parked", ()] == 1
    assert found["mailroom_store_up", ()] == 1
    assert found["mailroom_incidents", ("critical",)] == 1
    assert found["mailroom_incidents", ("error",)] == 0
    assert found["mailroom_channel_failing", ("log",)] == 1
    assert found["mailroom_heartbeat_timestamp_seconds", ()] == NOW
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert set(METRICS) <= families


async def test_what_is_not_there_is_told_in_the_same_shape(tmp_path: Path) -> None:
    async with client_of(an_app(tmp_path)) as client, operator_of(an_app(tmp_path)) as operator:
        for side in (client, operator):
            missing = await side.get("/webhooks/llamacloud/")
            wrong = await side.post("/livez")
            assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
            assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_an_application_without_a_door_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        public_app(dataclasses.replace(an_app(tmp_path), receiver=None))
