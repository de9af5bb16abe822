"""Bytes leave the spool when nobody needs them any more; what is open, parked or waits for a person keeps its own."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Replace
from receiver.core.document import SETTLED, Document, DocumentState
from receiver.core.errors import (
    AccessDenied,
    Conflict,
    DestinationBusy,
    DocumentRefused,
    FileGone,
    MailroomError,
    NotAllowed,
)
from receiver.core.task import TaskState
from receiver.operations.expired_content import AT_ONCE, FAILURES, delete_content
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.replay import ReplayFilter, foreseen
from receiver.operations.retention import apply_retention
from receiver.packets.correct import CutRequest, recut
from receiver.pipeline.ingest import IncomingFile, ingest
from receiver.store.spool import FolderSpool
from tests.in_memory_app import InMemoryApp
from tests.unit.packets.test_packets import BY_CATEGORY, segments, split

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0
SAME = b"%PDF-1.7 the same bytes"


def kept(app: InMemoryApp) -> list[str]:
    """The locations of all bytes in the spool."""
    return sorted(f"spool:{path.name}" for path in (app.folder / "spool").rglob("doc_*") if path.is_file())


async def forgets(app: InMemoryApp) -> int:
    done, troubles = await delete_content(app.context)
    assert troubles == []
    return done


async def test_the_bytes_of_a_routed_document_go_after_their_time_and_its_record_stays(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    assert await forgets(app) == 0
    app.later(MONTH)
    assert (await forgets(app), kept(app)) == (1, [])
    after = await app.document(document.id)
    assert (after.state, after.content, after.forgotten_at) == (DocumentState.ROUTED, "", app.now)
    assert await forgets(app) == 0


async def test_the_bytes_of_a_document_in_review_stay(app: InMemoryApp) -> None:
    document = await app.routed(None)
    app.later(MONTH)
    assert (await forgets(app), kept(app)) == (0, [document.content])


async def test_of_two_documents_with_the_same_bytes_the_one_in_review_keeps_them(app: InMemoryApp) -> None:
    """The file of one was the file of both, and only the first was asked."""
    routed = await app.routed("invoice", name="a.pdf", content=SAME)
    waiting = await app.routed(None, name="b.pdf", content=SAME)
    assert routed.sha256 == waiting.sha256
    app.later(MONTH)
    assert await forgets(app) == 1
    assert (await app.context.content(waiting)).size == len(SAME)


async def test_a_file_that_an_earlier_mailroom_shared_stays_while_one_document_needs_it(app: InMemoryApp) -> None:
    routed = await app.routed("invoice", name="a.pdf", content=SAME)
    waiting = await app.routed(None, name="b.pdf", content=SAME)
    shared = app.folder / "spool" / routed.sha256[:2] / routed.sha256
    shared.parent.mkdir(exist_ok=True)
    shared.write_bytes(SAME)
    for item in (routed, waiting):
        await app.store.apply(Replace(replace(item, content=f"spool:{item.sha256}")))
    app.later(MONTH)
    assert await forgets(app) == 0
    assert (await app.context.content(await app.document(waiting.id))).size == len(SAME)
    await route_by_hand(waiting.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    app.later(MONTH)
    assert await forgets(app) == 2
    assert not shared.exists()


async def test_what_settled_while_the_clock_showed_1970_is_kept_for_its_time_from_when_that_is_seen(
    app: InMemoryApp,
) -> None:
    right = app.now
    app.now = 100.0
    await app.routed("invoice", name="a.pdf")
    app.now = right
    assert await forgets(app) == 0
    app.later(MONTH - 2 * 86400)
    assert await forgets(app) == 0
    app.later(2 * 86400)
    assert await forgets(app) == 1


async def test_a_document_that_was_decided_late_is_forgotten_after_its_own_time(app: InMemoryApp) -> None:
    """Its place in the order of intake had been passed by then."""
    late = await app.routed(None, name="late.pdf")
    await app.routed("invoice", name="early.pdf")
    app.later(MONTH)
    assert await forgets(app) == 1
    await route_by_hand(late.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    assert await forgets(app) == 0
    app.later(MONTH)
    assert (await forgets(app), kept(app)) == (1, [])


async def test_more_pieces_of_one_moment_than_a_pass_takes_are_all_forgotten(app: InMemoryApp) -> None:
    """210 documents with one taken_in_at: the 200 of one pass were looked at for ever."""
    for number in range(AT_ONCE + 10):
        await app.routed("invoice", name=f"{number}.pdf")
    app.later(MONTH)
    assert [await forgets(app) for _ in range(3)] == [AT_ONCE, 10, 0]
    assert kept(app) == []
    await app.routed("invoice", name="later.pdf")
    app.later(MONTH)
    assert await forgets(app) == 1


async def test_what_a_parked_submission_may_need_again_stays(app: InMemoryApp) -> None:
    taken = await app.ingest()
    app.cloud.broken = DocumentRefused("Unsupported file type")
    await app.work()
    assert (await app.document(taken.document.id)).state is DocumentState.FAILED
    app.later(MONTH)
    assert await forgets(app) == 0
    assert (await app.document(taken.document.id)).history[-1].what == "content kept"
    assert await forgets(app) == 0  # and it does not stand in the way of others meanwhile
    (parked,) = [task for task in await app.tasks("submit") if task.state is TaskState.PARKED]
    await app.store.apply(Replace(parked.replay(now=app.now)))  # a person has dealt with it
    app.later(MONTH)
    assert await forgets(app) == 1


async def test_a_packet_stays_whole_while_a_piece_of_it_waits_for_a_person(app: InMemoryApp) -> None:
    app.use(BY_CATEGORY)
    packet = await split(app, segments(("invoice", (1, 2)), ("letter", (3, 4))))
    (waiting,) = [item for item in await app.all(Document, "state", DocumentState.REVIEW) if item.id != packet.id]
    app.later(MONTH)
    await forgets(app)
    assert {packet.content, waiting.content} <= set(kept(app))
    await route_by_hand(waiting.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    app.later(2 * MONTH)
    while await forgets(app):
        app.later(MONTH)
    assert kept(app) == []


# --- at the same moment


async def test_bytes_that_are_kept_again_while_they_are_let_go_are_not_lost(app: InMemoryApp) -> None:
    """The same file comes in again between the look and the removal: it lies elsewhere, and the old one goes."""
    document = await app.routed("invoice")
    spool = app.context.spool
    app.later(MONTH)

    class Slow(FolderSpool):
        async def release(self, location: str) -> None:
            if location == document.content:
                app.context = replace(app.context, spool=spool)
                await app.ingest()
            await spool.release(location)

    app.context = replace(app.context, spool=Slow(app.folder / "spool"))
    await delete_content(app.context)
    after = await app.document(document.id)
    assert (after.forgotten_at, kept(app)) == (None, [after.content])
    assert (await app.context.content(after)).size == after.size


async def test_a_document_that_is_opened_at_that_moment_keeps_its_bytes(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = await app.ingest()
    app.cloud.broken = DocumentRefused("Unsupported file type")
    await app.work()
    (parked,) = await app.tasks("submit")
    await app.store.apply(Replace(parked.replay(now=app.now)))
    app.later(MONTH)
    really = app.store.apply

    async def after_a_person(*writes: object) -> None:
        monkeypatch.setattr(app.store, "apply", really)
        await route_by_hand(taken.document.id, RoutingDecision(to="invoice"), app.context)
        await really(*writes)  # type: ignore[arg-type]

    monkeypatch.setattr(app.store, "apply", after_a_person)
    assert await forgets(app) == 0
    document = await app.document(taken.document.id)
    assert (document.state, kept(app)) == (DocumentState.OPEN, [document.content])


@pytest.mark.parametrize("crash", [0, 1, 2])
async def test_a_crash_between_two_steps_is_made_up_for(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    document = await app.routed("invoice")
    app.later(MONTH)
    steps = [(app.store, "apply"), (app.context.spool, "release"), (app.store, "apply")]
    port, method = steps[crash]
    really, calls = getattr(port, method), 0

    async def dies(*given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == (2 if crash == 2 else 1):
            raise RuntimeError("killed")
        await really(*given)

    monkeypatch.setattr(port, method, dies)
    with pytest.raises(RuntimeError, match="killed"):
        await delete_content(app.context)
    monkeypatch.undo()
    assert await forgets(app) == 1
    assert ((await app.document(document.id)).content, kept(app)) == ("", [])


# --- troubles


async def test_bytes_that_cannot_be_removed_keep_nobody_elses(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = await app.routed("invoice", name="stuck.pdf")
    await app.routed("invoice", name="other.pdf")
    app.later(MONTH)
    really = app.context.spool.release

    async def refused(location: str) -> None:
        if location == stuck.content:
            raise AccessDenied("it cannot be removed")
        await really(location)

    monkeypatch.setattr(app.context.spool, "release", refused)
    tidied = await apply_retention(app.context)
    assert (tidied.forgotten, tidied.troubles) == (2, ["it cannot be removed"])
    assert (await apply_retention(app.context)).troubles == []


async def test_while_the_spool_is_away_nothing_is_marked_done_and_the_rest_of_the_sweep_goes_on(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(FAILURES + 2):
        await app.routed("invoice", name=f"{number}.pdf")
    app.later(MONTH)
    asked = 0

    async def away(location: str) -> None:
        nonlocal asked
        asked += 1
        raise DestinationBusy("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(app.context.spool, "release", away)
        tidied = await apply_retention(app.context)
    assert (tidied.forgotten, asked, len(tidied.troubles)) == (0, FAILURES, 1)
    assert await forgets(app) == FAILURES + 2
    assert kept(app) == []


# --- afterwards


@pytest.mark.parametrize(
    "wish",
    [
        lambda document, app: route_by_hand(document.id, RoutingDecision(to="contract"), app.context),
        lambda document, app: recut(document.id, CutRequest(merge=(1, 2)), app.context),
    ],
    ids=["route", "recut"],
)
async def test_what_needs_the_bytes_is_refused_with_what_to_do_where_no_copy_is_left(
    app: InMemoryApp, wish: Callable[[Document, InMemoryApp], object]
) -> None:
    document = await app.routed("invoice")
    await app.store.apply(Replace(replace(document, state=DocumentState.FAILED)))
    app.later(MONTH)
    assert await forgets(app) == 1
    app.bytes.objects.clear()
    with pytest.raises(
        NotAllowed, match=r"were removed by retention on 2027-02-15, and no copy can be read"
    ) as refused:
        await wish(document, app)  # type: ignore[misc]
    assert "submit the same file again" in refused.value.fix
    assert (await app.document(document.id)).state is DocumentState.FAILED


async def test_a_replay_leaves_a_forgotten_document_where_it_is(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    app.later(MONTH)
    await forgets(app)
    replay = await foreseen(await app.document(document.id), ReplayFilter(reroute=True), app.context)
    assert (replay.action, replay.writes, replay.detail) == ("nothing", (), "the table routes it to the same place")


async def test_a_forgotten_document_that_comes_in_again_has_its_bytes_for_another_time(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    app.later(MONTH)
    await forgets(app)
    with pytest.raises(FileGone, match="were removed by retention"):
        await app.context.content(await app.document(document.id))
    again = await app.ingest()
    assert (again.fresh, again.document.id, kept(app)) == (False, document.id, [again.document.content])
    assert (again.document.state, len(app.cloud.orders)) == (DocumentState.ROUTED, 1)
    assert await forgets(app) == 0
    app.later(MONTH)
    assert (await forgets(app), kept(app)) == (1, [])


async def once() -> AsyncIterator[bytes]:
    yield SAME


async def test_a_second_copy_of_the_same_document_is_not_kept(app: InMemoryApp) -> None:
    async def upload() -> str:
        return (await ingest(IncomingFile(name="a.pdf", kind="upload", source=once()), app.context)).document.content

    locations = await asyncio.gather(*(upload() for _ in range(5)))
    assert kept(app) == sorted(set(locations))
    assert len(set(locations)) == 1


# --- whatever happens


STEPS = st.lists(
    st.tuples(st.sampled_from(["in", "again", "hand", "sweep", "later"]), st.integers(0, 5), st.booleans()),
    max_size=25,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_whatever_happens_nothing_unsettled_loses_its_bytes_and_all_is_forgotten_in_the_end(
    steps: list[tuple[str, int, bool]],
) -> None:
    """Documents that share their bytes come in, are decided and opened again while the months go by."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live(InMemoryApp(Path(folder)), steps))


