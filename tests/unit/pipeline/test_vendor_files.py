"""What is at LlamaCloud already: submitted by its id, nothing uploaded, and routed like any document."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cloud import order as orders
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import CloudBusy, DocumentRefused, KeyRefused, Malformed
from receiver.core.job import JobStatus, Segment
from receiver.operations.sweep import sweep
from receiver.pipeline.ingest import Ingested
from receiver.pipeline.ingest_vendor_file import IncomingVendorFile, ingest_vendor_file
from receiver.ports import CloudFile
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes

pytestmark = pytest.mark.anyio

LEASE, PARSED = "dfl-11111111-2222-4333-8444-555555555555", "pjb-11111111-2222-4333-8444-666666666666"
MESSAGES = TABLE.replace('["bytes://invoices/", "words://invoices"]', '["words://invoices"]')


def known(app: InMemoryApp, *files: CloudFile) -> None:
    app.cloud.files |= {file.id: file for file in files}


async def take_in(app: InMemoryApp, **fields: Any) -> Ingested:
    return await ingest_vendor_file(IncomingVendorFile(**(fields or {"file_id": LEASE})), app.context)


async def submitted(app: InMemoryApp, **fields: Any) -> Document:
    taken = await take_in(app, **fields)
    await app.work()
    return await app.document(taken.document.id)


async def ended(app: InMemoryApp, document: Document, type_: str = "invoice") -> Document:
    app.cloud.classified(document.job_id, type_)
    await app.event(document.job_id)
    await app.work()
    return await app.document(document.id)


@pytest.mark.parametrize(("field", "vendor_id"), [("file_id", LEASE), ("parse_job_id", PARSED)])
async def test_it_is_submitted_by_its_id_and_never_uploaded(app: InMemoryApp, field: str, vendor_id: str) -> None:
    known(app, CloudFile(id=vendor_id, name="lease.pdf"))
    document = await submitted(app, **{field: vendor_id})
    assert app.cloud.uploads == []
    (order,) = app.cloud.orders
    assert orders.job_body(order)["file_input"] == vendor_id
    assert (document.name, document.media_type, document.step) == ("lease.pdf", "application/pdf", Step.SUBMITTED)
    routed = await ended(app, document)
    assert routed.state is DocumentState.ROUTED
    assert app.bytes.objects == {f"bytes://invoices/{routed.id}/lease.pdf": vendor_id.encode()}
    assert app.cloud.uploads == []


async def test_the_same_id_is_the_same_document(app: InMemoryApp) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    first = await submitted(app, file_id=LEASE, name="mine.pdf", metadata={"customer": "42"})
    again = await take_in(app, file_id=LEASE, name="other.pdf")
    await app.work()
    assert (again.fresh, again.document.id) == (False, first.id)
    assert (first.name, first.metadata) == ("mine.pdf", {"customer": "42"})
    assert len(app.cloud.orders) == 1
    other = await take_in(app, parse_job_id=PARSED)
    assert other.fresh
    assert not other.document.duplicate_of  # bytes that nobody has read are no duplicate


@pytest.mark.parametrize(
    ("given", "ignored"),
    [
        ({}, ()),
        ({"name": "mine.pdf", "metadata": {"customer": "42"}}, ()),
        ({"packet": True}, ("packet",)),
        ({"name": "other.pdf"}, ("name",)),
        ({"metadata": {"customer": "43"}}, ("metadata",)),
        ({"packet": True, "name": "o", "metadata": {"more": "1"}}, ("packet", "name", "metadata")),
    ],
)
async def test_what_changes_nothing_on_a_known_id_is_named(
    app: InMemoryApp, given: dict[str, Any], ignored: tuple[str, ...]
) -> None:
    first = await take_in(app, file_id=LEASE, name="mine.pdf", metadata={"customer": "42"})
    again = await take_in(app, file_id=LEASE, **given)
    assert (again.document.id, again.ignored, first.ignored) == (first.document.id, ignored, ())


async def test_an_older_id_in_capitals_is_the_same_document(app: InMemoryApp) -> None:
    older = LEASE.removeprefix("dfl-").replace("5", "a")
    first = await take_in(app, file_id=older)
    again = await take_in(app, file_id=older.upper())
    assert (again.document.id, again.fresh) == (first.document.id, False)
    opaque = await take_in(app, file_id="dfl-Ab")
    assert (await take_in(app, file_id="dfl-aB")).document.id != opaque.document.id


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
async def test_a_blank_name_is_none_and_llamaclouds_is_used(app: InMemoryApp, blank: str) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    assert (await submitted(app, file_id=LEASE, name=blank)).name == "lease.pdf"


async def test_bytes_are_fetched_only_for_a_destination_that_holds_them(app: InMemoryApp) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    app.use(MESSAGES)
    told = await ended(app, await submitted(app))
    assert told.state is DocumentState.ROUTED
    assert len(app.words.requests) == 1
    assert app.cloud.read == []
    known(app, CloudFile(id=PARSED, name="other.pdf"))
    held = await ended(app, await submitted(app, parse_job_id=PARSED), "contract")
    assert held.state is DocumentState.ROUTED
    assert set(app.cloud.read) == {PARSED}
    assert held.sha256


async def test_bytes_are_fetched_where_the_table_asks_what_only_they_show(app: InMemoryApp) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    app.use(MESSAGES.replace("min_confidence: 0.8", "min_confidence: 0.8\n    when: {not: {min_size: 1 MB}}"))
    routed = await ended(app, await submitted(app))
    assert routed.size == len(LEASE)
    assert set(app.cloud.read) == {LEASE}


async def test_a_busy_vendor_is_asked_again_and_an_expired_key_costs_nothing(app: InMemoryApp) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    for error in (CloudBusy("not now"), KeyRefused("expired")):
        app.cloud.broken = error
        document = await submitted(app)
        assert document.state is DocumentState.OPEN
    app.cloud.broken = None
    for _ in range(40):
        app.later(60)
        await app.work()
    assert (await app.document(document.id)).step is Step.SUBMITTED
    assert len(app.cloud.by_transaction) == 1


async def test_an_event_that_never_came_is_found_by_the_sweep(app: InMemoryApp) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    document = await submitted(app)
    app.cloud.classified(document.job_id, "contract")
    app.later(601)
    await sweep(app.context)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_a_lost_job_is_submitted_anew_by_the_same_id(app: InMemoryApp) -> None:
    known(app, CloudFile(id=LEASE, name="lease.pdf"))
    document = await submitted(app)
    app.cloud.finish(document.job_id, JobStatus.CANCELLED)
    await app.event(document.job_id, "classify.cancelled")
    await app.work()
    assert (await app.document(document.id)).submissions == 1
    assert [order.file_id for order in app.cloud.orders] == [LEASE, LEASE]
    assert app.cloud.uploads == []


async def test_what_llamacloud_does_not_have_is_routed_as_failed_with_the_reason(app: InMemoryApp) -> None:
    app.cloud.gone.add(LEASE)
    gone = await submitted(app)
    assert gone.plan is not None
    assert gone.plan.way == "failed"
    assert gone.state is DocumentState.REVIEW  # the place of failed documents holds bytes, and there are none
    assert LEASE in gone.error
    app.use(TABLE.replace('failed: {to: ["bytes://failed/"]}', "failed: {review: true}"))
    over = await submitted(app, parse_job_id=PARSED)
    assert over.state is DocumentState.REVIEW
    assert PARSED in over.error
    assert app.cloud.orders == []


async def test_an_expired_source_of_a_parse_job_is_told_as_such(app: InMemoryApp) -> None:
    known(app, CloudFile(id=PARSED, name="lease.pdf"))
    app.use(TABLE.replace('failed: {to: ["bytes://failed/"]}', "failed: {review: true}"))
    document = await submitted(app, parse_job_id=PARSED)
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="Source file not found in storage")
    await app.event(document.job_id, "classify.error")
    await app.work()
    failed = await app.document(document.id)
    assert failed.error == (
        "Source file not found in storage (LlamaCloud keeps the source of a parse job for 48 hours)"
    )


async def test_bytes_that_expired_before_their_delivery_hold_the_document_with_the_reason(app: InMemoryApp) -> None:
    known(app, CloudFile(id=PARSED, name="lease.pdf"))
    document = await submitted(app, parse_job_id=PARSED)
    app.cloud.gone.add(PARSED)
    await ended(app, document, "contract")
    for _ in range(60):
        app.later(3600)
        await app.work()
    held = await app.document(document.id)
    assert held.state is DocumentState.REVIEW
    assert "keeps the source of a parse job for 48 hours" in held.deliveries[0].error


async def test_a_packet_is_cut_from_what_is_at_llamacloud(app: InMemoryApp) -> None:
    known(app, CloudFile(id=PARSED, name="morning.pdf"))
    app.cloud.contents[PARSED] = packet_bytes(a_page("one"), a_page("two"), a_page("three"))
    app.use(TABLE + 'split: {then: route, target_pages: "3,1"}\n')
    packet = await submitted(app, parse_job_id=PARSED, packet=True)
    (order,) = app.cloud.orders
    assert orders.job_body(order)["configuration"]["target_pages"] == "3,1"
    segments = (Segment(category="invoice", pages=(3,), confidence="high"),)
    more = (Segment(category="contract", pages=(1,), confidence="high"),)
    app.cloud.finish(packet.job_id, segments=segments + more)
    await app.event(packet.job_id, "split.success")
    await app.work()
    after = await app.document(packet.id)
    assert after.state is DocumentState.ROUTED
    assert after.cuts[-1].omitted == (2,)
    assert sorted(piece.pages for piece in after.pieces) == [(1,), (3,)]
    assert app.cloud.uploads == []


@pytest.mark.parametrize("packet", [False, True])
async def test_a_parse_job_that_runs_is_waited_for_and_one_that_failed_is_refused(
    app: InMemoryApp, packet: bool
) -> None:
    app.use(TABLE.replace('failed: {to: ["bytes://failed/"]}', "failed: {review: true}") + "split: {then: route}\n")
    app.cloud.gone.add(PARSED)  # there is no PDF of it yet, and never will be

    async def running(_: str) -> CloudFile:
        raise CloudBusy("parse job is not completed yet")

    async def failed(_: str) -> CloudFile:
        raise DocumentRefused("parse job is failed")

    app.cloud.file = running  # type: ignore[method-assign, assignment]
    document = await submitted(app, parse_job_id=PARSED, packet=packet)
    assert (document.state, document.step) == (DocumentState.OPEN, Step.RECEIVED)
    app.cloud.file = failed  # type: ignore[method-assign, assignment]
    app.later(3600)
    await app.work()
    assert (await app.document(document.id)).error == "parse job is failed"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"file_id": LEASE, "parse_job_id": PARSED},
        {"file_id": PARSED},
        {"parse_job_id": LEASE},
        {"file_id": "../etc"},
        {"file_id": "dfl-" + "x" * 300},
        {"file_id": LEASE, "name": "x" * 256},
        {"file_id": LEASE, "metadata": {"": "x"}},
        {"file_id": LEASE, "metadata": {"packet": "x"}},
        {"file_id": LEASE, "metadata": {"k": "x" * 501}},
        {"file_id": LEASE, "metadata": {str(n): "" for n in range(21)}},
    ],
)
async def test_what_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        IncomingVendorFile(**fields)


@given(st.text(max_size=60))
def test_only_what_looks_like_an_id_is_ever_asked_for(text: str) -> None:
    try:
        named = IncomingVendorFile(file_id=text)
    except Malformed:
        return
    assert named.vendor_id.startswith("dfl-") or len(text) == 36
    assert not set(named.vendor_id) & set("/?#%\\ ")


async def test_a_key_that_expires_before_the_bytes_are_fetched_sends_nothing_to_review(app: InMemoryApp) -> None:
    documents = []
    for number in range(10):
        known(app, CloudFile(id=f"dfl-{number}", name=f"{number}.pdf"))
        documents.append(await submitted(app, file_id=f"dfl-{number}"))
    read, expired = app.cloud.read_file, KeyRefused("LLAMA_CLOUD_API_KEY is not accepted (401: the key expired)")

    async def refused(file_id: str) -> AsyncIterator[bytes]:
        if file_id:
            raise expired
        yield b""

    app.cloud.read_file = refused  # type: ignore[method-assign]
    for document in documents:
        app.cloud.classified(document.job_id, "contract")
        await app.event(document.job_id)
    for _ in range(120):
        app.later(600)
        await app.work(rounds=60)
    assert {(await app.document(item.id)).state for item in documents} == {DocumentState.OPEN}
    told = [notice for notice, _ in app.channel.told if notice.kind == "submission.paused"]
    assert len({notice.key for notice in told}) == 1
    app.cloud.read_file = read  # type: ignore[method-assign]
    for _ in range(10):
        app.later(600)
        await app.work(rounds=60)
    assert {(await app.document(item.id)).state for item in documents} == {DocumentState.ROUTED}
