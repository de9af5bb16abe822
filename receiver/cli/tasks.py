"""mailroom tasks: what is promised, in hand, done and parked."""

import click

from receiver import show
from receiver.cli.listing import MOMENT, when
from receiver.cli.output import print_json, table
from receiver.cli.running import with_store
from receiver.core.change import Query
from receiver.core.task import Task, TaskState
from receiver.flow.dossier import found


@click.command()
@click.option("--state", type=click.Choice([state.value for state in TaskState]), help="Only tasks in this state.")
@click.option("--parked", is_flag=True, help="Only tasks that gave up and wait for a person.")
@click.option("--subject", help="Only tasks about this document or job.")
@click.option("--since", type=MOMENT, help="Since then: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tasks(state: str | None, parked: bool, subject: str | None, since: float | None, limit: int, as_json: bool) -> None:
    """List tasks, newest first."""
    if bool(state) + parked + bool(subject) > 1:
        raise click.UsageError("give one of --state, --parked and --subject")
    if parked:
        state = TaskState.PARKED
    by, key = ("subject", subject) if subject else ("state", state) if state else ("all", None)
    query = Query(by=by, key=key, since=since, newest_first=True)
    records = with_store(lambda store: found(store, Task, query, limit=limit))
    if as_json:
        print_json({"tasks": [show.task(one) for one in records]})
        return
    rows = [
        (one.id, one.kind, one.subject, one.state, str(one.attempts), when(one.due_at), one.error) for one in records
    ]
    table(("task", "kind", "about", "state", "attempts", "due", "error"), rows)