async def _live(app: InMemoryApp, steps: list[tuple[str, int, bool]]) -> None:
    taken: set[int] = set()
    for what, which, flag in steps:
        if what == "in" and which not in taken:
            taken.add(which)
            await app.routed("invoice" if flag else None, name=f"{which}.pdf", content=SAME)
        elif what in ("in", "again"):
            await app.ingest(name=f"{which}.pdf", content=SAME)
            taken.add(which)
        elif what == "hand":
            await _by_hand(app, which)
        elif what == "sweep":
            await apply_retention(app.context)
        else:
            app.later(MONTH / 2 if flag else MONTH)
        await app.work()
        for document in await app.all(Document):
            if document.state not in SETTLED:
                assert (await app.context.content(document)).size == len(SAME)
    for document in await app.all(Document):
        if document.state is DocumentState.REVIEW:
            await route_by_hand(document.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    app.later(MONTH)
    await apply_retention(app.context)
    documents = await app.all(Document)
    settled = [item for item in documents if item.state in SETTLED]
    assert [item.content for item in settled] == [""] * len(settled)
    assert kept(app) == sorted(item.content for item in documents if item.state not in SETTLED)


async def _by_hand(app: InMemoryApp, which: int) -> None:
    documents = await app.all(Document)
    if documents:
        document = documents[which % len(documents)]
        try:
            await route_by_hand(document.id, RoutingDecision(to="contract"), app.context)
        except MailroomError as refused:
            assert isinstance(refused, NotAllowed | Conflict)


def test_the_bytes_lie_under_a_name_that_is_used_once() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "a.pdf")
        source.write_bytes(SAME)
        spool = FolderSpool(Path(folder, "spool"))
        keeping = [spool.keep(source, limit=100, owner=lambda _: "doc_abc") for _ in range(3)]
        found = {asyncio.run(each).location for each in keeping}
    assert len(found) == 3
    assert all(re.fullmatch(r"spool:doc_abc\.[0-9a-f]{2}-[0-9a-f]{8}", item) for item in found)
