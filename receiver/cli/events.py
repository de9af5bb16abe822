"""mailroom events: lists the verified events."""

import asyncio
from typing import Any

import click

from receiver.cli.follow import follow_events
from receiver.cli.listing import MOMENT, moment_text, proofs_text, shown_of
from receiver.cli.numbers import WholeNumber
from receiver.cli.operating import operate
from receiver.cli.operations import Operations, Shown
from receiver.cli.output import one_line, print_json, print_json_line, say, table
from receiver.core.errors import Transient
from receiver.core.quantity import quantity

EVERY_SECONDS = 1.0
INTERRUPTED = 128 + 2
"""The exit code that a shell reports for a program that SIGINT ended."""
COLUMNS = ("received", "type", "job", "event", "verified by")


@click.command(short_help="List events, or show one with its proofs and attempts.")
@click.argument("event_id", required=False)
@click.option("--job", help="Only events of this job.")
@click.option("--since", type=MOMENT, help="Received since: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number to list.")
@click.option("--follow", "-f", is_flag=True, help="Print new events as they come, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow, a line for each event.")
def events(event_id: str | None, job: str | None, since: float | None, limit: int, follow: bool, as_json: bool) -> None:
    """List verified events, newest first; or show one: its envelope, proofs, document and the attempts to handle it.

    EVENT_ID is LlamaCloud's id of the event, or its key. --follow begins with the newest ten, or those since --since,
    and asks every second.
    """
    if follow:
        if event_id:
            raise click.UsageError("--follow goes with --job, --since and --json")
        _follow(job, since, as_json=as_json)
        return
    if event_id:
        _one(event_id, as_json=as_json)
        return
    records = shown_of(operate(lambda it: it.events(job=job, since=since, limit=limit + 1)), limit)
    if as_json:
        print_json({"events": records})
        return
    table(COLUMNS, map(event_row, records))


def _follow(job: str | None, since: float | None, *, as_json: bool) -> None:
    """Raises click's Exit 130 on Ctrl-C, as programs that a signal ends do."""

    def shown(item: Shown) -> None:
        if as_json:
            print_json_line(item)
        else:
            say("  ".join(map(one_line, event_row(item))))

    def failed(error: Transient) -> None:
        say(f"mailroom: {error}; asking again", err=True)

    async def work(it: Operations) -> None:
        await follow_events(it, job=job, since=since, shown=shown, failed=failed, wait=next_look)

    try:
        operate(work)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


async def next_look() -> bool:
    """Waits until events are asked for again."""
    await asyncio.sleep(EVERY_SECONDS)
    return True


def event_row(item: Shown) -> tuple[str, ...]:
    """An event of the API as a row of COLUMNS."""
    proofs = proofs_text(item["verified_by"])
    return moment_text(item["received_at"]), item["type"], item["job_id"], item["event_id"], proofs


def _one(event_id: str, *, as_json: bool) -> None:
    data = operate(lambda it: it.event(event_id))
    if as_json:
        print_json(data)
        return
    task, job, document = data["task"], data["job"], data["document"]
    shown = {
        "event": data["event_id"],
        "type": data["type"],
        "sent": data["sent_at"] or "",
        "received": data["received_at"] + (" (late)" if data["late"] else ""),
        "verified by": proofs_text(data["verified_by"]),
        "size": f"{data['size']} bytes" + (", as JSON in a string" if data["as_string"] else ""),
        "job": f"{job['job_id']}, {job['status']}" if job else data["job_id"],
        "document": f"{document['document_id']}, {document['name']}, {document['state']}" if document else "",
        "handled": _handled(task) if task else "its task was removed",
        "task": task["task_id"] if task else "",
    }
    table(("", ""), [(name, one_line(text)) for name, text in shown.items() if text])
    if data["others"]:
        say(f"{quantity(len(data['others']), 'other event')} about this job: mailroom events --job {data['job_id']}")


def _handled(task: dict[str, Any]) -> str:
    why = task["error"] or task["note"] or ""
    return f"{task['state']} after {quantity(task['attempts'], 'attempt')}" + (f": {why}" if why else "")
