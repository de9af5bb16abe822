"""A person has documents classified again: the result is handled like a correction, and without one nothing moves."""

import asyncio
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver import show
from receiver.cli import mending
from receiver.core.change import Insert, Replace
from receiver.core.document import DeliveryState, Document, DocumentState, Receipt, Step
from receiver.core.errors import CloudRefused, DestinationBusy, DocumentRefused, NotAllowed
from receiver.core.job import JobStatus
from receiver.core.message_type import Meaning
from receiver.core.pages import BY_HAND, Segment
from receiver.core.plan import Way
from receiver.core.task import submission_of
from receiver.operations.expired_content import delete_content
from receiver.operations.failed_documents import RECLASSIFYING, Skipped, dismiss, replace_bytes, resubmit
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.mend_each import foreseen_reclassification, reclassify_each
from receiver.operations.reclassify import reclassify
from receiver.operations.replay import ReplayFilter, foreseen
from receiver.operations.sweep import sweep
from receiver.packets.correct import CutRequest, recut
from receiver.packets.pieces import pieces_of
from receiver.pipeline.job_failure import held_for
from receiver.pipeline.submit import submit
from tests.builders import a_document
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes
from tests.unit.alerting.test_alert import fail
from tests.unit.packets.test_packets import ARCHIVED, classify_all, segments, split

pytestmark = pytest.mark.anyio

OTHER_RULES = TABLE.replace("an agreement between two parties", "an agreement, also an unsigned one")


async def begun(app: InMemoryApp, document: Document, *, also_decided: bool = False) -> Document:
    """The document with its new job at LlamaCloud."""
    after = await reclassify(document.id, app.context, who="ann", also_decided=also_decided)
    assert not isinstance(after, Skipped), after.why
    await app.work()
    return await app.document(document.id)


async def answered(app: InMemoryApp, document: Document, type_: str | None, confidence: float = 0.95) -> Document:
    app.cloud.classified(document.job_id, type_, confidence)
    await app.event(document.job_id)
    await app.work()
    return await app.document(document.id)


async def refused(app: InMemoryApp, document: Document, *, also_decided: bool = False) -> str:
    """Why it is left as it is."""
    left = await reclassify(document.id, app.context, who="ann", also_decided=also_decided)
    assert isinstance(left, Skipped)
    assert await app.document(document.id) == document
    return left.why


def done(app: InMemoryApp) -> tuple[int, int]:
    """How many deliveries and messages were made."""
    return len(app.bytes.requests), len(app.words.requests)


def receipts(document: Document) -> dict[str, tuple[DeliveryState, Receipt | None, bool]]:
    return {item.id: (item.state, item.receipt, item.superseded) for item in document.deliveries}


async def test_a_new_job_asks_by_the_present_rules_and_the_same_type_delivers_nothing_again(app: InMemoryApp) -> None:
    before = await app.routed("invoice", 0.9)
    app.use(OTHER_RULES)
    made = done(app)
    asked = await begun(app, before)
    assert (asked.state, asked.submissions, len(app.cloud.uploads)) == (DocumentState.OPEN, 1, 1)
    assert (asked.type, asked.deliveries, asked.locations) == ("invoice", before.deliveries, before.locations)
    first, second = app.cloud.orders
    assert first.transaction_id != second.transaction_id
    assert "unsigned" in str(second.configuration)
    after = await answered(app, asked, "invoice", 0.97)
    assert (after.state, receipts(after), done(app)) == (DocumentState.ROUTED, receipts(before), made)
    assert (after.classification.confidence if after.classification else None) == 0.97
    assert show.document_whole(after)["said_before"] == [
        {"type": "invoice", "confidence": 0.9, "reasoning": "it says so", "job_id": before.job_id,
         "until": show.moment(app.now)}
    ]  # fmt: skip
    requested = [entry.detail for entry in after.history if entry.what == "reclassification requested"]
    assert requested == ["by ann; before: routed, invoice 0.90, matched invoice"]
    assert {job.id for job in await app.jobs(after)} == {before.job_id, after.job_id}


