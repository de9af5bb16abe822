"""Records of documents are forgotten when the table says so: a batch as a whole, counted by name, never too early."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert, Update
from receiver.core.document import Document, DocumentState
from receiver.core.errors import DestinationBusy
from receiver.core.job import Job
from receiver.core.retention import DAY
from receiver.core.task import Task
from receiver.flow import forget_records
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.forget import forget_content
from receiver.flow.forget_records import forget_documents
from receiver.flow.retention import tidy
from receiver.flow.sweep import sweep
from tests.builders import a_document
from tests.desk import TABLE, Desk
from tests.unit.flow.test_packets import ARCHIVED, segments, split

pytestmark = pytest.mark.anyio
YEAR = 366 * DAY
KEPT = "retention: {documents_days: 365}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, TABLE + KEPT)


async def tidied(desk: Desk) -> int:
    """The bytes go first, then the records."""
    await tidy(desk.tools)
    return await forget_documents(desk.tools)


async def test_without_a_setting_records_are_kept_for_ever(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    document = await desk.routed("invoice")
    desk.later(100 * YEAR)
    assert (await tidy(desk.tools)).documents == 0
    assert (await desk.document(document.id)).content == ""


async def test_a_document_goes_with_its_jobs_and_counts_as_forgotten(desk: Desk) -> None:
    document = await desk.routed("invoice")
    other = await desk.routed("invoice", name="other.pdf")
    desk.later(YEAR)
    await desk.store.apply(Update(replace(other, version=other.version).note(desk.now, "looked at")))
    assert (await tidy(desk.tools)).documents == 1
    assert [one.id for one in await desk.all(Document)] == [other.id]
    assert await desk.jobs(document) == []
    assert len(await desk.jobs(other)) == 1
    tally = await desk.store.tally()
    assert (tally.taken_in, tally.routed, tally.forgotten, tally.balanced) == (2, 1, 1, True)


@pytest.mark.parametrize("type_", [None, "invoice"])
async def test_what_is_in_review_or_open_stays(desk: Desk, type_: str | None) -> None:
    if type_:
        desk.bytes.broken = DestinationBusy("no answer")
    document = await desk.routed(type_)
    assert document.state in (DocumentState.REVIEW, DocumentState.OPEN)
    desk.later(10 * YEAR)
    assert (await tidy(desk.tools)).documents == 0
    assert [one.id for one in await desk.all(Document)] == [document.id]


async def test_what_comes_again_after_that_is_a_new_document(desk: Desk) -> None:
    first = await desk.routed("invoice")
    desk.later(YEAR)
    await tidy(desk.tools)
    again = await desk.take_in()
    assert (again.fresh, again.document.id) == (True, first.id)
    await desk.work()
    assert (await desk.document(first.id)).job_id == first.job_id  # LlamaCloud knows it still, and is paid once
    tally = await desk.store.tally()
    assert (tally.taken_in, tally.open, tally.forgotten, tally.balanced) == (2, 1, 1, True)


async def test_nothing_points_to_a_document_that_is_forgotten(desk: Desk) -> None:
    await desk.routed("invoice")
    desk.later(YEAR)
    await tidied(desk)
    assert (await desk.take_in("another.pdf")).document.duplicate_of == ""


# --- batches


async def packet_in_pieces(desk: Desk) -> tuple[Document, Document]:
    """A packet and the piece of it that waits for a person; the other piece is routed."""
    desk.use(ARCHIVED + "split: {then: route}\n" + KEPT)
    packet = await split(desk, segments(("invoice", (1, 2)), ("letter", (3, 4))))
    (waiting,) = [one for one in await desk.all(Document, "state", DocumentState.REVIEW) if one.parent_id]
    return packet, waiting


async def test_a_packet_is_forgotten_with_its_pieces_and_never_before(desk: Desk) -> None:
    _, waiting = await packet_in_pieces(desk)
    desk.later(3 * YEAR)
    assert await tidied(desk) == 0
    assert (await desk.store.tally()).taken_in == len(await desk.all(Document)) == 3
    await route_by_hand(waiting.id, Word(to="invoice"), desk.tools)
    await desk.work()
    for _ in range(14):  # the packet's bytes were needed until now
        desk.later(30 * DAY)
        await tidied(desk)
    assert await desk.all(Document) == []
    assert (await desk.store.tally()).forgotten == 3


async def test_who_waits_for_others_is_not_looked_at_again_and_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a batch with one in review never stands in the way of all that settled after it."""
    monkeypatch.setattr(forget_records, "AT_ONCE", 1)
    held = await desk.routed(None, name="held.pdf", batch_id="mail_1")
    for number in range(3):
        await desk.routed("invoice", name=f"{number}.pdf", batch_id="mail_1")
    desk.later(DAY)
    alone = await desk.routed("invoice", name="alone.pdf")
    desk.later(YEAR)
    await tidied(desk)
    assert await desk.all(Document, "forgettable", "record") == []
    assert alone.id not in [one.id for one in await desk.all(Document)]
    await route_by_hand(held.id, Word(to="invoice"), desk.tools)
    await desk.work()
    desk.later(YEAR)
    await tidied(desk)
    assert await desk.all(Document) == []


