"""mailroom review: lists the documents in review, and records a person's decision."""

import os

import click

from receiver import show
from receiver.bootstrap import App
from receiver.cli.listing import shown_of
from receiver.cli.numbers import WholeNumber
from receiver.cli.output import print_json, say, table
from receiver.cli.person_text import NAME, REASON
from receiver.cli.running import with_app, with_store
from receiver.cli.submit import settled_by_us
from receiver.cli.user import user_name
from receiver.config import load
from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.routing_choice import choices
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.pipeline.records import find_records
from receiver.read_settings import from_environ
from receiver.secrets import RevealedEnviron


@click.command(short_help="List documents in review, or decide where one goes.")
@click.argument("document_id", required=False)
@click.option("--to", help="Route it by this row of the table, or by a fallback route.")
@click.option("--type", "of_type", help="Correct its type; it is routed by that type.")
@click.option("--why", type=REASON, default="", help="Reason; recorded on the document.")
@click.option("--who", type=NAME, default=user_name, show_default="you", help="Who decides; recorded on the document.")
@click.option("--wait", is_flag=True, help="Wait until it is delivered, then show where.")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def review(
    document_id: str | None,
    to: str | None,
    of_type: str | None,
    why: str,
    who: str,
    wait: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List documents in review; with a document and --to or --type, decide where it goes.

    `mailroom correct` does the same for any number of documents, can preview it, and can undo it.
    """
    if document_id is None:
        _list(limit, as_json=as_json)
        return
    if bool(to) == bool(of_type):
        raise click.UsageError("give --to ROUTE or --type TYPE")
    word = RoutingDecision(to=to or "", type=of_type or "", who=who, why=why)
    document = with_app(lambda app: _decide(app, document_id, word, wait=wait), existing=True)
    if as_json:
        print_json(show.document(document))
    elif wait:
        places = ", ".join(each.receipt.location for each in document.deliveries if each.receipt)
        say(f"{document.name}: {document.state}, {show.reason(document)}; delivered to {places or 'nowhere'}")
    else:
        places = ", ".join(each.to.shown for each in document.deliveries)
        say(f"{document.name}: {show.reason(document)}; it is delivered to {places}")


async def _decide(app: App, document_id: str, word: RoutingDecision, *, wait: bool) -> Document:
    document = await route_by_hand(document_id, word, app.context)
    if wait:
        document = (await settled_by_us(app, [document.id], quiet=True))[document.id]
    return document


def _list(limit: int, *, as_json: bool) -> None:
    query = Query(by="state", key=DocumentState.REVIEW)
    found = with_store(lambda store: find_records(store, Document, query, limit=limit + 1))
    waiting = show.in_page_order(shown_of(found, limit))
    names = list(choices(load(from_environ().config, RevealedEnviron(os.environ)).table))
    if as_json:
        print_json({"documents": [show.document(item) for item in waiting], "routes": names})
        return
    rows = [(item.id, item.name, item.type or "no match", show.reason(item)) for item in waiting]
    table(("document", "name", "type", "reason"), rows)
    if waiting:
        say(f"decide with: mailroom review DOCUMENT --type TYPE, or --to one of {', '.join(names)}")