async def test_another_type_is_a_correction_that_each_consumer_is_told_once(app: InMemoryApp) -> None:
    before = await app.routed("invoice")
    after = await answered(app, await begun(app, before), "contract")
    assert (after.state, after.type) == (DocumentState.ROUTED, "contract")
    assert [item.meaning for item in app.words.requests] == [Meaning.ROUTED, Meaning.SUPERSEDED]
    assert [item.meaning for item in app.bytes.requests] == [Meaning.ROUTED, Meaning.CORRECTED]
    assert list(app.bytes.superseded) == [before.locations[0]]
    back = await answered(app, await begun(app, after), "invoice")
    assert [item.meaning for item in app.words.requests][2:] == [Meaning.CORRECTED]
    assert [item.classification.type for item in back.earlier_results] == ["invoice", "contract"]


async def test_one_in_review_is_routed_and_one_below_the_confidence_goes_into_review(app: InMemoryApp) -> None:
    before = await app.routed("invoice", 0.5)
    assert before.state is DocumentState.REVIEW
    after = await answered(app, await begun(app, before), "invoice", 0.95)
    assert (after.state, done(app)) == (DocumentState.ROUTED, (1, 1))
    again = await answered(app, await begun(app, after), "invoice", 0.4)
    assert (again.state, again.plan.way if again.plan else None) == (DocumentState.REVIEW, Way.LOW_CONFIDENCE)
    assert [item.meaning for item in app.words.requests][1:] == [Meaning.SUPERSEDED]


async def test_a_second_request_while_the_first_is_under_way_does_nothing(app: InMemoryApp, tmp_path: Path) -> None:
    document = await begun(app, await app.routed("invoice"))
    assert await refused(app, document, also_decided=True) == RECLASSIFYING
    for other in (resubmit(document.id, app.context, who="bob"), dismiss(document.id, "x", app.context, who="bob")):
        left = await other
        assert isinstance(left, Skipped)
        assert left.why == RECLASSIFYING
    (tmp_path / "new.pdf").write_bytes(packet_bytes(a_page("new")))
    with pytest.raises(NotAllowed, match=RECLASSIFYING):
        await replace_bytes(document.id, tmp_path / "new.pdf", app.context, who="bob")
    with pytest.raises(NotAllowed, match="has not returned its result yet"):
        await route_by_hand(document.id, RoutingDecision(type="contract"), app.context)
    assert (await foreseen(document, ReplayFilter(ids=(document.id,)), app.context)).action == "nothing"
    assert await app.document(document.id) == document
    assert len(app.cloud.orders) == 2


