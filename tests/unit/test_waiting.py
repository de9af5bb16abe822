"""What an open document waits for, in words."""

import pytest

from receiver.core.document import Delivery, DocumentState, Step
from receiver.core.plan import Plan, Target, Way
from receiver.core.task import TaskState
from receiver.core.waiting import waiting_for
from tests.builders import NOW, a_document, a_task
from tests.in_memory_app import InMemoryApp


def test_a_delivery_that_failed_says_when_it_is_tried_next_and_why() -> None:
    details = {"to": "s3://mail/a/", "delivery_id": "dlv-1"}
    failed = a_task(kind="deliver", details=details, attempts=3, due_at=NOW + 60, error="503")
    parked = a_task(kind="deliver", details=details | {"to": "sqs://a"}, state=TaskState.PARKED, error="denied")
    done, notice = a_task(kind="deliver", details=details, state=TaskState.DONE), a_task(kind="alert")
    found = waiting_for(a_document(step=Step.DECIDED), [parked, failed, done, notice])
    assert [(item.what, item.next_at, item.attempts, item.why) for item in found] == [
        ("delivery to s3://mail/a/", NOW + 60, 3, "503"),
        ("delivery to sqs://a", None, 0, "it gave up and waits for a person: denied"),
    ]


def test_a_message_waits_until_the_document_is_stored() -> None:
    holder = Delivery(id="dlv-1", to=Target(url="s3://mail/a/"), route="a")
    message = Delivery(id="dlv-2", to=Target(url="sqs://a"), route="a", claim="clm_1")
    plan = Plan(way=Way.MATCHED, route="a", reason="because", to=(holder.to, message.to))
    found = waiting_for(a_document(plan=plan, deliveries=(holder, message), step=Step.DECIDED), [])
    assert [(item.what, item.why) for item in found] == [("message to sqs://a", "the document must be stored first")]


def test_a_settled_document_waits_for_nothing_and_an_open_one_for_something() -> None:
    assert waiting_for(a_document(state=DocumentState.ROUTED), []) == []
    (found,) = waiting_for(a_document(step=Step.SUBMITTED, error="submission is paused: no credits"), [])
    assert (found.what, found.why) == ("the result of its job", "submission is paused: no credits")
    (found,) = waiting_for(a_document(parts_state=DocumentState.OPEN), [])
    assert found.what == "its parts"


@pytest.mark.anyio
async def test_what_becomes_of_a_document_is_always_waited_for(app: InMemoryApp) -> None:
    from receiver.operations.document_report import document_report

    document = await app.submitted()
    assert (await document_report(document.id, app.store)).shown()["waits_for"][0]["what"] == "the result of its job"
