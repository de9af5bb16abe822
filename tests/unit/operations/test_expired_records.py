"""Records of documents are forgotten when the table says so: a batch as a whole, counted by name, never too early."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert, Replace
from receiver.core.document import Document, DocumentState
from receiver.core.errors import DestinationBusy
from receiver.core.job import Job
from receiver.core.retention import DAY
from receiver.core.task import Task
from receiver.operations import expired_records
from receiver.operations.expired_content import delete_content
from receiver.operations.expired_records import delete_records
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.retention import apply_retention
from receiver.operations.sweep import sweep
from tests.builders import a_document
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.packets.test_packets import ARCHIVED, segments, split

pytestmark = pytest.mark.anyio
YEAR = 366 * DAY
KEPT = "retention: {documents_days: 365}\n"


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path, TABLE + KEPT)


async def tidied(app: InMemoryApp) -> int:
    """The bytes go first, then the records."""
    await apply_retention(app.context)
    return (await delete_records(app.context))[0]


async def test_without_a_setting_records_are_kept_for_ever(tmp_path: Path) -> None:
    app = InMemoryApp(tmp_path)
    document = await app.routed("invoice")
    app.later(100 * YEAR)
    assert (await apply_retention(app.context)).documents == 0
    assert (await app.document(document.id)).content == ""


async def test_a_document_goes_with_its_jobs_and_counts_as_forgotten(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    other = await app.routed("invoice", name="other.pdf")
    app.later(YEAR)
    await app.store.apply(Replace(replace(other, version=other.version).note(app.now, "looked at")))
    assert (await apply_retention(app.context)).documents == 1
    assert [item.id for item in await app.all(Document)] == [other.id]
    assert await app.jobs(document) == []
    assert len(await app.jobs(other)) == 1
    tally = await app.store.tally()
    assert (tally.received, tally.routed, tally.forgotten, tally.balanced) == (2, 1, 1, True)


@pytest.mark.parametrize("type_", [None, "invoice"])
async def test_what_is_in_review_or_open_stays(app: InMemoryApp, type_: str | None) -> None:
    if type_:
        app.bytes.broken = DestinationBusy("no answer")
    document = await app.routed(type_)
    assert document.state in (DocumentState.REVIEW, DocumentState.OPEN)
    app.later(10 * YEAR)
    assert (await apply_retention(app.context)).documents == 0
    assert [item.id for item in await app.all(Document)] == [document.id]


async def test_what_comes_again_after_that_is_a_new_document(app: InMemoryApp) -> None:
    first = await app.routed("invoice")
    app.later(YEAR)
    await apply_retention(app.context)
    again = await app.ingest()
    assert (again.fresh, again.document.id) == (True, first.id)
    await app.work()
    assert (await app.document(first.id)).job_id == first.job_id  # LlamaCloud knows it still, and is paid once
    tally = await app.store.tally()
    assert (tally.received, tally.open, tally.forgotten, tally.balanced) == (2, 1, 1, True)


async def test_nothing_points_to_a_document_that_is_forgotten(app: InMemoryApp) -> None:
    await app.routed("invoice")
    app.later(YEAR)
    await tidied(app)
    assert (await app.ingest("another.pdf")).document.duplicate_of == ""


# --- batches


async def packet_in_pieces(app: InMemoryApp) -> tuple[Document, Document]:
    """A packet and the piece of it that waits for a person; the other piece is routed."""
    app.use(ARCHIVED + "split: {then: route}\n" + KEPT)
    packet = await split(app, segments(("invoice", (1, 2)), ("letter", (3, 4))))
    (waiting,) = [item for item in await app.all(Document, "state", DocumentState.REVIEW) if item.parent_id]
    return packet, waiting


async def test_a_packet_is_forgotten_with_its_pieces_and_never_before(app: InMemoryApp) -> None:
    _, waiting = await packet_in_pieces(app)
    app.later(3 * YEAR)
    assert await tidied(app) == 0
    assert (await app.store.tally()).received == len(await app.all(Document)) == 3
    await route_by_hand(waiting.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    for _ in range(14):  # the packet's bytes were needed until now
        app.later(30 * DAY)
        await tidied(app)
    assert await app.all(Document) == []
    assert (await app.store.tally()).forgotten == 3


async def test_who_waits_for_others_is_not_looked_at_again_and_again(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a batch with one in review never stands in the way of all that settled after it."""
    monkeypatch.setattr(expired_records, "AT_ONCE", 1)
    held = await app.routed(None, name="held.pdf", batch_id="mail_1")
    for number in range(3):
        await app.routed("invoice", name=f"{number}.pdf", batch_id="mail_1")
    app.later(DAY)
    alone = await app.routed("invoice", name="alone.pdf")
    app.later(YEAR)
    await tidied(app)
    assert await app.all(Document, "forgettable", "record") == []
    assert alone.id not in [item.id for item in await app.all(Document)]
    await route_by_hand(held.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    app.later(YEAR)
    await tidied(app)
    assert await app.all(Document) == []


@given(st.permutations(["mail", "letter", "packet", "piece 1", "piece 2"]))
def test_what_is_inside_goes_before_what_it_is_inside_of(order: list[str]) -> None:
    inside = {"letter": "mail", "packet": "mail", "piece 1": "packet", "piece 2": "packet"}
    batch = [a_document(id=name, parent_id=inside.get(name, "")) for name in order]
    gone = [item.id for item in expired_records._inmost_first(batch)]
    assert all(gone.index(name) < gone.index(container) for name, container in inside.items())


@pytest.mark.parametrize("crash", range(1, 4))
async def test_a_crash_in_the_middle_is_gone_on_with(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    for number in range(3):
        await app.routed("invoice", name=f"{number}.pdf", batch_id="mail_1")
    app.later(YEAR)
    monkeypatch.setattr(expired_records, "_remove", dying(expired_records._remove, crash))
    with pytest.raises(RuntimeError, match="killed"):
        await tidied(app)
    monkeypatch.undo()
    assert (await app.store.tally()).balanced
    assert (await delete_records(app.context))[0] == 3 - (crash - 1)
    tally = await app.store.tally()
    assert (tally.forgotten, tally.balanced) == (3, True)


def dying(work: Callable[..., Awaitable[None]], at: int) -> Callable[..., Awaitable[None]]:
    calls = 0

    async def dies(*given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise RuntimeError("killed")
        await work(*given)

    return dies


async def test_one_that_is_opened_at_that_moment_stays(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    document = await app.routed("invoice")
    app.later(YEAR)
    await delete_content(app.context)
    really = app.store.apply

    async def after_somebody(*writes: object) -> None:
        monkeypatch.setattr(app.store, "apply", really)
        await really(Replace((await app.document(document.id)).note(app.now, "looked at")))
        await really(*writes)  # type: ignore[arg-type]

    monkeypatch.setattr(app.store, "apply", after_somebody)
    assert (await delete_records(app.context))[0] == 0
    assert [item.id for item in await app.all(Document)] == [document.id]


async def test_a_task_that_is_parked_keeps_its_document_and_one_that_only_tells_does_not(app: InMemoryApp) -> None:
    parked, told = await app.routed("invoice", name="a.pdf"), await app.routed("invoice", name="b.pdf")
    for document, kind in ((parked, "react"), (told, "notify")):
        task = Task(id=f"{kind}:x", kind=kind, subject=document.id, due_at=app.now, created_at=app.now)
        running = task.claim(owner="a", now=app.now, lease_seconds=1)
        await app.store.apply(Insert(running.give_up(now=app.now, error="e", cause="c")))
    app.later(YEAR)
    await tidied(app)
    assert [item.id for item in await app.all(Document)] == [parked.id]


# --- whatever happens


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["in", "hand", "tidy", "later"]), st.integers(0, 4), st.booleans()), max_size=25)
)
def test_the_books_balance_and_batches_are_whole_whatever_happens(steps: list[tuple[str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live(InMemoryApp(Path(folder), TABLE + KEPT), steps))


async def _live(app: InMemoryApp, steps: list[tuple[str, int, bool]]) -> None:
    members: dict[str, set[str]] = {}
    taken: list[str] = []
    for number, (what, which, flag) in enumerate(steps):
        if what == "in":
            batch = f"mail_{which}"
            document = await app.routed("invoice" if flag else None, name=f"{number}.pdf", batch_id=batch)
            members.setdefault(batch, set()).add(document.id)
            taken.append(document.id)
        elif what == "hand":
            waiting = await app.all(Document, "state", DocumentState.REVIEW)
            if waiting:
                await route_by_hand(waiting[which % len(waiting)].id, RoutingDecision(to="invoice"), app.context)
                await app.work()
        elif what == "tidy":
            await tidied(app)
            await sweep(app.context)
        else:
            app.later(YEAR if flag else 40 * DAY)
        tally = await app.store.tally()
        assert tally.balanced, tally
        there = {item.id for item in await app.all(Document)}
        assert tally.received - tally.forgotten == len(there)
        for batch in [batch for batch, ids in members.items() if not ids & there]:
            del members[batch]
        assert all(ids <= there for ids in members.values()), "a part of a batch was forgotten"
    for document in await app.all(Document, "state", DocumentState.REVIEW):
        await route_by_hand(document.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    app.later(YEAR)
    for _ in range(3):
        await tidied(app)
    assert await app.all(Document) == []
    assert [job for item in taken for job in await app.all(Job, "document", item)] == []