async def test_two_at_once_make_one_job(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    both = await asyncio.gather(*(reclassify(document.id, app.context, who=who) for who in ("ann", "bob")))
    assert sorted(isinstance(item, Skipped) for item in both) == [False, True]
    await app.work()
    assert len(app.cloud.orders) == 2


async def test_a_persons_decision_is_left_by_name_unless_it_is_asked_for(app: InMemoryApp) -> None:
    typed, routed, undone = [await app.routed("invoice", name=name, content=name.encode()) for name in "abc"]
    await route_by_hand(typed.id, RoutingDecision(type="contract", who="ann"), app.context)
    await route_by_hand(routed.id, RoutingDecision(to="contract", who="bob"), app.context)
    await route_by_hand(undone.id, RoutingDecision(to="contract", who="eve"), app.context)
    await app.work()
    await route_by_hand(undone.id, RoutingDecision(undo=True, who="eve"), app.context)
    await app.work()
    typed, routed, undone = [await app.document(item.id) for item in (typed, routed, undone)]
    assert await refused(app, typed) == "left as ann decided on 2027-01-15: set the type to contract"
    assert await refused(app, routed) == "left as bob decided on 2027-01-15: chose route contract"
    assert (await answered(app, await begun(app, undone), "invoice")).state is DocumentState.ROUTED
    asked = await begun(app, typed, also_decided=True)
    assert asked.type == "contract", "until there is a result, the person's type counts"
    after = await answered(app, asked, "invoice")
    assert (after.type, after.corrected_type, after.state) == ("invoice", "", DocumentState.ROUTED)
    assert [item.who for item in after.decisions] == ["ann"]
    with pytest.raises(NotAllowed, match="no decision that can be undone"):
        await route_by_hand(after.id, RoutingDecision(undo=True), app.context)
    assert (await begun(app, after)).state is DocumentState.OPEN, "LlamaCloud's result counts again"


async def test_a_dismissed_document_and_one_corrected_by_an_earlier_release_are_left(app: InMemoryApp) -> None:
    failed = await fail(app, "a.pdf")
    await dismiss(failed, "nobody needs it", app.context, who="ann")
    await app.work()
    assert await refused(app, await app.document(failed)) == "left as ann decided on 2027-01-15: dismissed it"
    document = await app.routed("invoice", content=b"older")
    assert document.plan is not None
    older = replace(document, plan=replace(document.plan, way=Way.BY_HAND))
    await app.store.apply(Replace(older))
    assert await refused(app, await app.document(older.id)) == "left as a person decided"


async def test_what_cannot_be_reclassified_is_refused_by_name(app: InMemoryApp) -> None:
    known: list[tuple[str, dict[str, Any]]] = [
        ("its content was removed by retention: submit it again", {"forgotten_at": 1.0, "state": DocumentState.ROUTED}),
        ("a mail is not classified: reclassify its documents", {"mail": True, "state": DocumentState.ROUTED}),
        ("it is withdrawn: its pages are in other pieces of its packet", {"state": DocumentState.WITHDRAWN}),
        ("it is being processed", {}),
    ]  # fmt: skip
    for number, (why, fields) in enumerate(known):
        await app.store.apply(Insert(a_document(id=f"doc-{number}", **fields)))
        assert await refused(app, await app.document(f"doc-{number}"), also_decided=True) == why


async def test_what_waits_for_a_person_without_a_result_is_left(app: InMemoryApp) -> None:
    app.use(TABLE + "resubmit: {times: 0}\n")
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.CANCELLED, error="stopped by its owner")
    await app.event(document.job_id)
    await app.work()
    document = await app.document(document.id)
    why = f"it has no result yet: stopped by its owner; mailroom resubmit {document.id} submits it all the same"
    assert await refused(app, document, also_decided=True) == why


