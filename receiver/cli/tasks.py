"""mailroom tasks: lists tasks, or shows one."""

from shlex import quote

import click

from receiver.cli.listing import MOMENT, moment_text, shown_of
from receiver.cli.numbers import WholeNumber
from receiver.cli.operating import operate
from receiver.cli.output import print_json, say, table
from receiver.cli.suggestions import ClosestChoice
from receiver.core.quantity import quantity
from receiver.core.task import TaskState


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
    found = operate(lambda it: it.tasks(state=state, subject=subject, since=since, limit=limit + 1))
    records = shown_of(found, limit)
    if as_json:
        print_json({"tasks": records})
        return
    rows = [
        (item["task_id"], item["kind"], item["subject"], item["state"], str(item["attempts"]),
         moment_text(item["due_at"]), item["error"] or item["note"] or "")
        for item in records
    ]  # fmt: skip
    table(("task", "kind", "about", "state", "attempts", "due", "error or note"), rows)


def _one(task_id: str, *, as_json: bool) -> None:
    item = operate(lambda it: it.task(task_id))
    if as_json:
        print_json(item)
        return
    moments = {"due": item["due_at"], "finished": item["finished_at"], "expires": item["expires_at"]}
    shown = {
        "task": item["task_id"],
        "about": item["subject"],
        "state": f"{item['state']} after {quantity(item['attempts'], 'attempt')}",
        "why": f"{item['cause']}: {item['error']}" if item["error"] else item["note"],
        "created": moment_text(item["created_at"]),
        **{name: moment_text(at) for name, at in moments.items()},
        **item["details"],
    }
    table(("", ""), [(name, text) for name, text in shown.items() if text])
    if item["state"] == TaskState.PARKED:
        say(f"to retry: mailroom replay {quote(item['task_id'])}")
