"""mailroom tasks: lists tasks, or shows one."""

from shlex import quote

import click

from receiver import show
from receiver.cli.listing import MOMENT, shown_of, when
from receiver.cli.numbers import WholeNumber
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_store
from receiver.cli.suggestions import ClosestChoice
from receiver.core.change import Query
from receiver.core.quantity import quantity
from receiver.core.task import Task, TaskState
from receiver.operations.replay_task import task_of
from receiver.pipeline.records import find_records
from receiver.ports import Store


@click.command(short_help="List tasks, or show one in full.")
@click.argument("task_id", required=False)
@click.option("--state", type=ClosestChoice([state.value for state in TaskState]), help="Only tasks in this state.")
@click.option("--parked", is_flag=True, help="Only parked tasks: out of attempts, waiting for a person.")
@click.option("--subject", help="Only tasks about this document or job.")
@click.option("--since", type=MOMENT, help="Created since: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tasks(
    task_id: str | None,
    state: str | None,
    parked: bool,
    subject: str | None,
    since: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """List tasks, newest first; or show one: its subject, its result, and how to retry it."""
    if bool(task_id) + bool(state) + parked + bool(subject) > 1:
        raise click.UsageError("give one of TASK_ID, --state, --parked and --subject")
    if task_id:
        _one(task_id, as_json=as_json)
        return
    if parked:
        state = TaskState.PARKED
    records = shown_of(with_store(lambda store: _listed(store, state, subject, since, limit + 1)), limit)
    if as_json:
        print_json({"tasks": [show.task(item) for item in records]})
        return
    rows = [
        (item.id, item.kind, item.subject, item.state, str(item.attempts), when(item.due_at), item.error or item.note)
        for item in records
    ]
    table(("task", "kind", "about", "state", "attempts", "due", "error or note"), rows)


async def _listed(store: Store, state: str | None, subject: str | None, since: float | None, limit: int) -> list[Task]:
    if state == TaskState.DONE:  # nearly all tasks are done, so there is no index of them
        done = Query(since=since, newest_first=True)
        return await find_records(store, Task, done, limit=limit, fits=lambda task: task.state == state)
    by, key = ("subject", subject) if subject else ("state", state) if state else ("all", None)
    return await find_records(store, Task, Query(by=by, key=key, since=since, newest_first=True), limit=limit)


def _one(task_id: str, *, as_json: bool) -> None:
    item = with_store(lambda store: task_of(task_id, store))
    if as_json:
        print_json(show.task_whole(item))
        return
    moments = {"due": item.due_at, "finished": item.finished_at, "expires": item.expires_at}
    shown = {
        "task": item.id,
        "about": item.subject,
        "state": f"{item.state} after {quantity(item.attempts, 'attempt')}",
        "why": f"{item.cause}: {item.error}" if item.error else item.note,
        "created": when(item.created_at),
        **{name: when(at) for name, at in moments.items()},
        **item.details,
    }
    table(("", ""), [(name, text) for name, text in shown.items() if text])
    if item.state is TaskState.PARKED:
        say(f"to retry: mailroom replay {quote(item.id)}")
