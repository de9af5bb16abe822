"""A second table decides beside the real one: what it would do otherwise is kept and told, and nothing else changes."""

import asyncio
import json
import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.config import parse
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.job import JobStatus
from receiver.core.plan import Way
from receiver.core.route import RouteTable
from receiver.metrics import SummingMeter
from receiver.operations.backtest import backtest
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes
from tests.unit.pipeline.test_ingest_mail import LETTER, arrived, classified, record_of

pytestmark = pytest.mark.anyio
OTHER = TABLE.replace("bytes://invoices/", "bytes://bills/")


def table(text: str) -> RouteTable:
    return parse(text, {}).table


def shadowed(app: InMemoryApp, text: str) -> InMemoryApp:
    app.context.take_shadow(table(text))
    return app


def counted(app: InMemoryApp) -> dict[str, float]:
    assert isinstance(app.context.meter, SummingMeter)
    found = app.context.meter.counts()
    return {labels[0]: value for name, labels, value in found if name == "mailroom_shadow_decisions"}


async def test_the_difference_is_kept_with_the_document_counted_and_logged(
    app: InMemoryApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mailroom.task")
    document = await shadowed(app, OTHER).routed("invoice")
    assert [item.to.url for item in document.deliveries] == ["bytes://invoices/", "words://invoices"]
    assert document.shadow is not None
    assert document.shadow.table == table(OTHER).version
    assert document.shadow.plan is not None
    assert [to.url for to in document.shadow.plan.to] == ["bytes://bills/", "words://invoices"]
    assert document.shadow.plan.trace == ()
    assert counted(app) == {"differs": 1}
    (told,) = [item for item in caplog.records if item.getMessage() == "shadow.differs"]
    change = "invoice (bytes://invoices/, words://invoices) -> invoice (bytes://bills/, words://invoices)"
    assert told.facts == {"document": document.id, "table": document.shadow.table, "change": change}  # type: ignore[attr-defined]


async def test_what_both_decide_alike_is_kept_as_that(app: InMemoryApp) -> None:
    document = await shadowed(app, OTHER).routed("contract")
    assert document.shadow is not None
    assert document.shadow.plan is None
    assert counted(app) == {"same": 1}


@pytest.mark.parametrize(("type_", "confidence"), [("invoice", 0.9), (None, 0.9), ("letter", 0.9), ("invoice", 0.1)])
async def test_every_way_is_decided_beside(type_: str | None, confidence: float, app: InMemoryApp) -> None:
    document = await shadowed(app, TABLE).routed(type_, confidence)
    assert document.shadow is not None
    assert document.shadow.plan is None


async def test_a_failed_job_is_decided_beside_too(app: InMemoryApp) -> None:
    document = await shadowed(app, TABLE.replace("bytes://failed/", "bytes://broken/")).submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="the dog ate page 7")
    await app.event(document.job_id, "classify.error")
    await app.work()
    document = await app.document(document.id)
    assert document.plan is not None
    assert document.plan.way is Way.FAILED
    assert document.shadow is not None
    assert document.shadow.plan is not None
    assert [to.url for to in document.shadow.plan.to] == ["bytes://broken/"]


async def test_where_a_mail_is_archived_is_decided_beside_too(app: InMemoryApp) -> None:
    app.use(TABLE + 'mail: {to: "bytes://mail/"}\n')
    shadowed(app, TABLE + 'mail: {to: "bytes://post/"}\n')
    came = await arrived(app, LETTER)
    await app.work()
    for item in came.taken:
        if not item.document.mail:
            await classified(app, item.document)
    record = await app.document(record_of(came).id)
    assert record.plan is not None
    assert record.shadow is not None
    assert record.shadow.plan is not None
    assert (record.plan.way, record.shadow.plan.reason) == (Way.MAIL, record.plan.reason)
    assert [to.url for to in record.shadow.plan.to] == ["bytes://post/"]
    assert [item.to.url for item in record.deliveries] == ["bytes://mail/"]


async def test_pages_that_only_the_shadow_table_asks_for_are_known(app: InMemoryApp) -> None:
    asks = TABLE.replace("routes:\n", "routes:\n  - {type: invoice, when: {min_pages: 2}, review: true, name: long}\n")
    document = await shadowed(app, asks).routed("invoice", content=packet_bytes(*map(a_page, "123")))
    assert document.shadow is not None
    assert document.shadow.plan is not None
    assert document.shadow.plan.route == "long"


async def test_without_a_shadow_table_nothing_is_kept(app: InMemoryApp) -> None:
    assert (await app.routed("invoice")).shadow is None
    assert counted(app) == {}


