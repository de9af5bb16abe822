"""Records in a failing test are read by a person: what was given is shown, defaults are not."""

from dataclasses import fields, replace

import pytest

from receiver.core.document import Delivery, Document
from receiver.core.job import Job
from receiver.core.plan import Plan, Row, Target, Way
from receiver.core.route import Route
from receiver.core.task import Task
from tests.builders import NOW, a_document, a_job, a_task

TARGET = Target(url="s3://mail/invoices/")
PLAN = Plan(way=Way.MATCHED, route="invoice", reason="type 'invoice'", to=(TARGET,), decided_at=NOW)


def test_a_plan_shows_what_it_says_and_no_defaults() -> None:
    assert repr(PLAN) == (
        "Plan(way=Way.MATCHED, route='invoice', reason=\"type 'invoice'\", "
        "to=(Target(url='s3://mail/invoices/'),), decided_at=1800000000.0)"
    )


@pytest.mark.parametrize(
    "record",
    [TARGET, PLAN, Row(route="a", matched=False, why="no"), Route(name="a", types=("invoice",)),
     Delivery(id="d", to=TARGET, route="a"), a_document(), a_job(), a_task()],
    ids=lambda record: type(record).__name__,
)  # fmt: skip
def test_a_record_of_defaults_is_short(record: object) -> None:
    assert len(repr(record)) < 450
    assert "None" not in repr(record)


def test_records_that_differ_look_different() -> None:
    names = {"Plan": Plan, "Target": Target, "Way": Way, "Row": Row}
    for other in (
        PLAN,
        replace(PLAN, review=True),
        replace(PLAN, to=(Target(url="s3://mail/x/", options={"acl": "private"}),)),
        replace(PLAN, trace=(Row(route="a", matched=False, why="no", unknown=True),)),
        replace(PLAN, via=("a",)),
    ):
        assert eval(repr(other), names) == other  # noqa: S307  what is shown can be put back into a test


@pytest.mark.parametrize("record", [Document, Delivery, Job])
def test_every_field_can_be_seen(record: type) -> None:
    assert all(item.repr for item in fields(record))


def test_a_task_says_no_more_than_it_must() -> None:
    assert repr(Task(id="t", kind="submit", subject="doc", due_at=1.0, created_at=1.0)) == (
        "Task(id='t', kind='submit', subject='doc', due_at=1.0, created_at=1.0)"
    )
