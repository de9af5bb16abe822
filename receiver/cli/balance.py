"""mailroom balance: the totals of documents."""

import time
from typing import Any

import click

from receiver import show
from receiver.cli.listing import when
from receiver.cli.numbers import WholeNumber
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_store
from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.operations.recount import Recount, recount
from receiver.pipeline.records import find_records
from receiver.ports import Store

HEADINGS = {"taken_in": "received", "forgotten": "removed"}
"""JSON keys of totals whose column heading differs."""


@click.command(short_help="Show document totals and overdue documents.")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=WholeNumber(),
    help="Maximum number of overdue documents to show.",
)
@click.option("--recount", "counting", is_flag=True, help="Also count every document, and name what differs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def balance(limit: int, counting: bool, as_json: bool) -> None:
    """Show document totals (received = routed + review + failed + open + removed) and overdue documents, oldest first.

    Removed documents are those whose records retention deleted. Withdrawn pieces of re-cut packets are counted
    separately.

    Exit 1 if the totals do not balance, differ from the documents on record, or a document is overdue. Whether the
    documents are where the records say: mailroom verify.
    """
    totals, overdue, counted = with_store(lambda store: _read(store, limit, counting=counting))
    if as_json:
        data = show.balance(totals) | {
            "balanced": totals.balanced,
            "overdue": [show.document(item) for item in overdue],
            **({"recount": _shown(counted)} if counted else {}),
        }
        print_json(data)
    else:
        names = ["taken_in", "routed", "review", "failed", "open", *(["forgotten"] if totals.forgotten else [])]
        table([HEADINGS.get(name, name) for name in names], [[str(show.balance(totals)[name]) for name in names]])
        say("the totals balance" if totals.balanced else "THE TOTALS DO NOT BALANCE")
        if not totals.balanced and not counting:
            say("  to find what differs: mailroom balance --recount")
        if totals.withdrawn:
            say(f"counted separately: {totals.withdrawn} withdrawn, whose pages are in other pieces of their packets")
        if counted:
            _say_counted(counted)
        if overdue:
            rows = [(item.id, item.name, when(item.deadline), show.reason(item)) for item in overdue]
            table(("overdue", "name", "since", "status"), rows)
    wrong = counted is not None and not counted.clean and not counted.changed
    raise SystemExit(0 if totals.balanced and not overdue and not wrong else 1)


async def _read(store: Store, limit: int, *, counting: bool) -> tuple[Tally, list[Document], Recount | None]:
    totals = await store.tally()
    overdue = await find_records(store, Document, Query(by="overdue", until=time.time()), limit=limit)
    return totals, overdue, await recount(store) if counting else None


def _shown(counted: Recount) -> dict[str, Any]:
    differences = {name: {"totals": says, "records": there} for name, (says, there) in counted.differences.items()}
    odd = [{"document_id": item.id, "state": item.state, "follows": item.settle().state} for item in counted.odd]
    return {"differences": differences, "odd": odd, "odd_count": counted.odd_count, "changed": counted.changed}


def _say_counted(counted: Recount) -> None:
    """Prints each total that differs from the records, and each document whose state contradicts its record."""
    if counted.clean:
        say("counted one by one: the records say the same")
    for name, (says, there) in counted.differences.items():
        say(f"{name}: {says} by the totals, {there} on record")
    if counted.differences and counted.changed:
        say("documents changed while they were counted: count again before you believe a difference")
    rows = [(item.id, item.name, item.state, item.settle().state) for item in counted.odd]
    if rows:
        table(("document", "name", "state on record", "by its deliveries"), rows)
    if counted.odd_count > len(rows):
        say(f"and {counted.odd_count - len(rows)} more")
