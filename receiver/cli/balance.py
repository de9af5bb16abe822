"""mailroom balance: the totals of documents."""

import time

import click

from receiver import show
from receiver.cli.listing import when
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_store
from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.pipeline.records import find_records
from receiver.ports import Store

HEADINGS = {"taken_in": "received", "forgotten": "removed"}
"""JSON keys of totals whose column heading differs."""


@click.command(short_help="Show document totals and overdue documents.")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="Maximum number of overdue documents to show.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def balance(limit: int, as_json: bool) -> None:
    """Show document totals (received = routed + review + failed + open + removed) and overdue documents, oldest first.

    Removed documents are those whose records retention deleted. Withdrawn pieces of re-cut packets are counted
    separately.

    Exit 1 if the totals do not balance or a document is overdue.
    """
    totals, overdue = with_store(lambda store: _read(store, limit))
    if as_json:
        data = show.balance(totals) | {
            "balanced": totals.balanced,
            "overdue": [show.document(item) for item in overdue],
        }
        print_json(data)
    else:
        names = ["taken_in", "routed", "review", "failed", "open", *(["forgotten"] if totals.forgotten else [])]
        table([HEADINGS.get(name, name) for name in names], [[str(show.balance(totals)[name]) for name in names]])
        say("the totals balance" if totals.balanced else "THE TOTALS DO NOT BALANCE")
        if totals.withdrawn:
            say(f"counted separately: {totals.withdrawn} withdrawn, whose pages are in other pieces of their packets")
        if overdue:
            rows = [(item.id, item.name, when(item.deadline), show.reason(item)) for item in overdue]
            table(("overdue", "name", "since", "status"), rows)
    raise SystemExit(0 if totals.balanced and not overdue else 1)


async def _read(store: Store, limit: int) -> tuple[Tally, list[Document]]:
    totals = await store.tally()
    return totals, await find_records(store, Document, Query(by="overdue", until=time.time()), limit=limit)
