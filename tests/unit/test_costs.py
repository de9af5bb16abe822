"""What a document cost, summed by day and type; and the price that is said before something is paid again."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from receiver.core.change import Insert, Replace
from receiver.core.costs import charged, cost_of, cost_type, costs_by_day
from receiver.core.document import Classification, Document, DocumentState, Step
from receiver.core.job import JobKind, JobReport, JobStatus, Segment
from receiver.http.api import Api
from receiver.metrics import SummingMeter
from receiver.operations.costs import read_costs
from tests.builders import NOW, a_document
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes

DAY = 86400.0
REPORTS = st.builds(
    JobReport,
    id=st.just("job-1"),
    kind=st.sampled_from(list(JobKind)),
    status=st.sampled_from([JobStatus.COMPLETED, JobStatus.FAILED]),
    credits=st.none() | st.integers(0, 40).map(float),
)
TYPES = st.none() | st.sampled_from(["invoice", "contract"])


@given(st.lists(st.tuples(TYPES, st.integers(0, 3), st.lists(REPORTS, max_size=3)), max_size=12))
def test_the_sums_hold_each_credit_once(paid: list[tuple[str | None, int, list[JobReport]]]) -> None:
    documents = []
    for type_, day, reports in paid:
        found = Classification(type=type_, confidence=1.0)
        document = a_document(classification=found, taken_in_at=NOW + day * DAY)
        for report in reports:
            document = charged(document, report)
        documents.append(document)
    rows = costs_by_day(filter(None, map(cost_of, documents)))
    every = [report for _, _, reports in paid for report in reports]
    assert sum(row.credits for row in rows) == sum(report.credits or 0 for report in every)
    unpriced = [item for item in every if item.credits is None and item.status is JobStatus.COMPLETED]
    assert sum(row.unpriced_jobs for row in rows) == len(unpriced)
    assert len({(row.day, row.type) for row in rows}) == len(rows)
    assert [row.day for row in rows] == sorted((row.day for row in rows), reverse=True)


@pytest.mark.anyio
async def test_a_document_carries_what_its_jobs_cost_once_however_often_they_are_heard_of(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="unlucky", credits=2.0)
    app.use(TABLE + 'resubmit: {times: 1, when: ["unlucky"]}\n')
    await app.event(document.job_id, "classify.error")
    await app.work()
    again = await app.document(document.id)
    assert (again.submissions, again.credits) == (1, 2.0)
    app.cloud.classified(again.job_id, "invoice")
    app.cloud.finish(again.job_id, credits=3.0)
    for number in range(3):
        await app.event(again.job_id, id=f"evt-{number}")
        await app.work()
    routed = await app.document(document.id)
    assert (routed.credits, routed.unpriced_jobs) == (5.0, 0)
    assert isinstance(app.context.meter, SummingMeter)
    counted = {labels: value for name, labels, value in app.context.meter.counts() if name == "mailroom_credits"}
    assert sum(counted.values()) == 5.0
    assert counted[("classify", "invoice")] == 3.0
    found = await read_costs(app.store, since=0)
    assert (found.credits, found.complete, [row.type for row in found.rows]) == (5.0, True, ["invoice"])


@pytest.mark.anyio
@pytest.mark.parametrize(("limit", "spent", "complete"), [(3, 6.0, False), (5, 10.0, False), (6, 10.0, True)])
async def test_costs_are_read_page_by_page_up_to_the_limit(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, limit: int, spent: float, complete: bool
) -> None:
    monkeypatch.setattr("receiver.operations.costs.PAGE", 2)
    for number in range(5):
        await app.store.apply(Insert(a_document(id=f"doc-{number}", credits=2.0)))
    found = await read_costs(app.store, since=0, limit=limit)
    assert (found.credits, found.documents, found.complete) == (spent, min(limit, 5), complete)


@pytest.mark.anyio
async def test_a_split_job_has_no_price_and_is_counted_as_that(app: InMemoryApp) -> None:
    app.use(TABLE + "split: {then: route, min_confidence: low}\n")
    packet = await app.submitted(content=packet_bytes(a_page("one"), a_page("two")), packet=True)
    app.cloud.finish(packet.job_id, segments=(Segment(category="invoice", pages=(1, 2), confidence="high"),))
    await app.event(packet.job_id, "split.success")
    await app.work()
    after = await app.document(packet.id)
    assert (after.credits, after.unpriced_jobs, cost_type(after)) == (0.0, 1, "packet")


def failed(app: InMemoryApp, pages: int) -> Document:
    """A document in review that has no result."""

    async def made() -> Document:
        document = await app.submitted(content=packet_bytes(*[a_page("x")] * pages))
        held = replace(document, state=DocumentState.REVIEW, step=Step.SETTLED, error="held", job_id="")
        await app.store.apply(Replace(held))
        return await app.document(document.id)

    return asyncio.run(made())


def test_costs_at_a_terminal_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = InMemoryApp(tmp_path)
    paid = asyncio.run(app.routed())
    asyncio.run(app.store.apply(Replace(replace(paid, credits=4.0, unpriced_jobs=1))))
    with terminal(app, TABLE, monkeypatch):
        said = run("mailroom costs --since 2020-01-01").output
        data = json.loads(run("mailroom costs --since 2020-01-01 --json").output)
    assert "4 credits, and 1 job without a reported price" in said
    assert data["rows"] == [
        {"day": "2027-01-15", "type": "invoice", "documents": 1, "credits": 4.0, "unpriced_jobs": 1}
    ]


def test_the_price_of_a_replay_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = InMemoryApp(tmp_path)
    document = failed(app, pages=3)
    with terminal(app, TABLE, monkeypatch):
        said = run(f"mailroom replay {document.id} --dry-run").output
        assert "1 document without a result will be resubmitted: 3 pages, about 3 credits" in said
        assert asyncio.run(app.document(document.id)).submissions == 0
        again = run(f"mailroom replay {document.id}").output
    assert "about 3 credits" in again
    assert asyncio.run(app.document(document.id)).submissions == 1


@pytest.mark.parametrize(
    ("name", "content", "price"),
    [
        ("intact.pdf", packet_bytes(*[a_page("y")] * 3), "3 pages, about 3 credits"),
        ("intact.pdf", packet_bytes(a_page("y")), "1 page, about 1 credit"),
        ("cut.pdf", b"%PDF-1.7 broken", "the credits of 1 document whose pages are not counted, 1 a page"),
        ("scan.png", b"\x89PNG\r\n\x1a\n" + bytes(20), "1 page, about 1 credit"),
        ("letter.txt", b"a letter", "the credits of 1 document whose pages are not counted, 1 a page"),
    ],
)
def test_the_price_of_a_replacement_is_that_of_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, price: str
) -> None:
    app = InMemoryApp(tmp_path)
    document = failed(app, pages=2)
    file = tmp_path / name
    file.write_bytes(content)
    with terminal(app, TABLE, monkeypatch):
        done = run(f"mailroom replace {document.id} FILE", FILE=file)
    assert f"it will be submitted again: {price}\n" in done.output


@pytest.mark.parametrize("command", ["replace {} FILE", "unlock {} --password-file FILE"])
def test_no_price_is_said_of_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    app = InMemoryApp(tmp_path)
    document = asyncio.run(app.routed())
    file = tmp_path / "intact.pdf"
    file.write_bytes(packet_bytes(a_page("y")) if command.startswith("replace") else b"password")
    with terminal(app, TABLE, monkeypatch):
        done = run(f"mailroom {command.format(document.id)}", FILE=file)
    assert "it is routed" in str(done.exception)
    assert "it will be submitted" not in done.output


def test_bytes_that_replace_a_parse_job_have_a_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = InMemoryApp(tmp_path)
    document = replace(failed(app, pages=2), content="llamacloud:pjb-1")
    asyncio.run(app.store.apply(Replace(document)))
    file = tmp_path / "intact.pdf"
    file.write_bytes(packet_bytes(a_page("y")))
    with terminal(app, TABLE, monkeypatch):
        assert "0 credits: LlamaCloud has parsed it already" in run(f"mailroom resubmit {document.id} --dry-run").output
        assert "1 page, about 1 credit\n" in run(f"mailroom replace {document.id} FILE", FILE=file).output


@pytest.mark.anyio
async def test_the_page_gets_the_costs_of_the_last_30_days_and_reads_them_once_a_minute(app: InMemoryApp) -> None:
    served: Any = SimpleNamespace(context=app.context)
    api = Api(served)

    async def asked() -> list[dict[str, Any]]:
        response = await api.costs(Request({"type": "http", "method": "GET", "headers": []}))
        rows: list[dict[str, Any]] = json.loads(bytes(response.body))["rows"]
        return rows

    def received(id_: str, days_ago: float) -> Insert:
        return Insert(a_document(id=id_, credits=2.0, taken_in_at=app.now - days_ago * DAY))

    await app.store.apply(received("doc-new", 1), received("doc-old", 31))
    assert [(row["documents"], row["credits"]) for row in await asked()] == [(1, 2.0)]
    await app.store.apply(received("doc-newer", 1))
    assert [row["documents"] for row in await asked()] == [1]
    app.now += 61
    assert [row["documents"] for row in await asked()] == [2]