async def test_a_piece_whose_pages_nobody_has_confirmed_is_left_also_after_an_undo(app: InMemoryApp) -> None:
    app.use(ARCHIVED)
    packet = await split(app, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    doubted, _ = await pieces_of(packet, app.context)
    assert (doubted.state, doubted.plan) == (DocumentState.REVIEW, None)
    assert "confidence in this piece is low" in await refused(app, doubted, also_decided=True)
    await route_by_hand(doubted.id, RoutingDecision(to="contract", who="ann"), app.context)
    await app.work()
    await route_by_hand(doubted.id, RoutingDecision(undo=True, who="ann"), app.context)
    await app.work()
    doubted = await app.document(doubted.id)
    assert doubted.plan is not None
    assert "it has no result yet" in await refused(app, doubted, also_decided=True)


async def test_a_late_result_of_an_earlier_new_job_does_not_count(app: InMemoryApp) -> None:
    document = await begun(app, await app.routed("invoice"))
    (given_up,) = [item for item in await app.jobs(document) if item.id == document.job_id]
    await app.store.apply(*await held_for(given_up, CloudRefused("403"), app.context))
    app.use(OTHER_RULES)
    again = await reclassify(document.id, app.context, who="bob")
    assert not isinstance(again, Skipped)
    app.cloud.classified(given_up.id, "contract")
    await app.event(given_up.id)
    await app.do((await app.tasks("react"))[-1].id)
    assert await app.document(document.id) == again, "it waits for the job that asks by the present rules"
    await app.work()
    after = await answered(app, await app.document(document.id), "invoice")
    assert (after.type, after.state, len(app.cloud.orders)) == ("invoice", DocumentState.ROUTED, 3)


async def test_a_delivery_that_failed_is_repeated_first(app: InMemoryApp) -> None:
    app.bytes.broken = DocumentRefused("not today")
    document = await app.routed("invoice")
    why = await refused(app, document, also_decided=True)
    assert why == f"its delivery to bytes://invoices/ failed; mailroom replay {document.id} repeats that first"


async def test_a_copy_that_is_marked_meanwhile_says_why_it_was_superseded(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, mark = await app.routed("invoice"), app.bytes.mark
    monkeypatch.setattr(app.bytes, "mark", AsyncMock(side_effect=DestinationBusy("503")))
    await route_by_hand(document.id, RoutingDecision(type="contract", who="ann"), app.context)
    await app.work()
    await begun(app, document, also_decided=True)
    marked = AsyncMock(side_effect=mark)
    monkeypatch.setattr(app.bytes, "mark", marked)
    app.later(3600.0)
    await app.work()
    said = marked.await_args_list[-1].args[0].superseded
    assert said["reason"] == "ann set the type to contract"


async def test_of_a_packet_the_pieces_are_reclassified(app: InMemoryApp) -> None:
    app.use(ARCHIVED)
    packet = await split(app)
    await classify_all(app, packet)
    packet = await app.document(packet.id)
    assert "mailroom recut" in await refused(app, packet)
    first, _ = await pieces_of(packet, app.context)
    asked = await begun(app, first)
    assert (await app.document(packet.id)).state is DocumentState.OPEN
    after = await answered(app, asked, "contract")
    assert (after.state, (await app.document(packet.id)).state) == (DocumentState.ROUTED, DocumentState.ROUTED)


async def test_the_price_is_that_of_those_that_would_be_reclassified(app: InMemoryApp) -> None:
    content = packet_bytes(a_page("one"), a_page("two"))
    fine, decided = await app.routed("invoice", content=content), await app.routed("invoice", content=b"other")
    await route_by_hand(decided.id, RoutingDecision(type="contract", who="ann"), app.context)
    await app.work()
    ids = [fine.id, decided.id]
    found = (await foreseen_reclassification(ids, app.context)).shown()
    assert (found["wanted"], found["price"]) == (1, "2 pages, about 2 credits")
    assert [item["why_not"] is None for item in found["documents"]] == [True, False]
    assert (await foreseen_reclassification(ids, app.context, also_decided=True)).shown()["wanted"] == 2
    assert len(app.cloud.orders) == 2
    results = [item async for item in reclassify_each([*ids, "doc-none"], app.context, who="ann")]
    assert [item.why for item in results] == [
        "", "left as ann decided on 2027-01-15: set the type to contract",
        next(item.why for item in results if item.document is None),
    ]  # fmt: skip


async def test_its_bytes_are_not_forgotten_meanwhile(app: InMemoryApp) -> None:
    app.use(TABLE + "retention: {content_days: 30}\n")
    other = await app.routed("invoice", content=b"other")
    document = await begun(app, await app.routed("invoice"))
    app.later(400 * 86400.0)
    await delete_content(app.context)
    assert (await app.document(other.id)).forgotten_at is not None
    assert (await app.document(document.id)).forgotten_at is None
    assert (await answered(app, document, "invoice")).state is DocumentState.ROUTED


async def test_a_job_that_failed_in_passing_is_repeated_and_then_the_old_place_stays(app: InMemoryApp) -> None:
    app.use(TABLE + "resubmit: {times: 2}\n")
    before = await app.routed("invoice")
    asked = await begun(app, before)
    for error in ("Internal error, please try again", "damaged"):
        app.cloud.finish(asked.job_id, JobStatus.FAILED, error=error)
        await app.event(asked.job_id, "classify.error")
        await app.work()
        asked = await app.document(before.id)
        assert asked.deliveries == before.deliveries
    assert (asked.state, asked.plan, asked.submissions) == (DocumentState.ROUTED, before.plan, 2)
    assert show.reason(asked) == "it could not be reclassified: damaged"
    assert len(await app.jobs(asked)) == 3
    assert [item.kind for item in await app.incidents()] == ["job.failed"]
    after = await answered(app, await begun(app, asked), "contract")
    assert (after.error, after.type) == ("", "contract")


async def test_a_piece_that_a_new_cut_withdraws_meanwhile_stays_withdrawn(app: InMemoryApp) -> None:
    app.use(ARCHIVED)
    packet = await split(app)
    await classify_all(app, packet)
    first, second = await pieces_of(await app.document(packet.id), app.context)
    cut = [Segment(category="invoice", pages=pages, confidence=BY_HAND) for pages in ((1,), (2,), (3, 4))]
    await recut(packet.id, CutRequest(pieces=tuple(cut), who="ann"), app.context)
    jobs = len(app.cloud.by_transaction)
    for piece in (first, second):
        assert not isinstance(await reclassify(piece.id, app.context, who="bob"), Skipped)
    await app.work()
    for job_id in [*app.cloud.by_transaction.values()][jobs:]:
        app.cloud.classified(job_id, "contract")
        await app.event(job_id)
    await app.work()
    first, second, packet = [await app.document(item.id) for item in (first, second, packet)]
    assert (first.state, first.set_aside) == (DocumentState.WITHDRAWN, None)
    assert (second.state, second.type, second.set_aside) == (DocumentState.ROUTED, "invoice", None)
    assert (packet.state, (await app.store.tally()).balanced) == (DocumentState.ROUTED, True)


def test_the_command_says_the_price_first_and_does_nothing_without_a_yes(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packet_bytes(a_page("one"), a_page("two"))
    document = asyncio.run(app.routed("invoice", content=content))
    with terminal(app, TABLE, monkeypatch):
        dry = run("mailroom reclassify --search type:invoice --dry-run")
        assert (dry.exit_code, "would be reclassified" in dry.output) == (0, True)
        assert "2 pages, about 2 credits; dry run: nothing was written" in dry.output
        monkeypatch.setattr(mending, "at_a_terminal", lambda: False)
        unasked = run(f"mailroom reclassify {document.id}")
        assert (unasked.exit_code, "--yes" in unasked.output) == (2, True)
        assert run("mailroom reclassify").exit_code == 2
        assert asyncio.run(app.document(document.id)) == document
        sent = run(f"mailroom reclassify {document.id} --yes")
        assert (sent.exit_code, "1 of 1 documents will be reclassified: 2 pages" in sent.output) == (0, True)
        assert asyncio.run(app.document(document.id)).state is DocumentState.OPEN
        again = run(f"mailroom reclassify {document.id} --yes --json")
        assert (again.exit_code, "it is being reclassified" in again.output) == (1, True)
        asyncio.run(app.work())
        asyncio.run(answered(app, asyncio.run(app.document(document.id)), "contract"))
        shown = run(f"mailroom documents {document.id}").output
        assert "LlamaCloud said contract 0.95" in shown
        assert re.search(r"before it was reclassified on .*Z: invoice 0\.95", shown)


# --- whatever becomes of the new job

STARTS = ("routed", "review", "no_match", "by_hand", "failed")
ENDS = ("same", "other", "failed", "cancelled", "gone", "empty", "refused", "stuck")
SUBMITTED = ("at once", "worker dies", "event first")
NEWS = st.lists(st.sampled_from(["event", "old event", "sweep", "crash", "twice"]), max_size=5)


async def settled(app: InMemoryApp, start: str) -> Document:
    """A document that was settled in this way."""
    if start == "failed":
        return await app.document(await fail(app, "a.pdf"))
    document = await app.routed({"no_match": None}.get(start, "invoice"), 0.5 if start == "review" else 0.9)
    if start == "by_hand":
        await route_by_hand(document.id, RoutingDecision(type="contract", who="ann"), app.context)
        await app.work()
    return await app.document(document.id)


def end(app: InMemoryApp, document: Document, how: str) -> None:
    """LlamaCloud ends the job in this way."""
    job_id = document.job_id
    if job_id not in app.cloud.reports or app.cloud.reports[job_id].status.final:
        return
    if how in ("same", "other"):
        app.cloud.classified(job_id, "invoice" if how == "same" else "contract", 0.9)
    elif how in ("failed", "cancelled"):
        app.cloud.finish(job_id, JobStatus(how), error="damaged")
    elif how == "gone":
        del app.cloud.reports[job_id]
    elif how == "empty":
        app.cloud.finish(job_id)


class OneReclassification:
    """One document, whose job ends in some way that is told, or not, in some order."""

    def __init__(self, folder: Path) -> None:
        self.app = InMemoryApp(folder)

    async def run(self, start: str, how: str, submitted: str, news: list[str]) -> None:
        app = self.app
        before = await settled(app, start)
        made, jobs = done(app), len(app.cloud.by_transaction)
        if how == "refused":
            app.cloud.refuse_create = DocumentRefused("too many pages")
        if how == "refused" or submitted == "at once":
            asked = await begun(app, before, also_decided=True)
        else:
            asked = await self._submitter_dies(before, how if submitted == "event first" else "")
        if asked.state is DocumentState.OPEN:
            assert asked.deliveries == before.deliveries
            end(app, asked, how)
            for each in (*news, "sweep"):
                await self._hear(each, before, asked)
        await self._comes_to_rest(before, how)
        assert len(app.cloud.by_transaction) == jobs + (how != "refused"), "one job is made, and paid for"
        assert (await app.store.tally()).balanced
        after = await app.document(before.id)
        came_to_nothing = how not in ("same", "other")
        if came_to_nothing:
            assert done(app) == made
            self._kept_its_place(before, after)
        else:
            self._has_the_result(before, after, "invoice" if how == "same" else "contract")
        assert len({(item.url, item.delivery_id) for item in app.words.requests}) == len(app.words.requests)

    async def _submitter_dies(self, before: Document, how: str) -> Document:
        """The job is created, and the worker dies before it writes that. ``how`` the job ends meanwhile, if it does."""
        app = self.app
        after = await reclassify(before.id, app.context, who="ann", also_decided=True)
        assert not isinstance(after, Skipped)
        task_id = submission_of(after, now=app.now).id
        (task,) = await app.store.claim(owner="who dies", now=app.now, lease_seconds=60, ids=[task_id])
        await submit(task, app.context)
        if how:
            job_id = [*app.cloud.by_transaction.values()][-1]
            end(app, replace(after, job_id=job_id), how)
            await app.event(job_id)
            await app.work()
        await app.workers_die()
        await app.work()
        return await app.document(before.id)

    async def _hear(self, what: str, before: Document, asked: Document) -> None:
        app = self.app
        match what:
            case "event" | "twice":
                for number in range(2 if what == "twice" else 1):
                    await app.event(asked.job_id, id=f"evt-{app.now}-{number}")
            case "old event":
                await app.event(before.job_id, id=f"old-{app.now}")
            case "crash":
                await app.store.claim(owner="who dies", now=app.now, lease_seconds=60, limit=50)
                await app.workers_die()
            case _:
                await sweep(app.context)
        app.later(7.0)
        if what != "crash":
            await app.work()

    async def _comes_to_rest(self, before: Document, how: str) -> None:
        """Long enough for the sweep to ask about the job, and to give up one that is stuck."""
        for _ in range(40):
            self.app.later(1200.0)
            await sweep(self.app.context)
            await self.app.work()
            if (await self.app.document(before.id)).state is not DocumentState.OPEN:
                return
        raise AssertionError(f"it is never settled: {how}")

    def _kept_its_place(self, before: Document, after: Document) -> None:
        kept = ("state", "step", "plan", "deliveries", "classification", "corrected_type", "decisions", "type")
        assert {name: getattr(after, name) for name in kept} == {name: getattr(before, name) for name in kept}
        assert (after.set_aside, after.earlier_results, after.job_id) == (None, (), before.job_id)
        assert after.error.startswith("it could not be reclassified: ")
        assert "not reclassified" in [entry.what for entry in after.history]

    def _has_the_result(self, before: Document, after: Document, type_: str) -> None:
        assert (after.state, after.step, after.type) == (DocumentState.ROUTED, Step.SETTLED, type_)
        assert (after.set_aside, after.error) == (None, "")
        assert [item.classification for item in after.earlier_results] == (
            [before.classification] if before.classification else []
        )
        there = [{item.receipt.location for item in each.copies if item.receipt} for each in (before, after)]
        assert there[0] <= there[1], "no receipt is dropped"


@settings(max_examples=40)
@given(start=st.sampled_from(STARTS), how=st.sampled_from(ENDS), submitted=st.sampled_from(SUBMITTED), news=NEWS)
def test_a_job_without_a_result_moves_nothing_and_one_with_a_result_moves_it_once(
    start: str, how: str, submitted: str, news: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(OneReclassification(Path(folder)).run(start, how, submitted, news))