@given(st.permutations(["mail", "letter", "packet", "piece 1", "piece 2"]))
def test_what_is_inside_goes_before_what_it_is_inside_of(order: list[str]) -> None:
    inside = {"letter": "mail", "packet": "mail", "piece 1": "packet", "piece 2": "packet"}
    batch = [a_document(id=name, parent_id=inside.get(name, "")) for name in order]
    gone = [one.id for one in forget_records._inmost_first(batch)]
    assert all(gone.index(name) < gone.index(container) for name, container in inside.items())


@pytest.mark.parametrize("crash", range(1, 4))
async def test_a_crash_in_the_middle_is_gone_on_with(desk: Desk, monkeypatch: pytest.MonkeyPatch, crash: int) -> None:
    for number in range(3):
        await desk.routed("invoice", name=f"{number}.pdf", batch_id="mail_1")
    desk.later(YEAR)
    monkeypatch.setattr(forget_records, "_remove", dying(forget_records._remove, crash))
    with pytest.raises(RuntimeError, match="killed"):
        await tidied(desk)
    monkeypatch.undo()
    assert (await desk.store.tally()).balanced
    assert await forget_documents(desk.tools) == 3 - (crash - 1)
    tally = await desk.store.tally()
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


async def test_one_that_is_opened_at_that_moment_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    document = await desk.routed("invoice")
    desk.later(YEAR)
    await forget_content(desk.tools)
    really = desk.store.apply

    async def after_somebody(*writes: object) -> None:
        monkeypatch.setattr(desk.store, "apply", really)
        await really(Update((await desk.document(document.id)).note(desk.now, "looked at")))
        await really(*writes)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.store, "apply", after_somebody)
    assert await forget_documents(desk.tools) == 0
    assert [one.id for one in await desk.all(Document)] == [document.id]


async def test_a_task_that_is_parked_keeps_its_document_and_one_that_only_tells_does_not(desk: Desk) -> None:
    parked, told = await desk.routed("invoice", name="a.pdf"), await desk.routed("invoice", name="b.pdf")
    for document, kind in ((parked, "react"), (told, "notify")):
        task = Task(id=f"{kind}:x", kind=kind, subject=document.id, due_at=desk.now, created_at=desk.now)
        running = task.claim(owner="a", now=desk.now, lease_seconds=1)
        await desk.store.apply(Insert(running.give_up(now=desk.now, error="e", cause="c")))
    desk.later(YEAR)
    await tidied(desk)
    assert [one.id for one in await desk.all(Document)] == [parked.id]


# --- whatever happens


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["in", "hand", "tidy", "later"]), st.integers(0, 4), st.booleans()), max_size=25)
)
def test_the_books_balance_and_batches_are_whole_whatever_happens(steps: list[tuple[str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live(Desk(Path(folder), TABLE + KEPT), steps))


async def _live(desk: Desk, steps: list[tuple[str, int, bool]]) -> None:
    members: dict[str, set[str]] = {}
    taken: list[str] = []
    for number, (what, which, flag) in enumerate(steps):
        if what == "in":
            batch = f"mail_{which}"
            document = await desk.routed("invoice" if flag else None, name=f"{number}.pdf", batch_id=batch)
            members.setdefault(batch, set()).add(document.id)
            taken.append(document.id)
        elif what == "hand":
            waiting = await desk.all(Document, "state", DocumentState.REVIEW)
            if waiting:
                await route_by_hand(waiting[which % len(waiting)].id, Word(to="invoice"), desk.tools)
                await desk.work()
        elif what == "tidy":
            await tidied(desk)
            await sweep(desk.tools)
        else:
            desk.later(YEAR if flag else 40 * DAY)
        tally = await desk.store.tally()
        assert tally.balanced, tally
        there = {one.id for one in await desk.all(Document)}
        assert tally.taken_in - tally.forgotten == len(there)
        for batch in [batch for batch, ids in members.items() if not ids & there]:
            del members[batch]
        assert all(ids <= there for ids in members.values()), "a part of a batch was forgotten"
    for document in await desk.all(Document, "state", DocumentState.REVIEW):
        await route_by_hand(document.id, Word(to="invoice"), desk.tools)
    await desk.work()
    desk.later(YEAR)
    for _ in range(3):
        await tidied(desk)
    assert await desk.all(Document) == []
    assert [job for one in taken for job in await desk.all(Job, "document", one)] == []
