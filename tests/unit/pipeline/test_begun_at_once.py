"""Deliveries that follow are begun by the worker that writes them: each task is one worker's, or it is enqueued."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert, InsertIfAbsent, Write
from receiver.core.document import DocumentState
from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.process import Done, process
from receiver.queue.local import LocalQueue
from tests.builders import a_task
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
IDS = ("a", "b", "c", "d")
SOME = st.sets(st.sampled_from(IDS))


class NotingQueue(LocalQueue):
    """Notes the tasks that were enqueued; can be made to hang."""

    def __init__(self) -> None:
        super().__init__()
        self.enqueued: list[str] = []
        self.hangs: asyncio.Event | None = None

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        self.enqueued += task_ids
        if self.hangs and not self.hangs.is_set():
            self.hangs.set()
            await asyncio.Event().wait()


def following(ids: Sequence[str]) -> TaskHandler:
    """A step from which these deliveries follow."""

    async def run(task: Task, context: Context) -> StepResult:
        async def change() -> Sequence[Write]:
            return [InsertIfAbsent(a_task(id=item, kind="deliver")) for item in (*ids, *ids)]

        return StepResult(note="done", change=change)

    return TaskHandler(run=run)


def claimed(tasks: Sequence[Task]) -> list[Task]:
    """By a worker that begins all of them."""
    return [task.claim(owner="me", now=task.due_at, lease_seconds=60) for task in tasks]


async def attempted(app: InMemoryApp, queue: NotingQueue, ids: Sequence[str], begun: Sequence[str]) -> Done:
    context = replace(app.context, queue=queue)
    await app.store.apply(Insert(a_task(id="first", kind="odd")))
    (task,) = await app.store.claim(owner="me", now=app.now, lease_seconds=60, ids=["first"])
    return await process(
        task,
        context,
        steps={"odd": following(ids)},
        begin=lambda tasks: claimed([item for item in tasks if item.id in begun]),
    )


@settings(max_examples=40)
@given(new=SOME, taken=SOME, there=SOME)
def test_each_task_that_follows_is_begun_or_enqueued_and_one_that_is_there_stays(
    tmp_path_factory: pytest.TempPathFactory, new: set[str], taken: set[str], there: set[str]
) -> None:
    async def tried() -> None:
        app, queue = InMemoryApp(tmp_path_factory.mktemp("app")), NotingQueue()
        kept = {item: a_task(id=item, kind="deliver", state=TaskState.PARKED) for item in there}
        await app.store.apply(*map(Insert, kept.values()))
        done = await attempted(app, queue, sorted(new), sorted(taken))
        begun = {task.id: task for task in done.begun}
        assert done.outcome == "done"
        assert set(begun) == (set() if new & taken & there else new & taken)
        for item in there | new:
            task = await app.store.get(Task, item)
            assert task is not None
            if item in there:
                assert task == kept[item]
            elif item in begun:
                assert task == begun[item]
                assert (task.state, task.owner, task.attempts) == (TaskState.RUNNING, "me", 1)
            else:
                assert task.state is TaskState.READY
        assert set(queue.enqueued) == new - set(begun)

    asyncio.run(tried())


async def test_who_is_stopped_before_it_works_on_what_it_began_lets_go_of_it(app: InMemoryApp) -> None:
    queue = NotingQueue()
    queue.hangs = asyncio.Event()
    attempt = asyncio.create_task(attempted(app, queue, "ab", "a"))
    await queue.hangs.wait()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    task = await app.store.get(Task, "a")
    assert task is not None
    assert (task.state, task.attempts, queue.enqueued[-1]) == (TaskState.READY, 0, "a")


async def test_one_worker_goes_from_the_result_to_the_last_message(app: InMemoryApp) -> None:
    """Each delivery is a task of its own, with its own lease and attempt; none of them is claimed or enqueued."""
    document, queue = await app.submitted(), NotingQueue()
    app.context = replace(app.context, queue=queue)
    app.cloud.classified(document.job_id, "invoice")
    await app.event(document.job_id)
    waiting = await app.store.claim(owner="me", now=app.now, lease_seconds=60)
    kinds = []
    while waiting:
        kinds.append(waiting[0].kind)
        done = await process(waiting.pop(0), app.context, begin=claimed)
        waiting += done.begun
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert kinds[0] == "react"
    assert set(kinds[1:]) == {"deliver"}
    assert queue.enqueued == []
    assert {(task.state, task.attempts) for task in await app.tasks("deliver")} == {(TaskState.DONE, 1)}
