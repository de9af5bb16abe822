"""A person's word on where a document goes: what it changes, and what stays on record."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.config import parse
from receiver.core.change import Insert, Query
from receiver.core.document import Classification, Delivery, DeliveryState, Document, DocumentState, Receipt
from receiver.core.errors import Malformed, NotAllowed
from receiver.core.plan import Plan, Target, Way
from receiver.core.route import Fallback, decide
from receiver.core.routing_choice import choices
from receiver.core.task import Task, TaskState
from receiver.operations.manual_routing import RoutingDecision, reroute, route_by_hand
from receiver.pipeline.context import Context
from tests.builders import NOW, a_document, a_task
from tests.known_places import KnownPlaces
from tests.receivers import TABLE, an_app

TABLE_ = parse(TABLE, {}).table
UNSORTED = TABLE_.no_match.to[0]


FACTS = KnownPlaces()


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
    after = reroute(unsorted(), RoutingDecision(type="invoice", who="Ada"), TABLE_, FACTS, now=NOW)
    assert after.plan is not None
    assert (after.plan.way, after.plan.route, after.plan.review) == (Way.BY_HAND, "invoice", False)
    assert (after.type, after.state) == ("invoice", DocumentState.OPEN)
    assert after.deliveries[0].to == TABLE_.routes[0].to[0]
    assert after.deliveries[0].state is DeliveryState.PENDING


def test_what_was_delivered_before_stays_on_record_and_the_word_says_who_when_and_what_was_before() -> None:
    after = reroute(unsorted(), RoutingDecision(to="contract", who="Ada"), TABLE_, FACTS, now=NOW)
    assert [item.state for item in after.deliveries] == [DeliveryState.PENDING, DeliveryState.DELIVERED]
    entry = after.history[-1]
    assert (entry.at, entry.what) == (NOW, "routed by hand")
    assert entry.detail == "Ada: Ada chose route contract; before: review, no type 0.30, no_match"


def test_to_leave_it_where_it_lies_delivers_nothing_again() -> None:
    after = reroute(unsorted(), RoutingDecision(to="no_match"), TABLE_, FACTS, now=NOW)
    assert after.state is DocumentState.ROUTED
    assert [item.state for item in after.deliveries] == [DeliveryState.DELIVERED]


@pytest.mark.parametrize("state", [DocumentState.OPEN, DocumentState.WITHDRAWN])
def test_a_document_that_is_worked_on_or_whose_pages_are_elsewhere_is_not_rerouted(state: DocumentState) -> None:
    with pytest.raises(NotAllowed, match=f"is {state}"):
        reroute(unsorted(state=state), RoutingDecision(to="invoice"), TABLE_, FACTS, now=NOW)


@pytest.mark.parametrize(
    "word", [RoutingDecision(to="nowhere"), RoutingDecision(type="poem"), RoutingDecision(to="low_confidence")]
)
def test_a_word_that_is_not_in_the_table_is_refused_with_what_is(word: RoutingDecision) -> None:
    with pytest.raises(Malformed, match=r"known: .*contract"):
        reroute(unsorted(), word, TABLE_, FACTS, now=NOW)


def test_the_choices_are_the_routes_and_the_fallbacks_that_lead_somewhere() -> None:
    assert list(choices(TABLE_)) == ["invoice", "contract", "no_match", "failed"]


COPIED = parse(
    TABLE.replace(
        "routes:\n",
        """routes:
  - {type: "*", name: archive, continue: true, to: ["folder:///archive/"]}
  - {type: invoice, name: sure, continue: true, min_confidence: 0.9, to: ["folder:///sure/"]}
  - {type: "*", name: long, continue: true, when: {min_pages: 3}, to: ["folder:///long/"]}
  - {type: "*", name: scans, continue: true, when: {name: "scan*"}, to: ["folder:///scans/"]}
