"""mailroom events: lists the verified events."""

import click

from receiver import show
from receiver.cli.listing import MOMENT, when
from receiver.cli.output import print_json, table
from receiver.cli.running import with_store
from receiver.core.change import Query
from receiver.core.event import Event
from receiver.pipeline.records import find_records


@click.command()
@click.option("--job", help="Only events of this job.")
@click.option("--since", type=MOMENT, help="Received since: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Maximum number to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def events(job: str | None, since: float | None, limit: int, as_json: bool) -> None:
    """List verified events, newest first."""
    query = Query(by="job" if job else "all", key=job, since=since, newest_first=True)
    records = with_store(lambda store: find_records(store, Event, query, limit=limit))
    if as_json:
        print_json({"events": [show.event(item) for item in records]})
        return
    rows = [
        (when(item.received_at), item.type, item.job_id, item.event_id, ", ".join(item.verified_by)) for item in records
    ]
    table(("received", "type", "job", "event", "verified by"), rows)
