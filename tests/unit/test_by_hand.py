"""A person's word on where a document goes: what it changes, and what stays on record."""

from pathlib import Path

import pytest

from receiver.config import parse
from receiver.core.change import Insert, Query
from receiver.core.document import Classification, Delivery, DeliveryState, Document, DocumentState, Receipt
from receiver.core.errors import Malformed, NotAllowed
from receiver.core.plan import Plan, Target, Way
from receiver.core.task import Task, TaskState
from receiver.flow.by_hand import Word, choices, reroute, route_by_hand
from receiver.flow.tools import Tools
from tests.builders import NOW, a_document, a_task
from tests.receivers import TABLE, an_app

TABLE_ = parse(TABLE, {}).table
UNSORTED = TABLE_.no_match.to[0]


def holds(target: Target) -> bool:
    return target.scheme == "folder"


def unsorted(**fields: object) -> Document:
    """A document that no rule fitted: delivered to the unsorted place, and held for a person."""
    delivery = Delivery(
        id="dlv-1",
        to=UNSORTED,
        route="no_match",
        state=DeliveryState.DELIVERED,
        receipt=Receipt(location="/unsorted/doc-1"),
    )
    given = {
        "id": "doc-1",
        "state": DocumentState.REVIEW,
        "classification": Classification(type=None, confidence=0.3),
        "plan": Plan(way=Way.NO_MATCH, route="no_match", reason="no rule fits", to=(UNSORTED,), review=True),
        "deliveries": (delivery,),
    }
    return a_document(**{**given, **fields})


def test_a_word_on_the_type_makes_the_deliveries_of_its_route() -> None:
    after = reroute(unsorted(), Word(type="invoice", who="Ada"), TABLE_, holds, now=NOW)
    assert after.plan is not None
    assert (after.plan.way, after.plan.route, after.plan.review) == (Way.BY_HAND, "invoice", False)
    assert (after.type, after.state) == ("invoice", DocumentState.OPEN)
    assert after.deliveries[0].to == TABLE_.routes[0].to[0]
    assert after.deliveries[0].state is DeliveryState.PENDING


def test_what_was_delivered_before_stays_on_record_and_the_word_says_who_when_and_what_was_before() -> None:
    after = reroute(unsorted(), Word(to="contract", who="Ada"), TABLE_, holds, now=NOW)
    assert [one.state for one in after.deliveries] == [DeliveryState.PENDING, DeliveryState.DELIVERED]
    entry = after.history[-1]
    assert (entry.at, entry.what) == (NOW, "routed by hand")
    assert entry.detail == "Ada: Ada chose route contract; before: review, no type 0.30, no_match"


def test_to_leave_it_where_it_lies_delivers_nothing_again() -> None:
    after = reroute(unsorted(), Word(to="no_match"), TABLE_, holds, now=NOW)
    assert after.state is DocumentState.ROUTED
    assert [one.state for one in after.deliveries] == [DeliveryState.DELIVERED]


@pytest.mark.parametrize("state", [DocumentState.OPEN, DocumentState.ROUTED])
def test_a_document_that_needs_nobody_is_not_rerouted(state: DocumentState) -> None:
    with pytest.raises(NotAllowed, match=f"is {state}"):
        reroute(unsorted(state=state), Word(to="invoice"), TABLE_, holds, now=NOW)


@pytest.mark.parametrize("word", [Word(to="nowhere"), Word(type="poem"), Word(to="low_confidence")])
def test_a_word_that_is_not_in_the_table_is_refused_with_what_is(word: Word) -> None:
    with pytest.raises(Malformed, match=r"known are .*contract"):
        reroute(unsorted(), word, TABLE_, holds, now=NOW)


def test_the_choices_are_the_routes_and_the_fallbacks_that_lead_somewhere() -> None:
    assert list(choices(TABLE_)) == ["invoice", "contract", "no_match", "failed"]


async def promised(after: Document, tools: Tools) -> list[Task]:
    tasks = (await tools.store.find(Task, Query(by="subject", key=after.id))).records
    return [task for task in tasks if task.state is TaskState.READY]


@pytest.mark.anyio
async def test_the_deliveries_are_promised_with_the_decision(tmp_path: Path) -> None:
    tools = an_app(tmp_path).tools
    await tools.store.apply(Insert(unsorted()))
    after = await route_by_hand("doc-1", Word(type="invoice"), tools)
    assert await tools.store.get(Document, "doc-1") == after
    (task,) = await promised(after, tools)
    assert (task.details["delivery_id"], task.due_at) == (after.deliveries[0].id, NOW)
    assert after.deadline == NOW + tools.config.deadline_seconds


@pytest.mark.anyio
async def test_a_delivery_that_was_given_up_is_promised_anew(tmp_path: Path) -> None:
    tools = an_app(tmp_path).tools
    to = Target(url=TABLE_.routes[0].to[0].url)
    failed = Delivery(id="dlv-2", to=to, route="invoice", state=DeliveryState.FAILED)
    document = unsorted(deliveries=(failed,), classification=Classification(type="invoice", confidence=0.9))
    parked = a_task(id=f"deliver:{failed.id}", kind="deliver", subject="doc-1", state=TaskState.PARKED, attempts=8)
    await tools.store.apply(Insert(document), Insert(parked))
    after = await route_by_hand("doc-1", Word(to="invoice"), tools)
    (task,) = await promised(after, tools)
    assert (task.details["delivery_id"], task.attempts, task.due_at) == (after.deliveries[0].id, 0, NOW)
    assert (after.state, after.deliveries[0].to) == (DocumentState.OPEN, to)
    given_up = await tools.store.get(Task, parked.id)
    assert given_up is not None
    assert (given_up.state, given_up.note) == (TaskState.DONE, "another plan was made")