""",
    ),
    {},
).table


def chosen_way(to: str, **fields: object) -> Plan:
    plan = reroute(unsorted(**fields), RoutingDecision(to=to, who="Ada"), COPIED, FACTS, now=NOW).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("to", "fields", "added"),
    [
        ("contract", {"page_count": 1}, ["archive"]),
        ("contract", {"page_count": 3, "name": "scan.pdf"}, ["archive", "long", "scans"]),
        ("invoice", {"page_count": 1}, ["archive", "sure"]),
        ("archive", {"page_count": 3}, []),
        ("no_match", {"page_count": 3}, []),
    ],
)
def test_rows_that_say_continue_add_to_a_row_that_a_person_chose(
    to: str, fields: dict[str, object], added: list[str]
) -> None:
    plan = chosen_way(to, **fields)
    assert list(plan.routes) == [*added, *[to] * (len(plan.routes) - len(added))]
    assert {item.url for item in plan.to} >= {item.url for item in choices(COPIED)[to].to}
    assert plan.reason == f"Ada chose route {to}" + (f"; also {', '.join(added)}" if added else "")


def test_a_row_that_may_add_says_that_it_did_not() -> None:
    plan = chosen_way("contract")
    assert plan.routes == ("archive", "contract")
    assert plan.reason == (
        "Ada chose route contract; also archive; without long, which would depend on the number of pages, which is "
        "unknown"
    )


RESULTS = st.builds(Classification, type=st.sampled_from(["invoice", "contract"]), confidence=st.floats(0, 1))


@given(RESULTS, st.integers(1, 4), st.sampled_from(["scan.pdf", "letter.pdf"]))
def test_who_chooses_the_row_that_the_table_takes_gets_what_the_table_gives(
    result: Classification, pages: int, name: str
) -> None:
    document = unsorted(classification=result, page_count=pages, name=name)
    decided = decide(COPIED, replace(result, confidence=1.0), document, now=NOW)
    plan = chosen_way(decided.route, classification=result, page_count=pages, name=name)
    assert (plan.to, plan.routes) == (decided.to, decided.routes)


def test_low_confidence_by_hand_is_what_it_is_where_the_table_decides() -> None:
    table = replace(COPIED, low_confidence=Fallback(to=(UNSORTED,)))
    result = Classification(type="invoice", confidence=0.2)
    document = unsorted(classification=result, page_count=5)
    plan = reroute(document, RoutingDecision(to="low_confidence"), table, FACTS, now=NOW).plan
    decided = decide(table, result, document, now=NOW)
    assert decided.way is Way.LOW_CONFIDENCE
    assert plan is not None
    assert (plan.to, plan.routes) == (decided.to, decided.routes)


async def promised(after: Document, context: Context) -> list[Task]:
    tasks = (await context.store.find(Task, Query(by="subject", key=after.id))).records
    return [task for task in tasks if task.state is TaskState.READY and task.kind == "deliver"]


@pytest.mark.anyio
async def test_the_deliveries_are_promised_with_the_decision(tmp_path: Path) -> None:
    context = an_app(tmp_path).context
    await context.store.apply(Insert(unsorted()))
    after = await route_by_hand("doc-1", RoutingDecision(type="invoice"), context)
    assert await context.store.get(Document, "doc-1") == after
    (task,) = await promised(after, context)
    assert (task.details["delivery_id"], task.due_at) == (after.deliveries[0].id, NOW)
    assert after.deadline == NOW + context.config.deadline_seconds


@pytest.mark.anyio
async def test_a_delivery_that_was_given_up_is_promised_anew(tmp_path: Path) -> None:
    context = an_app(tmp_path).context
    to = Target(url=TABLE_.routes[0].to[0].url)
    failed = Delivery(id="dlv-2", to=to, route="invoice", state=DeliveryState.FAILED)
    document = unsorted(deliveries=(failed,), classification=Classification(type="invoice", confidence=0.9))
    parked = a_task(id=f"deliver:{failed.id}", kind="deliver", subject="doc-1", state=TaskState.PARKED, attempts=8)
    await context.store.apply(Insert(document), Insert(parked))
    after = await route_by_hand("doc-1", RoutingDecision(to="invoice"), context)
    (task,) = await promised(after, context)
    assert (task.details["delivery_id"], task.attempts, task.due_at) == (after.deliveries[0].id, 0, NOW)
    assert (after.state, after.deliveries[0].to) == (DocumentState.OPEN, to)
    given_up = await context.store.get(Task, parked.id)
    assert given_up is not None
    assert (given_up.state, given_up.note) == (TaskState.DONE, "another plan was made")
