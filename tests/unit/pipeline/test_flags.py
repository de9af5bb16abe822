"""A flag is written in the place of the one that was read; who was slower writes nothing."""

import pytest

from receiver.core.change import InsertIfAbsent
from receiver.core.flag import Flag
from receiver.core.task import Task, new_task
from receiver.pipeline.flags import put_flag
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


async def test_the_faster_of_two_writes_the_flag_and_what_belongs_to_it(app: InMemoryApp) -> None:
    first, second = (new_task("cut", "doc_1", word, subject="doc_1", now=app.now) for word in ("first", "second"))
    for known in (None, Flag(id="looked", value="1", at=app.now, version=0)):
        assert await put_flag("looked", "1", known, app.context, InsertIfAbsent(first))
        assert not await put_flag("looked", "2", known, app.context, InsertIfAbsent(second))
        flag = await app.store.get(Flag, "looked")
        assert flag is not None
        assert flag.value == "1"
    assert [task.id for task in await app.all(Task)] == ["cut:doc_1:first"]


def test_a_new_task_is_due_at_once_under_an_id_of_its_kind_and_parts() -> None:
    task = new_task("deliver", "dlv_1", 2, subject="doc_1", now=5.0, details={"to": "s3://mail"})
    assert (task.id, task.kind, task.due_at, task.created_at, task.bulk) == ("deliver:dlv_1:2", "deliver", 5, 5, False)
    assert (task.subject, task.details) == ("doc_1", {"to": "s3://mail"})
