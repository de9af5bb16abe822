"""A person puts a document right, whatever became of it, and takes that back; LlamaCloud's word stays beside it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import show
from receiver.core.change import Replace
from receiver.core.decision import KEPT, UNDOABLE, Choice, Decision, to_undo, undoable, with_decision
from receiver.core.document import Classification, DeliveryState, Document, DocumentState, HistoryEntry, Step
from receiver.core.effects import Effect, effects_of
from receiver.core.errors import Conflict, DeliveryConflict, DestinationBusy, Malformed, NotAllowed
from receiver.core.follow_up import mark_task
from receiver.core.job import JobStatus
from receiver.core.manifest import manifest
from receiver.core.message_type import Meaning
from receiver.core.plan import Plan, Way
from receiver.core.task import Task
from receiver.operations.bulk_correction import DocumentSelection, correct_each, selected_ids
from receiver.operations.failed_documents import Skipped, dismiss, resubmit
from receiver.operations.manual_routing import RoutingDecision, foreseen_correction, route_by_hand
from receiver.packets.correct import CutRequest, read_piece, recut
from receiver.packets.pieces import pieces_of
from receiver.pipeline.supersede import supersede
from receiver.store import codec
from tests.builders import NOW, a_document
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes
from tests.unit.alerting.test_alert import fail
from tests.unit.packets.test_packets import ARCHIVED, classify_all, split

pytestmark = pytest.mark.anyio

QUEUED = TABLE.replace('to: ["bytes://contracts/"]', 'to: ["bytes://contracts/", "words://contracts"]')
CONTRACT = RoutingDecision(type="contract", who="ann", why="it has signatures")
UNDO = RoutingDecision(undo=True, who="bob")


async def correct(app: InMemoryApp, document: Document, word: RoutingDecision) -> Document:
    await route_by_hand(document.id, word, app.context)
    await app.work()
    return await app.document(document.id)


def told(app: InMemoryApp, *, since: int = 0) -> list[tuple[str, Meaning]]:
    return sorted((item.url, item.meaning) for item in app.words.requests[since:])


async def test_llamaclouds_word_stays_beside_the_persons(app: InMemoryApp) -> None:
    before = await app.routed("invoice", 0.93)
    after = await correct(app, before, CONTRACT)
    assert after.classification == before.classification
    assert (after.type, after.corrected_type) == ("contract", "contract")
    (decision,) = after.decisions
    assert (decision.who, decision.at, decision.choice, decision.value) == ("ann", NOW, Choice.TYPE, "contract")
    assert (decision.why, decision.before) == ("it has signatures", "routed, invoice 0.93, matched invoice")
    shown = show.document_whole(after)
    assert (shown["type"], shown["corrected_by"], shown["said"]["type"]) == ("contract", "ann", "invoice")
    assert (shown["said"]["confidence"], shown["said"]["reasoning"]) == (0.93, "it says so")
    assert shown["decisions"][0]["text"] == "set the type to contract"
    assert after.state is DocumentState.ROUTED


async def test_manifest_and_messages_say_both(app: InMemoryApp) -> None:
    app.use(QUEUED)
    await correct(app, await app.routed("invoice", 0.93), CONTRACT)
    stored, message = app.bytes.requests[-1].manifest, app.words.requests[-1].manifest
    assert stored["classification"]["type"] == message["classification"]["type"] == "contract"
    assert stored["classification"]["corrected_by"] == "ann"
    assert stored["llamacloud"]["classification"] == {"type": "invoice", "confidence": 0.93, "reasoning": "it says so"}
    (decision,) = stored["decisions"]
    assert (decision["who"], decision["decided"], decision["value"]) == ("ann", "type", "contract")
    assert decision["why"] == "it has signatures"


async def test_consumers_are_told_of_the_correction_and_of_its_undo(app: InMemoryApp) -> None:
    app.use(QUEUED)
    routed = await app.routed("invoice")
    assert told(app) == [("words://invoices", Meaning.ROUTED)]
    corrected = await correct(app, routed, CONTRACT)
    assert told(app, since=1) == [("words://contracts", Meaning.CORRECTED), ("words://invoices", Meaning.SUPERSEDED)]
    undone = await correct(app, corrected, UNDO)
    assert told(app, since=3) == [("words://contracts", Meaning.SUPERSEDED), ("words://invoices", Meaning.CORRECTED)]
    assert (undone.type, undone.corrected_type, undone.state) == ("invoice", "", DocumentState.ROUTED)
    assert undone.plan is not None
    assert routed.plan is not None
    assert replace(undone.plan, decided_at=routed.plan.decided_at) == routed.plan
    assert [item.choice for item in undone.decisions] == [Choice.TYPE, Choice.UNDO]
    by_hand = [entry.detail for entry in undone.history if entry.what == "routed by hand"]
    assert by_hand[-1].startswith("bob: undid that ann set the type to contract; before: routed, contract 1.00")
    ids = [item.delivery_id for item in app.words.requests]
    assert len(set(ids)) == len(ids)


async def _routed(app: InMemoryApp) -> Document:
    return await app.routed("invoice")


async def _in_review(app: InMemoryApp) -> Document:
    return await app.routed("invoice", 0.5)


async def _failed(app: InMemoryApp) -> Document:
    return await app.document(await fail(app, "a.pdf"))


async def _dismissed(app: InMemoryApp) -> Document:
    document = await _failed(app)
    await dismiss(document.id, "an advertisement", app.context, who="eve")
    await app.work()
    return await app.document(document.id)


async def _refused_by_its_place(app: InMemoryApp) -> Document:
    app.bytes.broken = DestinationBusy("503")
    document = await app.routed("invoice")
    while document.state is DocumentState.OPEN:
        app.later(30_000)
        await app.work()
        document = await app.document(document.id)
    app.bytes.broken = None
    return document


async def _without_any_result(app: InMemoryApp) -> Document:
    document = await app.submitted()
    await app.store.apply(
        Replace(replace(document, state=DocumentState.REVIEW, step=Step.SETTLED, error="nobody knows what it is"))
    )
    return await app.document(document.id)


@pytest.mark.parametrize("made", [_routed, _in_review, _failed, _dismissed, _refused_by_its_place, _without_any_result])
async def test_a_document_in_any_final_state_is_corrected_and_goes_back(
    made: Callable[[InMemoryApp], Awaitable[Document]], app: InMemoryApp
) -> None:
    before = await made(app)
    corrected = await correct(app, before, CONTRACT)
    assert (corrected.state, corrected.type) == (DocumentState.ROUTED, "contract")
    assert corrected.stored is not None
    assert corrected.stored.location == f"bytes://contracts/{before.id}/{before.name}"
    undone = await correct(app, corrected, UNDO)
    if made is _refused_by_its_place:
        assert undone.state is DocumentState.ROUTED, "its place takes it now"
    else:
        assert (undone.state, show.reason(undone)) == (before.state, show.reason(before))
    assert (undone.type, undone.classification) == (before.type, before.classification)
    assert (await app.store.tally()).balanced


async def test_a_document_that_waited_without_a_result_waits_again_and_can_be_resubmitted(app: InMemoryApp) -> None:
    held = await _without_any_result(app)
    undone = await correct(app, await correct(app, held, CONTRACT), UNDO)
    assert undone.plan is not None
    assert (undone.state, undone.plan.way) == (DocumentState.REVIEW, Way.UNDECIDED)
    again = await resubmit(held.id, app.context, who="ann")
    assert not isinstance(again, Skipped)
    assert undoable(again.decisions) is None, "it gets another result"
    assert len(again.decisions) == 2


async def test_a_dismissal_is_a_decision_and_can_be_undone(app: InMemoryApp) -> None:
    dismissed = await _dismissed(app)
    assert [(item.who, item.choice, item.why) for item in dismissed.decisions] == [
        ("eve", Choice.DISMISS, "an advertisement")
    ]
    undone = await correct(app, dismissed, UNDO)
    assert undone.plan is not None
    assert (undone.state, undone.plan.way) == (DocumentState.FAILED, Way.FAILED)


async def test_while_it_is_worked_on_the_refusal_says_what_is_done_and_until_when(app: InMemoryApp) -> None:
    waits = await app.submitted()
    with pytest.raises(NotAllowed, match=r"LlamaCloud has not returned its result yet; .* by 2027-01-15 08:10Z"):
        await route_by_hand(waits.id, CONTRACT, app.context)
    app.bytes.broken = DestinationBusy("503")
    app.cloud.classified(waits.job_id, "invoice")
    await app.event(waits.job_id)
    await app.work()
    with pytest.raises(NotAllowed, match="it is being delivered to bytes://invoices/, words://invoices"):
        await route_by_hand(waits.id, CONTRACT, app.context)


async def test_undo_goes_back_step_by_step_and_says_when_nothing_is_left(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    for word in (CONTRACT, RoutingDecision(to="no_match", who="ann"), UNDO):
        document = await correct(app, document, word)
    assert (document.type, document.plan and document.plan.route) == ("contract", "contract")
    document = await correct(app, document, UNDO)
    assert (document.type, document.plan and document.plan.way) == ("invoice", Way.MATCHED)
    assert [item.undoes for item in document.decisions] == [0, 0, 2, 1]
    with pytest.raises(NotAllowed, match="has no decision that can be undone"):
        await route_by_hand(document.id, UNDO, app.context)


async def test_a_preview_writes_nothing_and_names_every_place(app: InMemoryApp) -> None:
    app.use(QUEUED)
    document = await app.routed("invoice")
    preview = await foreseen_correction(document.id, CONTRACT, app.context)
    assert [(item.effect, item.place, item.meaning) for item in preview.effects] == [
        (Effect.DELIVER, f"bytes://contracts/{document.id}/{document.name}", None),
        (Effect.NOTIFY, "words://contracts", Meaning.CORRECTED),
        (Effect.WITHDRAW, "words://invoices", Meaning.SUPERSEDED),
        (Effect.SUPERSEDE, f"bytes://invoices/{document.id}/{document.name}", None),
    ]
    assert await app.document(document.id) == document
    sent = len(app.words.requests)
    after = await correct(app, document, CONTRACT)
    assert len(app.words.requests) == sent + 2
    back = await foreseen_correction(document.id, UNDO, app.context)
    assert (Effect.KEEP, f"bytes://invoices/{document.id}/{document.name}") in [
        (item.effect, item.place) for item in back.effects
    ]
    with pytest.raises(Conflict):
        await route_by_hand(document.id, replace(UNDO, version=after.version - 1), app.context)


async def test_an_old_copy_is_shown_as_superseded(app: InMemoryApp) -> None:
    after = await correct(app, await app.routed("invoice"), CONTRACT)
    shown = {item["location"]: item["superseded"] for item in show.document(after)["deliveries"]}
    assert shown[f"bytes://contracts/{after.id}/{after.name}"] is False
    assert shown[f"bytes://invoices/{after.id}/{after.name}"] is True


async def test_the_manifest_of_an_old_copy_says_so_until_it_counts_again(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    old, new = (f"bytes://{name}/{document.id}/{document.name}" for name in ("invoices", "contracts"))
    corrected = await correct(app, document, CONTRACT)
    assert app.bytes.superseded == {old: [new]}
    assert {item.place: bool(item.mark) for item in corrected.copies} == {old: True, new: False}
    await correct(app, document, UNDO)
    assert app.bytes.superseded == {new: [old]}


async def test_the_manifests_of_all_old_copies_name_the_place_that_counts_now(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    rows = ("invoices", "contracts", "unsorted")
    first, second, third = (f"bytes://{row}/{document.id}/{document.name}" for row in rows)
    await correct(app, document, CONTRACT)
    await correct(app, document, RoutingDecision(to="no_match", who="ann"))
    assert app.bytes.superseded == {first: [third], second: [third]}


async def test_the_manifest_of_an_old_copy_waits_until_the_new_place_has_the_document(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await app.routed("invoice")
    old, new = (f"bytes://{name}/{document.id}/{document.name}" for name in ("invoices", "contracts"))
    with monkeypatch.context() as patch:
        patch.setattr(app.bytes, "deliver", AsyncMock(side_effect=DestinationBusy("503")))
        await correct(app, document, CONTRACT)
    assert app.bytes.superseded == {}
    app.later(60)
    await app.work()
    assert app.bytes.superseded == {old: [new]}


async def test_an_undo_stores_a_copy_again_that_was_removed_meanwhile(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    old = f"bytes://invoices/{document.id}/{document.name}"
    await correct(app, document, CONTRACT)
    data, deliveries = app.bytes.objects.pop(old), len(app.bytes.requests)
    foreseen = await foreseen_correction(document.id, UNDO, app.context)
    assert old in {item.place for item in effects_of(foreseen.after) if item.effect is Effect.KEEP}
    undone = await correct(app, document, UNDO)
    assert undone.state is DocumentState.ROUTED
    assert app.bytes.objects[old] == data
    assert [item.url for item in app.bytes.requests[deliveries:]] == [old]


async def test_an_undo_meets_something_else_at_its_place_as_a_conflict(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    await correct(app, document, CONTRACT)
    app.bytes.deliver = AsyncMock(side_effect=DeliveryConflict("holds something else"))  # type: ignore[method-assign]
    undone = await correct(app, document, UNDO)
    assert undone.state is DocumentState.REVIEW
    assert [item.state for item in undone.holders] == [DeliveryState.CONFLICT]


async def test_a_mark_that_is_overtaken_by_an_undo_is_taken_back(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    old = f"bytes://invoices/{document.id}/{document.name}"
    corrected = await correct(app, document, CONTRACT)
    copy = next(item for item in corrected.copies if item.place == old)
    task = mark_task(copy, corrected, now=NOW).record
    unmarked = replace(
        corrected, deliveries=tuple(replace(item, mark="") if item == copy else item for item in corrected.deliveries)
    )
    await app.store.apply(Replace(unmarked))
    assert isinstance(task, Task)
    slow = await supersede(task, app.context)  # it has marked the copy, and recorded nothing yet
    await correct(app, document, UNDO)
    assert slow.change is not None
    await app.store.apply(*await slow.change())
    await app.work()
    assert old not in app.bytes.superseded


async def test_a_copy_that_cannot_be_marked_now_is_marked_later_and_holds_nothing_up(app: InMemoryApp) -> None:
    app.use(TABLE.replace('["bytes://contracts/"]', '["words://contracts"]'))
    document = await app.routed("invoice")
    app.bytes.broken = DestinationBusy("503")
    assert (await correct(app, document, CONTRACT)).state is DocumentState.ROUTED
    assert app.bytes.superseded == {}
    app.bytes.broken = None
    app.later(60)
    await app.work()
    assert len(app.bytes.superseded) == 1


async def test_a_corrected_piece_of_a_settled_packet_settles_it_again(app: InMemoryApp) -> None:
    app.use(ARCHIVED)
    packet = await split(app)
    await classify_all(app, packet)
    first, _ = await pieces_of(packet, app.context)
    assert (await app.document(packet.id)).state is DocumentState.ROUTED
    app.bytes.broken = DestinationBusy("503")
    await route_by_hand(first.id, CONTRACT, app.context)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.OPEN
    app.bytes.broken = None
    app.later(60)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.ROUTED
    undone = await correct(app, first, UNDO)
    assert (undone.type, (await app.document(packet.id)).state) == ("invoice", DocumentState.ROUTED)
    with pytest.raises(NotAllowed, match="because of its pieces"):
        await route_by_hand(packet.id, CONTRACT, app.context)


async def test_what_llamacloud_said_of_a_document_that_is_cut_afterwards_is_kept(app: InMemoryApp) -> None:
    app.use(ARCHIVED)
    document = await app.routed("invoice", 0.93, content=packet_bytes(a_page("one"), a_page("two")))
    await recut(document.id, CutRequest(pieces=(read_piece("1=contract"), read_piece("2=invoice"))), app.context)
    await app.work()
    packet = await app.document(document.id)
    assert (packet.classification, packet.effective, packet.type) == (document.classification, None, None)
    assert (packet.state, packet.plan and packet.plan.way) == (DocumentState.ROUTED, Way.PACKET)
    assert show.document_whole(packet)["said"]["type"] == "invoice"


async def test_a_type_that_a_person_gave_at_the_cut_is_the_persons_word(app: InMemoryApp) -> None:
    app.use(ARCHIVED)
    packet = await split(app)
    await classify_all(app, packet)
    await recut(
        packet.id, CutRequest(pieces=(read_piece("1-3=contract"), read_piece("4=invoice")), who="ada"), app.context
    )
    await app.work()
    piece = (await pieces_of(await app.document(packet.id), app.context))[0]
    assert (piece.type, piece.classification, piece.decisions[0].who) == ("contract", None, "ada")
    with pytest.raises(NotAllowed, match="no decision that can be undone"):
        await route_by_hand(piece.id, UNDO, app.context)


@pytest.mark.parametrize(
    "words", ["ann decided; before: review, invoice 0.42", "ann said so; before: review, invoice 0.42"]
)
def test_what_an_earlier_release_overwrote_is_shown_as_what_it_is(words: str) -> None:
    by_hand = HistoryEntry(at=NOW, what="routed by hand", detail="ann: ann set the type to contract; before: review")
    old = a_document(
        classification=Classification(type="contract", confidence=1.0, reasoning=words), history=(by_hand,)
    )
    data = json.loads(codec.encode(old))
    for name in ("decisions", "corrected_type"):
        del data[name]
    read = codec.decode(Document, json.dumps(data))
    assert (read.decisions, read.type) == ((), "contract")
    shown = show.document_whole(read)
    assert shown["said"]["overwritten"] == {"by": "ann", "before": "review, invoice 0.42"}
    assert (shown["said"]["type"], shown["corrected_by"]) == (None, "ann")
    assert manifest(read, delivery_id="d")["llamacloud"]["classification"] is None


def test_a_reasoning_of_llamaclouds_that_only_looks_like_that_is_its_own() -> None:
    found = Classification(type="contract", confidence=1.0, reasoning="the court decided; before: an appeal")
    shown = show.document_whole(a_document(classification=found))
    assert (shown["said"]["type"], shown["said"]["overwritten"], shown["corrected_by"]) == ("contract", None, None)


def a_decision(number: int, **fields: Any) -> Decision:
    plan = Plan(way=Way.MATCHED, route="invoice", reason="because")
    given = {"number": number, "at": NOW, "who": "ann", "choice": Choice.TYPE, "value": "invoice", "plan": plan}
    return Decision(**{**given, **fields})


@given(st.integers(1, 2 * KEPT))
def test_the_decisions_of_a_document_are_bounded_and_the_first_and_newest_stay(count: int) -> None:
    known: tuple[Decision, ...] = ()
    for number in range(1, count + 1):
        known = with_decision(known, a_decision(number))
    assert len(known) == min(count, KEPT)
    assert (known[0].number, known[-1].number) == (1, count)
    assert [item.number for item in known if item.plan] == [*range(max(1, count - UNDOABLE + 1), count + 1)]
    last = to_undo(known)
    assert last is not None
    assert last.number == count


async def test_many_documents_are_corrected_each_with_a_result_of_its_own(app: InMemoryApp) -> None:
    ids = [(await app.routed("invoice", name=f"{n}.pdf", content=b"%%PDF %d" % n)).id for n in range(3)]
    waits = await app.submitted(name="open.pdf", content=b"%PDF open")
    selection = DocumentSelection(type="invoice", state="routed")
    assert sorted(await selected_ids(selection, app.context)) == sorted(ids)
    wanted = [*ids, waits.id, "doc_nobody"]
    dry = [item async for item in correct_each(wanted, CONTRACT, app.context, dry_run=True)]
    assert [bool(item.correction) for item in dry] == [True, True, True, False, False]
    assert {(await app.document(item)).type for item in ids} == {"invoice"}
    done = [item.shown() async for item in correct_each(wanted, CONTRACT, app.context, dry_run=False)]
    await app.work()
    assert [item["done"] for item in done] == [True, True, True, False, False]
    assert "LlamaCloud has not returned its result" in done[3]["why"]
    assert "there is no document doc_nobody" in done[4]["why"]
    assert {(await app.document(item)).type for item in ids} == {"contract"}
    with pytest.raises(Malformed):
        _ = [item async for item in correct_each(ids, RoutingDecision(type="poem"), app.context, dry_run=True)]


async def test_a_failed_job_that_was_resubmitted_after_a_dismissal_is_not_undone_to_its_failure(
    app: InMemoryApp,
) -> None:
    dismissed = await _dismissed(app)
    await resubmit(dismissed.id, app.context, who="ann")
    await app.work()
    document = await app.document(dismissed.id)
    app.cloud.finish(document.job_id, JobStatus.COMPLETED)
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    await app.work()
    with pytest.raises(NotAllowed, match="no decision that can be undone"):
        await route_by_hand(dismissed.id, UNDO, app.context)
