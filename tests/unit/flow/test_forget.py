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

from receiver.core.change import Update
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
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.forget import AT_ONCE, FAILURES, forget_content
from receiver.flow.intake import Arrival, take_in
from receiver.flow.recut import Wish, recut
from receiver.flow.replay import Choice, foreseen
from receiver.flow.retention import tidy
from receiver.store.spool import FolderSpool
from tests.desk import Desk
from tests.unit.flow.test_packets import BY_CATEGORY, segments, split

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0
SAME = b"%PDF-1.7 the same bytes"


def kept(desk: Desk) -> list[str]:
    """The locations of all bytes in the spool."""
    return sorted(f"spool:{path.name}" for path in (desk.folder / "spool").rglob("doc_*") if path.is_file())


async def forgets(desk: Desk) -> int:
    done, troubles = await forget_content(desk.tools)
    assert troubles == []
    return done


async def test_the_bytes_of_a_routed_document_go_after_their_time_and_its_record_stays(desk: Desk) -> None:
    document = await desk.routed("invoice")
    assert await forgets(desk) == 0
    desk.later(MONTH)
    assert (await forgets(desk), kept(desk)) == (1, [])
    after = await desk.document(document.id)
    assert (after.state, after.content, after.forgotten_at) == (DocumentState.ROUTED, "", desk.now)
    assert await forgets(desk) == 0


async def test_the_bytes_of_a_document_in_review_stay(desk: Desk) -> None:
    document = await desk.routed(None)
    desk.later(MONTH)
    assert (await forgets(desk), kept(desk)) == (0, [document.content])


async def test_of_two_documents_with_the_same_bytes_the_one_in_review_keeps_them(desk: Desk) -> None:
    """The file of one was the file of both, and only the first was asked."""
    routed = await desk.routed("invoice", name="a.pdf", content=SAME)
    waiting = await desk.routed(None, name="b.pdf", content=SAME)
    assert routed.sha256 == waiting.sha256
    desk.later(MONTH)
    assert await forgets(desk) == 1
    assert (await desk.tools.content(waiting)).size == len(SAME)


async def test_a_file_that_an_earlier_mailroom_shared_stays_while_one_document_needs_it(desk: Desk) -> None:
    routed = await desk.routed("invoice", name="a.pdf", content=SAME)
    waiting = await desk.routed(None, name="b.pdf", content=SAME)
    shared = desk.folder / "spool" / routed.sha256[:2] / routed.sha256
    shared.parent.mkdir(exist_ok=True)
    shared.write_bytes(SAME)
    for one in (routed, waiting):
        await desk.store.apply(Update(replace(one, content=f"spool:{one.sha256}")))
    desk.later(MONTH)
    assert await forgets(desk) == 0
    assert (await desk.tools.content(await desk.document(waiting.id))).size == len(SAME)
    await route_by_hand(waiting.id, Word(to="invoice"), desk.tools)
    await desk.work()
    desk.later(MONTH)
    assert await forgets(desk) == 2
    assert not shared.exists()


async def test_what_settled_while_the_clock_showed_1970_is_kept_for_its_time_from_when_that_is_seen(desk: Desk) -> None:
    right = desk.now
    desk.now = 100.0
    await desk.routed("invoice", name="a.pdf")
    desk.now = right
    assert await forgets(desk) == 0
    desk.later(MONTH - 2 * 86400)
    assert await forgets(desk) == 0
    desk.later(2 * 86400)
    assert await forgets(desk) == 1


async def test_a_document_that_was_decided_late_is_forgotten_after_its_own_time(desk: Desk) -> None:
    """Its place in the order of intake had been passed by then."""
    late = await desk.routed(None, name="late.pdf")
    await desk.routed("invoice", name="early.pdf")
    desk.later(MONTH)
    assert await forgets(desk) == 1
    await route_by_hand(late.id, Word(to="invoice"), desk.tools)
    await desk.work()
    assert await forgets(desk) == 0
    desk.later(MONTH)
    assert (await forgets(desk), kept(desk)) == (1, [])


async def test_more_pieces_of_one_moment_than_a_pass_takes_are_all_forgotten(desk: Desk) -> None:
    """210 documents with one taken_in_at: the 200 of one pass were looked at for ever."""
    for number in range(AT_ONCE + 10):
        await desk.routed("invoice", name=f"{number}.pdf")
    desk.later(MONTH)
    assert [await forgets(desk) for _ in range(3)] == [AT_ONCE, 10, 0]
    assert kept(desk) == []
    await desk.routed("invoice", name="later.pdf")
    desk.later(MONTH)
    assert await forgets(desk) == 1


