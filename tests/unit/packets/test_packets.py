"""A packet: cut once, whatever crashes; finished when its pieces are; every page accounted for."""

from dataclasses import replace
from typing import Any

import pytest

from receiver.core.document import Document, DocumentState, Step
from receiver.core.job import JobStatus
from receiver.core.manifest import manifest
from receiver.core.pages import Segment
from receiver.core.plan import Way
from receiver.core.task import Task, TaskState
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.sweep import sweep
from receiver.packets.cut import cut
from receiver.packets.pieces import pieces_of
from receiver.pipeline.process import process
from receiver.queue.local import LocalQueue
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, locked, packet_bytes, with_file

pytestmark = pytest.mark.anyio

ARCHIVED = TABLE + 'packet: {to: ["bytes://packets/"]}\n'
BY_CATEGORY = ARCHIVED + "split: {then: route}\n"
LETTERS = [a_page("invoice, page 1"), a_page("invoice, page 2"), a_page("a contract"), a_page("")]


def segments(*found: tuple[str, tuple[int, ...]] | tuple[str, tuple[int, ...], str]) -> tuple[Segment, ...]:
    return tuple(
        Segment(category=item[0], pages=item[1], confidence=item[2] if len(item) > 2 else "high") for item in found
    )


WHOLE = segments(("invoice", (1, 2)), ("contract", (3, 4)))


async def split(app: InMemoryApp, found: tuple[Segment, ...] = WHOLE, content: bytes | None = None) -> Document:
    """A packet whose split job found this, with everything done that follows."""
    packet = await app.submitted(name="mail.pdf", content=content or packet_bytes(*LETTERS), packet=True)
    app.cloud.finish(packet.job_id, segments=found)
    await app.event(packet.job_id, "split.success")
    await app.work()
    return await app.document(packet.id)


async def classify_all(app: InMemoryApp, packet: Document) -> None:
    for piece in await pieces_of(packet, app.context):
        if piece.state is DocumentState.OPEN:
            app.cloud.classified(piece.job_id, piece.category)
            await app.event(piece.job_id)
    await app.work()


@pytest.fixture(autouse=True)
def archive(app: InMemoryApp) -> None:
    app.use(ARCHIVED)


async def test_each_piece_is_a_document_of_its_own_with_parent_pages_and_category(app: InMemoryApp) -> None:
    packet = await split(app)
    first, second = await pieces_of(packet, app.context)
    assert (first.parent_id, first.pages, first.category) == (packet.id, (1, 2), "invoice")
    assert (second.name, second.batch_id, second.origin.kind) == ("mail-p3-4.pdf", packet.batch_id, "piece")
    assert (packet.state, packet.step, packet.page_count) == (DocumentState.OPEN, Step.SPLIT, 4)
    assert (await app.store.tally()).received == 3


