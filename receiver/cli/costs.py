"""mailroom costs: what LlamaCloud charged, by day and type."""

import time

import click

from receiver import show
from receiver.cli.listing import MOMENT
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_store
from receiver.core.costs import Costs
from receiver.core.quantity import quantity
from receiver.operations.costs import read_costs

DAYS = 30


@click.command(short_help="Show what LlamaCloud charged, by day and type.")
@click.option("--since", type=MOMENT, help="Documents received since: 2026-11-22, 7d. The last 30 days by default.")
@click.option("--until", type=MOMENT, help="Documents received before this time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def costs(since: float | None, until: float | None, as_json: bool) -> None:
    """Show the credits that LlamaCloud charged for the documents of each day (UTC) and type.

    LlamaCloud reports the credits of classify jobs. Jobs without a reported price, split jobs among them, are counted
    and not estimated.
    """
    start = time.time() - DAYS * 86400 if since is None else since
    found = with_store(lambda store: read_costs(store, since=start, until=until))
    if as_json:
        print_json(show.costs(found))
        return
    _print(found)


def _print(found: Costs) -> None:
    rows = [(row.day, row.type, str(row.documents), f"{row.credits:g}", str(row.unpriced_jobs)) for row in found.rows]
    table(("day", "type", "documents", "credits", "jobs without a price"), rows)
    say(f"{found.credits:g} credits, and {quantity(found.unpriced_jobs, 'job')} without a reported price")
    if not found.complete:
        say(f"only the newest {found.documents} documents were read: narrow it down with --since and --until", err=True)
