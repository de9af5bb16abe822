"""``mailroom submit``: what ``--wait`` waits for, and what is said of a document that is known."""

from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from receiver.cli.submit import report_submitted, settle, submit_now
from receiver.cli.submitter import submitting
from receiver.core.document import DocumentState
from receiver.core.errors import StoreBusy
from receiver.pipeline.ingest import Ingested
from receiver.pipeline.ingest_vendor_file import IncomingVendorFile, ingest_vendor_file
from receiver.ports import CloudFile
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


async def test_a_document_that_is_named_twice_is_waited_for_once(app: InMemoryApp) -> None:
    app.cloud.files["dfl-1"] = CloudFile(id="dfl-1", name="a.pdf")
    document = (await ingest_vendor_file(IncomingVendorFile(file_id="dfl-1"), app.context)).document
    await app.work()
    app.cloud.classified((await app.document(document.id)).job_id, "invoice")
    await app.event((await app.document(document.id)).job_id)
    await app.work()
    command: Any = SimpleNamespace(context=app.context)
    with anyio.fail_after(5):
        settled = await settle(command, [document.id, document.id], quiet=True, poll_seconds=0.01)
    assert [item.state for item in settled.values()] == [DocumentState.ROUTED]


async def test_the_task_of_a_document_that_is_named_twice_is_asked_for_once(app: InMemoryApp) -> None:
    document = (await ingest_vendor_file(IncomingVendorFile(file_id="dfl-1"), app.context)).document
    asked: list[str] = []

    async def claim(*, ids: list[str], **_: Any) -> list[Any]:
        asked.extend(ids)
        return []

    settings = SimpleNamespace(concurrency=4, lease_seconds=90.0, step_seconds=900.0, sweep_seconds=60.0)
    store = SimpleNamespace(claim=claim)
    command: Any = SimpleNamespace(context=SimpleNamespace(store=store, clock=app.context.clock), settings=settings)
    await submit_now(command, [document, document])
    assert len(asked) == 1


async def test_documents_are_submitted_while_others_are_ingested(app: InMemoryApp) -> None:
    settings = SimpleNamespace(concurrency=4, lease_seconds=90.0, step_seconds=900.0, sweep_seconds=60.0)
    command: Any = SimpleNamespace(context=app.context, settings=settings)
    async with submitting(command) as submit_one:
        for number in range(6):
            submit_one((await app.ingest(f"{number}.pdf", f"%PDF-1.7 {number}".encode())).document)
            with anyio.fail_after(5):
                while len(app.cloud.orders) <= number:  # noqa: ASYNC110  a fake has no event
                    await anyio.sleep(0.001)
    assert len(app.cloud.orders) == 6


async def test_what_was_added_is_submitted_when_ingestion_fails(app: InMemoryApp) -> None:
    settings = SimpleNamespace(concurrency=2, lease_seconds=90.0, step_seconds=900.0, sweep_seconds=60.0)
    command: Any = SimpleNamespace(context=app.context, settings=settings)
    documents = [(await app.ingest(f"{number}.pdf", f"%PDF-1.7 {number}".encode())).document for number in range(5)]
    with pytest.raises(StoreBusy):
        async with submitting(command) as submit_one:
            for document in documents:
                submit_one(document)
            raise StoreBusy("the next file cannot be stored")
    assert len(app.cloud.orders) == 5


async def test_what_was_given_and_changed_nothing_is_said(app: InMemoryApp, capsys: pytest.CaptureFixture[str]) -> None:
    document = (await app.ingest("scan.pdf")).document
    known = Ingested(document, fresh=False, ignored=("packet", "name"))
    report_submitted([known], [], settled=False, as_json=False)
    assert "unchanged: scan.pdf was received before: --packet, the name changed nothing" in capsys.readouterr().err