class Hearing(LocalQueue):
    """Remembers for which tasks it was rung."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: set[str] = set()

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        self.heard |= set(task_ids)


@pytest.mark.parametrize("then", ["classify", "route"])
async def test_whatever_is_to_be_done_for_a_packet_is_rung_for(app: InMemoryApp, then: str) -> None:
    """Else it would wait for the sweep where nobody looks without a ring: in Lambda."""
    queue = Hearing()
    app.use(f"{ARCHIVED}split: {{then: {then}}}\n")
    app.context = replace(app.context, queue=queue)
    await classify_all(app, await split(app))
    kinds = {"submit", "cut", "deliver", "packet"}
    promised = {task.id: task.kind for task in await app.all(Task) if task.kind in kinds}
    assert set(promised.values()) == kinds
    assert set(promised) - queue.heard == set()


async def test_the_packet_is_archived_when_all_its_pieces_are_settled(app: InMemoryApp) -> None:
    packet = await split(app)
    await classify_all(app, packet)
    after = await app.document(packet.id)
    assert after.plan is not None
    assert (after.state, after.plan.way) == (DocumentState.ROUTED, Way.PACKET)
    assert app.bytes.requests[-1].url == f"bytes://packets/{packet.id}/mail.pdf"
    totals = await app.store.tally()
    assert (totals.received, totals.routed, totals.open) == (3, 3, 0)


async def test_the_packets_manifest_says_where_its_pieces_went(app: InMemoryApp) -> None:
    packet = await split(app)
    await classify_all(app, packet)
    content = app.bytes.requests[-1].manifest
    assert [(item["pages"], item["type"], len(item["locations"])) for item in content["pieces"]] == [
        ([1, 2], "invoice", 2), ([3, 4], "contract", 1),
    ]  # fmt: skip
    piece = (await pieces_of(packet, app.context))[0]
    told = manifest(piece, delivery_id="d")["packet"]
    assert (told["name"], told["split_job_id"], told["pages"]) == ("mail.pdf", packet.job_id, [1, 2])


async def test_one_piece_that_is_still_open_keeps_the_packet_open(app: InMemoryApp) -> None:
    packet = await split(app)
    first, _ = await pieces_of(packet, app.context)
    app.cloud.classified(first.job_id, "invoice")
    await app.event(first.job_id)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.OPEN


async def test_a_piece_in_review_does_not_hold_its_packet_back(app: InMemoryApp) -> None:
    packet = await split(app)
    for piece in await pieces_of(packet, app.context):
        app.cloud.classified(piece.job_id, "invoice", 0.3)
        await app.event(piece.job_id)
    await app.work()
    after = await app.document(packet.id)
    assert (after.state, app.bytes.requests[-1].document.id) == (DocumentState.REVIEW, packet.id)
    totals = await app.store.tally()
    assert (totals.routed, totals.review, totals.open) == (0, 3, 0)


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ((), "no piece holds pages 1-3"),
        (segments(("invoice", (1, 2))), "no piece holds page 3"),
        (segments(("invoice", (1, 2)), ("contract", (2, 3, 4))), "more than one piece holds page 2"),
        (segments(("invoice", (1, 2)), ("contract", (3, 4, 5))), "the packet has 4 pages, but a piece holds page 5"),
    ],
)
async def test_a_packet_whose_pages_do_not_add_up_is_held_with_the_list(
    app: InMemoryApp, found: tuple[Segment, ...], named: str
) -> None:
    packet = await split(app, found)
    assert packet.state is DocumentState.REVIEW
    assert named in packet.error
    assert [alert.kind for alert, _ in app.channel.told] == ["packet.held"]
    assert named in app.channel.told[0][0].detail
    assert (await app.store.tally()).received == 1


async def test_a_held_packet_is_resolved_when_it_no_longer_waits_for_a_person(app: InMemoryApp) -> None:
    packet = await split(app, segments(("invoice", (1, 2))))

    async def told_later() -> list[str]:
        app.later(601)
        before = len(app.channel.told)
        await sweep(app.context)
        await app.work()
        return [f"{notice.status}: {notice.title}" for notice, _ in app.channel.told[before:]]

    assert await told_later() == []
    await route_by_hand(packet.id, RoutingDecision(who="Ada", to="failed"), app.context)
    await app.work()
    assert await told_later() == ["resolved: a person must look at packet mail.pdf"]


async def test_a_packet_of_which_all_is_omitted_is_held(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {uncategorized: omit}\n")
    packet = await split(app, segments())
    assert (packet.state, packet.cuts) == (DocumentState.REVIEW, ())


async def test_omitted_pages_are_named(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {uncategorized: omit}\n")
    packet = await split(app, segments(("invoice", (1, 2)), ("contract", (4,))))
    assert packet.cuts[-1].omitted == (3,)


async def test_pieces_of_doubtful_category_wait_for_a_person_with_one_alert(app: InMemoryApp) -> None:
    packet = await split(app, segments(("invoice", (1,), "low"), ("invoice", (2,), "low"), ("contract", (3, 4))))
    states = [piece.state for piece in await pieces_of(packet, app.context)]
    assert states == [DocumentState.REVIEW, DocumentState.REVIEW, DocumentState.OPEN]
    ((alert, _),) = app.channel.told
    assert (alert.kind, alert.subject) == ("packet.held", packet.id)
    assert alert.detail.startswith("2 of 3 pieces wait for a person")


async def test_failed_jobs_of_one_packet_are_one_alert(app: InMemoryApp) -> None:
    packet = await split(app)
    for number, piece in enumerate(await pieces_of(packet, app.context)):
        app.cloud.finish(piece.job_id, JobStatus.FAILED, error=f"another reason {number}")
        await app.event(piece.job_id, "classify.error")
    await app.work()
    assert [alert.kind for alert, _ in app.channel.told] == ["job.failed"]


async def test_pieces_are_routed_by_their_category_when_asked(app: InMemoryApp) -> None:
    app.use(BY_CATEGORY)
    packet = await split(app, segments(("invoice", (1, 2), "medium"), ("uncategorized", (3, 4))))
    first, second = await pieces_of(packet, app.context)
    assert first.plan is not None
    assert second.plan is not None
    assert (first.plan.route, first.state, first.job_id) == ("invoice", DocumentState.ROUTED, "")
    assert (second.plan.way, second.state) == (Way.NO_MATCH, DocumentState.REVIEW)
    assert len(app.cloud.orders) == 1
    assert (await app.document(packet.id)).state is DocumentState.REVIEW


async def test_dropped_blank_pages_are_kept_and_sent_nowhere(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {guards: {blank_pages: drop}}\n")
    packet = await split(app)
    blank = (await pieces_of(packet, app.context))[-1]
    assert blank.plan is not None
    assert (blank.category, blank.pages, blank.plan.way) == ("blank", (4,), Way.BLANK)
    assert (blank.state, blank.deliveries) == (DocumentState.ROUTED, ())


async def test_a_locked_packet_waits_in_review_and_is_not_paid_for(app: InMemoryApp) -> None:
    packet = await app.submitted(name="mail.pdf", content=locked(), packet=True)
    assert packet.state is DocumentState.REVIEW
    assert "locked with a password" in packet.error
    assert app.cloud.orders == []
    assert [alert.kind for alert, _ in app.channel.told] == ["packet.held"]


NEVER = 99
"""More writes than a cut does: it dies after the last one, before its task is done."""


class CrashError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("at", range(1, 9))
async def test_a_crash_anywhere_cuts_the_same_pieces_once(app: InMemoryApp, at: int) -> None:
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    app.cloud.finish(packet.job_id, segments=WHOLE)
    await app.event(packet.job_id, "split.success")
    (react,) = await app.store.claim(owner="in-memory", now=app.now, lease_seconds=60)
    await process(react, app.context)
    await crash_at_write(app, at)
    await app.workers_die()
    await app.work()
    packet = await app.document(packet.id)
    await classify_all(app, packet)
    assert [item.pages for item in await pieces_of(packet, app.context)] == [(1, 2), (3, 4)]
    assert len(packet.cuts) == 1
    totals = await app.store.tally()
    assert (totals.received, totals.routed, totals.open) == (3, 3, 0)
    assert len({order.transaction_id for order in app.cloud.orders}) == 3


async def crash_at_write(app: InMemoryApp, at: int) -> None:
    """Works on the cut until its ``at``-th write to the store, which does not happen any more."""
    (task,) = await app.store.claim(owner="crashes", now=app.now, lease_seconds=60)
    assert task.kind == "cut"
    apply, writes = app.store.apply, 0

    async def dying(*given: Any) -> None:
        nonlocal writes
        writes += 1
        if writes >= at:
            raise CrashError
        await apply(*given)

    app.store.apply = dying  # type: ignore[method-assign]
    try:
        await cut(task, app.context)
    except CrashError:
        pass
    finally:
        app.store.apply = apply  # type: ignore[method-assign]


async def test_a_cut_that_ends_after_its_pieces_are_settled_still_says_what_it_held_and_left(app: InMemoryApp) -> None:
    """Its process died between the last piece and the end; others had settled the pieces before it was taken over."""
    content = with_file(packet_bytes(*LETTERS), "factur-x.xml")
    packet = await app.submitted(name="mail.pdf", content=content, packet=True)
    app.cloud.finish(packet.job_id, segments=segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await app.event(packet.job_id, "split.success")
    (react,) = await app.store.claim(owner="in-memory", now=app.now, lease_seconds=60)
    await process(react, app.context)
    await crash_at_write(app, NEVER)
    await app.work()
    packet = await app.document(packet.id)
    await classify_all(app, packet)
    assert [item.state for item in await pieces_of(packet, app.context)] == ["review", "routed"]
    assert (await app.document(packet.id)).state is DocumentState.OPEN
    await app.workers_die()
    await app.work()
    packet = await app.document(packet.id)
    assert (packet.state, packet.cuts[-1].files_left) == (DocumentState.REVIEW, ("factur-x.xml",))
    assert [(alert.kind, alert.subject) for alert, _ in app.channel.told] == [("packet.held", packet.id)]


async def test_the_same_happening_again_cuts_nothing_anew(app: InMemoryApp) -> None:
    packet = await split(app)
    await app.event(packet.job_id, "split.success", id="again")
    await app.work()
    assert len((await app.document(packet.id)).cuts) == 1
    assert len(await app.tasks("cut")) == 1


async def test_a_lost_split_event_is_found_by_the_sweep(app: InMemoryApp) -> None:
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    app.cloud.finish(packet.job_id, segments=WHOLE)
    app.later(601)
    assert (await sweep(app.context)).finished == 1
    await app.work()
    assert len((await app.document(packet.id)).pieces) == 2


async def test_a_failed_split_goes_the_way_of_failed(app: InMemoryApp) -> None:
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    app.cloud.finish(packet.job_id, JobStatus.FAILED, error="too crooked")
    await app.event(packet.job_id, "split.error")
    await app.work()
    after = await app.document(packet.id)
    assert (after.state, after.error) == (DocumentState.FAILED, "too crooked")


async def test_progress_events_change_nothing(app: InMemoryApp) -> None:
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    await app.event(packet.job_id, "split.processing")
    await app.work()
    assert await app.document(packet.id) == packet


async def test_a_thing_of_many_pages_is_met_by_a_row_that_asks_for_pages(app: InMemoryApp) -> None:
    long = "routes:\n  - {name: long, type: invoice, when: {min_pages: 3}, to: ['bytes://long/']}"
    app.use(ARCHIVED.replace("routes:", long))
    document = await app.routed("invoice", content=packet_bytes(*LETTERS))
    assert document.plan is not None
    assert (document.page_count, document.plan.route) == (4, "long")


async def test_a_parked_cut_is_resumed_where_it_was(app: InMemoryApp) -> None:
    from receiver.operations.replay import ReplayFilter, carry_out, foreseen

    app.context = replace(app.context, cutter=None)
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS))
    broken = replace(packet, packet=True, step=Step.SPLIT, page_count=4)
    from receiver.core.change import InsertIfAbsent, Replace
    from receiver.packets.cut import cut_task

    await app.store.apply(Replace(broken), InsertIfAbsent(cut_task(packet.id, because="job-1", now=app.now)))
    for _ in range(20):
        app.later(100_000)
        await app.work()
    (task,) = await app.tasks("cut")
    assert task.state is TaskState.PARKED
    held = await app.document(packet.id)
    assert held.state is DocumentState.REVIEW
    await carry_out(await foreseen(held, ReplayFilter(ids=(packet.id,)), app.context), app.context)
    assert (await app.document(packet.id)).step is Step.SPLIT


async def test_a_packet_that_is_blank_throughout_waits_in_review(app: InMemoryApp) -> None:
    app.use(BY_CATEGORY)
    packet = await split(app, segments(("uncategorized", (1, 2))), packet_bytes(a_page(""), a_page("")))
    assert (packet.state, packet.error) == (DocumentState.REVIEW, "its pages do not add up: every page is blank")
    assert (await app.store.tally()).routed == 0


async def test_a_packet_with_too_many_pages_waits_in_review_and_is_not_paid_for(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {guards: {max_packet_pages: 3}}\n")
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    assert packet.state is DocumentState.REVIEW
    assert packet.error == "the packet has 4 pages, more than guards.max_packet_pages 3"
    assert app.cloud.orders == []
    letter = await app.submitted(name="letter.pdf", content=packet_bytes(*LETTERS))
    assert letter.step is Step.SUBMITTED


async def test_embedded_files_that_no_piece_carries_are_named_on_the_packet(app: InMemoryApp) -> None:
    packet = await split(app, WHOLE, with_file(packet_bytes(*LETTERS), "factur-x.xml"))
    assert packet.cuts[-1].files_left == ("factur-x.xml",)
    assert "the embedded files factur-x.xml stay with the packet" in packet.history[-1].detail
    await classify_all(app, packet)
    assert app.bytes.requests[-1].manifest["files_left"] == ["factur-x.xml"]


async def test_a_piece_of_all_pages_carries_the_embedded_files(app: InMemoryApp) -> None:
    content = with_file(packet_bytes(*LETTERS), "factur-x.xml")
    packet = await split(app, segments(("invoice", (1, 2, 3, 4))), content)
    (piece,) = await pieces_of(packet, app.context)
    assert packet.cuts[-1].files_left == ()
    assert piece.sha256 == packet.sha256
