"""mailroom balance: the books."""

import time

import click

from receiver import show
from receiver.bootstrap import App
from receiver.cli.output import print_json, table
from receiver.cli.running import with_app
from receiver.core.change import Query, Tally
from receiver.core.document import Document
from receiver.flow.dossier import found


@click.command()
@click.option("--limit", default=20, show_default=True, help="How many overdue documents to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def balance(limit: int, as_json: bool) -> None:
    """Show the books: taken in = routed + review + failed + open, and what is overdue, oldest first.

    Exit 1 when they do not balance or anything is overdue.
    """
    books, overdue = with_app(lambda app: _read(app, limit))
    if as_json:
        data = show.balance(books) | {"balanced": books.balanced, "overdue": [show.document(one) for one in overdue]}
        print_json(data)
    else:
        table(("taken in", "routed", "review", "failed", "open"), [tuple(str(n) for n in show.balance(books).values())])
        click.echo("the books balance" if books.balanced else "THE BOOKS DO NOT BALANCE")
        if overdue:
            rows = [(one.id, one.name, show.moment(one.deadline) or "", show.reason(one)) for one in overdue]
            table(("overdue", "name", "since", "where it stands"), rows)
    raise SystemExit(0 if books.balanced and not overdue else 1)


async def _read(app: App, limit: int) -> tuple[Tally, list[Document]]:
    books = await app.tools.store.tally()
    return books, await found(app.tools.store, Document, Query(by="overdue", until=time.time()), limit=limit)