async def test_what_a_parked_submission_may_need_again_stays(desk: Desk) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = DocumentRefused("Unsupported file type")
    await desk.work()
    assert (await desk.document(taken.document.id)).state is DocumentState.FAILED
    desk.later(MONTH)
    assert await forgets(desk) == 0
    assert (await desk.document(taken.document.id)).history[-1].what == "bytes kept"
    assert await forgets(desk) == 0  # and it does not stand in the way of others meanwhile
    (parked,) = [task for task in await desk.tasks("submit") if task.state is TaskState.PARKED]
    await desk.store.apply(Update(parked.replay(now=desk.now)))  # a person has dealt with it
    desk.later(MONTH)
    assert await forgets(desk) == 1


async def test_a_packet_stays_whole_while_a_piece_of_it_waits_for_a_person(desk: Desk) -> None:
    desk.use(BY_CATEGORY)
    packet = await split(desk, segments(("invoice", (1, 2)), ("letter", (3, 4))))
    (waiting,) = [one for one in await desk.all(Document, "state", DocumentState.REVIEW) if one.id != packet.id]
    desk.later(MONTH)
    await forgets(desk)
    assert {packet.content, waiting.content} <= set(kept(desk))
    await route_by_hand(waiting.id, Word(to="invoice"), desk.tools)
    await desk.work()
    desk.later(2 * MONTH)
    while await forgets(desk):
        desk.later(MONTH)
    assert kept(desk) == []


# --- at the same moment


async def test_bytes_that_are_kept_again_while_they_are_let_go_are_not_lost(desk: Desk) -> None:
    """The same file comes in again between the look and the removal: it lies elsewhere, and the old one goes."""
    document = await desk.routed("invoice")
    spool = desk.tools.spool
    desk.later(MONTH)

    class Slow(FolderSpool):
        async def release(self, location: str) -> None:
            if location == document.content:
                desk.tools = replace(desk.tools, spool=spool)
                await desk.take_in()
            await spool.release(location)

    desk.tools = replace(desk.tools, spool=Slow(desk.folder / "spool"))
    await forget_content(desk.tools)
    after = await desk.document(document.id)
    assert (after.forgotten_at, kept(desk)) == (None, [after.content])
    assert (await desk.tools.content(after)).size == after.size


async def test_a_document_that_is_opened_at_that_moment_keeps_its_bytes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = DocumentRefused("Unsupported file type")
    await desk.work()
    (parked,) = await desk.tasks("submit")
    await desk.store.apply(Update(parked.replay(now=desk.now)))
    desk.later(MONTH)
    really = desk.store.apply

    async def after_a_person(*writes: object) -> None:
        monkeypatch.setattr(desk.store, "apply", really)
        await route_by_hand(taken.document.id, Word(to="invoice"), desk.tools)
        await really(*writes)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.store, "apply", after_a_person)
    assert await forgets(desk) == 0
    document = await desk.document(taken.document.id)
    assert (document.state, kept(desk)) == (DocumentState.OPEN, [document.content])


@pytest.mark.parametrize("crash", [0, 1, 2])
async def test_a_crash_between_two_steps_is_made_up_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    document = await desk.routed("invoice")
    desk.later(MONTH)
    steps = [(desk.store, "apply"), (desk.tools.spool, "release"), (desk.store, "apply")]
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
        await forget_content(desk.tools)
    monkeypatch.undo()
    assert await forgets(desk) == 1
    assert ((await desk.document(document.id)).content, kept(desk)) == ("", [])


# --- troubles


async def test_bytes_that_cannot_be_removed_keep_nobody_elses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = await desk.routed("invoice", name="stuck.pdf")
    await desk.routed("invoice", name="other.pdf")
    desk.later(MONTH)
    really = desk.tools.spool.release

    async def refused(location: str) -> None:
        if location == stuck.content:
            raise AccessDenied("it cannot be removed")
        await really(location)

    monkeypatch.setattr(desk.tools.spool, "release", refused)
    tidied = await tidy(desk.tools)
    assert (tidied.forgotten, tidied.troubles) == (2, ["it cannot be removed"])
    assert (await tidy(desk.tools)).troubles == []


