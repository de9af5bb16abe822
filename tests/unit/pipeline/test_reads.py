"""How often the store is read for a document, and that a change is computed anew when the records have changed."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from receiver.core.change import R, Replace
from receiver.core.document import Document, DocumentState
from receiver.core.job import JobKind
from receiver.pipeline.context import once_as_read
from receiver.pipeline.process import process
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio
ONE_PLACE = TABLE.replace('["bytes://invoices/", "words://invoices"]', '["bytes://invoices/"]')


def reads_of(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    reads: Counter[str] = Counter()
    get = app.store.get

    async def counted(kind: type[R], record_id: str) -> R | None:
        reads[kind.__name__] += 1
        return await get(kind, record_id)

    monkeypatch.setattr(app.store, "get", counted)
    return reads


async def test_a_step_reads_each_record_once(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app.use(ONE_PLACE)
    document = (await app.ingest()).document
    reads = reads_of(app, monkeypatch)
    await app.work()
    assert reads == {"Document": 1, "Flag": 2}  # what is paused; whether the store was restored
    job_id = app.cloud.by_transaction[app.cloud.orders[0].transaction_id]
    app.cloud.classified(job_id, "invoice")
    await app.event(job_id, document_id=document.id)
    reads.clear()
    await app.work()
    assert reads == {"Job": 1, "Document": 2, "Flag": 2}  # its event, and one delivery
    routed = await app.document(document.id)
    assert routed.state is DocumentState.ROUTED


async def change_meanwhile(app: InMemoryApp, document_id: str) -> None:
    """Somebody else writes the document."""
    document = await app.document(document_id)
    await app.store.apply(Replace(replace(document, metadata={**document.metadata, "seen": "yes"})))


@pytest.mark.parametrize("call", ["upload", "create", "job", "deliver"])
async def test_a_change_meanwhile_is_kept(app: InMemoryApp, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever request it comes during: the step's own change is made on top of it."""
    app.use(ONE_PLACE)
    document = (await app.ingest()).document
    place: Any = app.bytes if call == "deliver" else app.cloud
    asked = getattr(place, call)

    async def asked_slowly(*given: Any, **named: Any) -> Any:
        answer = await asked(*given, **named)
        if call not in changed:
            changed.append(call)
            await change_meanwhile(app, document.id)
        return answer

    changed: list[str] = []
    monkeypatch.setattr(place, call, asked_slowly)
    await app.work()
    await app.workers_die()  # a submission whose request could not be stored is repeated
    await app.work()
    job_id = (await app.document(document.id)).job_id
    app.cloud.classified(job_id, "invoice")
    await app.event(job_id, document_id=document.id)
    await app.work()
    after = await app.document(document.id)
    assert (after.state, after.metadata, changed) == (DocumentState.ROUTED, {"seen": "yes"}, [call])
    assert len(app.cloud.by_transaction) == 1


async def test_a_job_of_another_document_is_noticed_by_the_write(app: InMemoryApp) -> None:
    first = await app.submitted()
    document = (await app.ingest("b.pdf", b"%PDF-1.7 b")).document
    report = app.cloud.reports[first.job_id]

    async def create(order: Any) -> Any:
        return replace(report, file_id=order.file_id, transaction_id=order.transaction_id)

    app.cloud.create = create  # type: ignore[method-assign]
    (task,) = await app.store.claim(owner="a", now=app.now, lease_seconds=60)
    await process(task, app.context)
    held = await app.document(document.id)
    assert held.state is DocumentState.REVIEW
    assert f"which belongs to document {first.id}" in held.error
    assert report.kind is JobKind.CLASSIFY


async def test_what_was_read_is_used_once() -> None:
    stored = [Document]

    async def read() -> Any:
        return stored

    current = once_as_read("as read", read)
    assert [await current(), await current(), await current()] == ["as read", stored, stored]
