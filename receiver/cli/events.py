"""mailroom events: lists the verified events."""

from typing import Any

import click

from receiver import show
from receiver.cli.listing import MOMENT, shown_of, when
from receiver.cli.numbers import WholeNumber
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.running import with_store
from receiver.core.change import Query
from receiver.core.event import Event
from receiver.core.quantity import quantity
from receiver.operations.event_report import event_report
from receiver.pipeline.records import find_records


@click.command(short_help="List events, or show one with its proofs and attempts.")
@click.argument("event_id", required=False)
@click.option("--job", help="Only events of this job.")
@click.option("--since", type=MOMENT, help="Received since: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def events(event_id: str | None, job: str | None, since: float | None, limit: int, as_json: bool) -> None:
    """List verified events, newest first; or show one: its envelope, its proofs, and the attempts to handle it.

    EVENT_ID is LlamaCloud's id of the event, or its key.
    """
    if event_id:
        _one(event_id, as_json=as_json)
        return
    query = Query(by="job" if job else "all", key=job, since=since, newest_first=True)
    records = shown_of(with_store(lambda store: find_records(store, Event, query, limit=limit + 1)), limit)
    if as_json:
        print_json({"events": [show.event(item) for item in records]})
        return
    rows = [
        (when(item.received_at), item.type, item.job_id, item.event_id, ", ".join(item.verified_by)) for item in records
    ]
    table(("received", "type", "job", "event", "verified by"), rows)


def _one(event_id: str, *, as_json: bool) -> None:
    data = with_store(lambda store: event_report(event_id, store)).shown()
    if as_json:
        print_json(data)
        return
    task, job, document = data["task"], data["job"], data["document"]
    shown = {
        "event": data["event_id"],
        "type": data["type"],
        "sent": data["sent_at"] or "",
        "received": data["received_at"] + (" (late)" if data["late"] else ""),
        "verified by": ", ".join(data["verified_by"]),
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