async def test_while_the_spool_is_away_nothing_is_marked_done_and_the_rest_of_the_sweep_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(FAILURES + 2):
        await desk.routed("invoice", name=f"{number}.pdf")
    desk.later(MONTH)
    asked = 0

    async def away(location: str) -> None:
        nonlocal asked
        asked += 1
        raise DestinationBusy("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(desk.tools.spool, "release", away)
        tidied = await tidy(desk.tools)
    assert (tidied.forgotten, asked, len(tidied.troubles)) == (0, FAILURES, 1)
    assert await forgets(desk) == FAILURES + 2
    assert kept(desk) == []


# --- afterwards


@pytest.mark.parametrize(
    "wish",
    [
        lambda document, desk: route_by_hand(document.id, Word(to="contract"), desk.tools),
        lambda document, desk: recut(document.id, Wish(merge=(1, 2)), desk.tools),
    ],
    ids=["route", "recut"],
)
async def test_what_needs_the_bytes_is_refused_with_what_to_do_where_no_copy_is_left(
    desk: Desk, wish: Callable[[Document, Desk], object]
) -> None:
    document = await desk.routed("invoice")
    await desk.store.apply(Update(replace(document, state=DocumentState.FAILED)))
    desk.later(MONTH)
    assert await forgets(desk) == 1
    desk.bytes.objects.clear()
    with pytest.raises(NotAllowed, match=r"were forgotten on 2027-02-15, and no copy can be read") as refused:
        await wish(document, desk)  # type: ignore[misc]
    assert "take the same file in again" in refused.value.fix
    assert (await desk.document(document.id)).state is DocumentState.FAILED


async def test_a_replay_leaves_a_forgotten_document_where_it_is(desk: Desk) -> None:
    document = await desk.routed("invoice")
    desk.later(MONTH)
    await forgets(desk)
    replay = await foreseen(await desk.document(document.id), Choice(reroute=True), desk.tools)
    assert (replay.deed, replay.writes, replay.detail) == ("nothing", (), "the table does not move it")


async def test_a_forgotten_document_that_comes_in_again_has_its_bytes_for_another_time(desk: Desk) -> None:
    document = await desk.routed("invoice")
    desk.later(MONTH)
    await forgets(desk)
    with pytest.raises(FileGone, match="were forgotten"):
        await desk.tools.content(await desk.document(document.id))
    again = await desk.take_in()
    assert (again.fresh, again.document.id, kept(desk)) == (False, document.id, [again.document.content])
    assert (again.document.state, len(desk.cloud.orders)) == (DocumentState.ROUTED, 1)
    assert await forgets(desk) == 0
    desk.later(MONTH)
    assert (await forgets(desk), kept(desk)) == (1, [])


async def once() -> AsyncIterator[bytes]:
    yield SAME


async def test_a_second_copy_of_the_same_document_is_not_kept(desk: Desk) -> None:
    async def upload() -> str:
        return (await take_in(Arrival(name="a.pdf", kind="upload", source=once()), desk.tools)).document.content

    locations = await asyncio.gather(*(upload() for _ in range(5)))
    assert kept(desk) == sorted(set(locations))
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
        asyncio.run(_live(Desk(Path(folder)), steps))


async def _live(desk: Desk, steps: list[tuple[str, int, bool]]) -> None:
    taken: set[int] = set()
    for what, which, flag in steps:
        if what == "in" and which not in taken:
            taken.add(which)
            await desk.routed("invoice" if flag else None, name=f"{which}.pdf", content=SAME)
        elif what in ("in", "again"):
            await desk.take_in(name=f"{which}.pdf", content=SAME)
            taken.add(which)
        elif what == "hand":
            await _by_hand(desk, which)
        elif what == "sweep":
            await tidy(desk.tools)
        else:
            desk.later(MONTH / 2 if flag else MONTH)
        await desk.work()
        for document in await desk.all(Document):
            if document.state not in SETTLED:
                assert (await desk.tools.content(document)).size == len(SAME)
    for document in await desk.all(Document):
        if document.state is DocumentState.REVIEW:
            await route_by_hand(document.id, Word(to="invoice"), desk.tools)
    await desk.work()
    desk.later(MONTH)
    await tidy(desk.tools)
    documents = await desk.all(Document)
    settled = [one for one in documents if one.state in SETTLED]
    assert [one.content for one in settled] == [""] * len(settled)
    assert kept(desk) == sorted(one.content for one in documents if one.state not in SETTLED)


async def _by_hand(desk: Desk, which: int) -> None:
    documents = await desk.all(Document)
    if documents:
        document = documents[which % len(documents)]
        try:
            await route_by_hand(document.id, Word(to="contract"), desk.tools)
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
    assert all(re.fullmatch(r"spool:doc_abc\.[0-9a-f]{8}", one) for one in found)