async def test_a_shadow_table_that_fails_leaves_the_real_decision_alone(
    app: InMemoryApp, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(RouteTable):
        def rows(self, name: str) -> Any:
            raise RuntimeError(f"no rows for {name}")

    kept = table(OTHER)
    app.context.take_shadow(Broken(**{name: getattr(kept, name) for name in kept.__dataclass_fields__}))
    document = await app.routed("invoice")
    assert [item.done for item in document.deliveries] == [True, True]
    assert document.shadow is None
    assert counted(app) == {"failed": 1}
    assert "no rows for invoice" in caplog.text


async def test_what_a_person_decides_no_table_decides(app: InMemoryApp) -> None:
    held = await shadowed(app, OTHER).routed("invoice", 0.1)
    assert held.shadow is not None
    await route_by_hand(held.id, RoutingDecision(to="contract"), app.context)
    assert (await app.document(held.id)).shadow is None
    assert counted(app) == {"same": 1}


async def test_a_document_that_a_changed_table_moves_is_held_against_the_shadow_table_again(app: InMemoryApp) -> None:
    before = await shadowed(app, OTHER).routed("invoice")
    app.use(OTHER)
    choice = ReplayFilter(reroute=True)
    for document in [item async for item in selected_documents(choice, app.context)]:
        assert await carry_out(await foreseen(document, choice, app.context), app.context)
    await app.work()
    after = await app.document(before.id)
    assert before.shadow is not None
    assert before.shadow.plan is not None
    assert after.shadow is not None
    assert after.shadow.plan is None


# --- for any two tables and any documents

PLACES = st.lists(st.sampled_from(["bytes://a/", "bytes://b/{type}/", "words://a", "words://b"]), unique=True)
CONDITIONS = st.sampled_from(
    [{}, {"min_pages": 2}, {"sender": "ann@*"}, {"max_size": 30}, {"not": {"name": "*.docx"}}, {"duplicate": True}]
)
OPTIONS = st.sampled_from([{}, {"tags": "a=b"}])


@st.composite
def targets(draw: st.DrawFn) -> list[Any]:
    urls = draw(PLACES)
    return [{"to": url, **draw(OPTIONS)} if url.startswith("bytes:") else url for url in urls]


@st.composite
def ways(draw: st.DrawFn) -> dict[str, Any]:
    to = draw(targets())
    return {"to": to, "review": draw(st.booleans())} if to else {"review": True}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    types = draw(st.sampled_from(["invoice", "contract", "*", ["invoice", "contract"]]))
    goes_on = draw(st.booleans())
    least = draw(st.sampled_from([0, 0.5, 0.9]))
    return {"type": types, "min_confidence": least, "when": draw(CONDITIONS), "continue": goes_on, **draw(ways())}


@st.composite
def tables(draw: st.DrawFn) -> str:
    routes = draw(st.lists(rows(), min_size=1, max_size=4))
    for number, row in enumerate(routes):
        row |= {"name": f"row-{number}"}
        if not row["when"]:
            del row["when"]
    named = {name: draw(ways()) for name in ("no_match", "low_confidence", "failed")}
    rules = [{"type": name, "description": "a long description"} for name in ("invoice", "contract")]
    return json.dumps({"classify": {"rules": rules}, "routes": routes, **named})


DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["invoice", "contract", "letter", None, "the job failed"]),
            "confidence": st.sampled_from([0.2, 0.6, 0.95]),
            "name": st.sampled_from(["a.pdf", "b.docx"]),
            "sender": st.sampled_from(["", "ann@a.example"]),
            "content": st.sampled_from([b"%PDF-1.7 one", b"a longer letter, of more than thirty bytes"]),
        }
    ),
    min_size=1,
    max_size=3,
)


async def lived(app: InMemoryApp, documents: list[dict[str, Any]]) -> list[Document]:
    for number, given_ in enumerate(documents):
        name = f"{number}-{given_['name']}"
        document = await app.submitted(name=name, content=given_["content"], sender=given_["sender"])
        if given_["type"] == "the job failed":
            app.cloud.finish(document.job_id, JobStatus.FAILED, error="the dog ate page 7")
        else:
            app.cloud.classified(document.job_id, given_["type"], given_["confidence"])
        await app.event(document.job_id)
        await app.work()
    return sorted(await app.all_documents(), key=lambda item: item.name)


def seen_outside(app: InMemoryApp) -> list[object]:
    requests = [*app.bytes.requests, *app.words.requests]
    told = [(item.url, item.delivery_id, item.meaning, dict(item.options), item.manifest) for item in requests]
    return [told, sorted(app.bytes.objects.items()), app.channel.words, len(app.cloud.orders)]


@given(real=tables(), shadow=tables(), documents=DOCUMENTS)
@settings(max_examples=15)
def test_the_shadow_table_changes_nothing_and_reports_what_a_backtest_would(
    real: str, shadow: str, documents: list[dict[str, Any]]
) -> None:
    async def both(folder: Path) -> None:
        alone, watched = InMemoryApp(folder / "alone", real), shadowed(InMemoryApp(folder / "watched", real), shadow)
        without, beside = await lived(alone, documents), await lived(watched, documents)
        assert seen_outside(alone) == seen_outside(watched)
        for item, other in zip(without, beside, strict=True):
            assert replace(other, shadow=None, content="", installation="", transactions=()) == replace(
                item, content="", installation="", transactions=()
            )
        trials = [item async for item in backtest(table(shadow), watched.store, Query(), now=watched.now)]
        for trial in trials:
            assert trial.document.shadow is not None
            kept = trial.document.shadow.plan
            assert kept == (replace(trial.plan, trace=()) if trial.plan else None)
        assert len(trials) == len(documents)
        assert sum(counted(watched).values()) == len(documents)

    with tempfile.TemporaryDirectory() as folder:
        for name in ("alone", "watched"):
            (Path(folder) / name).mkdir()
        asyncio.run(both(Path(folder)))
