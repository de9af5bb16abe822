"""mailroom review: lists the documents in review, and records a person's decision."""

import click

from receiver.cli.document_list import document_called, search_of
from receiver.cli.listing import shown_of
from receiver.cli.numbers import WholeNumber
from receiver.cli.operating import mend, operate
from receiver.cli.operations import Mending, Operations, Shown
from receiver.cli.output import print_json, say, table
from receiver.cli.person_text import NAME, REASON
from receiver.cli.user import user_name
from receiver.operations.manual_routing import RoutingDecision


@click.command(short_help="List documents in review, or decide where one goes.")
@click.argument("document", required=False)
@click.option("--to", help="Route it by this row of the table, or by a fallback route.")
@click.option("--type", "of_type", help="Correct its type; it is routed by that type.")
@click.option("--why", type=REASON, default="", help="Reason; recorded on the document.")
@click.option("--who", type=NAME, default=user_name, show_default="you", help="Who decides; recorded on the document.")
@click.option("--wait", is_flag=True, help="Wait until it is delivered, then show where.")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def review(
    document: str | None,
    to: str | None,
    of_type: str | None,
    why: str,
    who: str,
    wait: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List documents in review; with a document and --to or --type, decide where it goes.

    DOCUMENT is an id or its beginning, a file name, or a job id. `mailroom correct` does the same for any number of
    documents, can preview it, and can undo it.
    """
    if document is None:
        _list(limit, as_json=as_json)
        return
    if bool(to) == bool(of_type):
        raise click.UsageError("give --to ROUTE or --type TYPE")
    decision = RoutingDecision(to=to or "", type=of_type or "", who=who, why=why)

    async def work(it: Mending) -> Shown:
        document_id = (await document_called(document, it, as_json=as_json))["document_id"]
        decided = await it.route(document_id, decision)
        return (await it.settled([document_id]))[0] if wait else decided

    decided = mend(work)
    if as_json:
        print_json(decided)
    elif wait:
        places = ", ".join(each["location"] for each in decided["deliveries"] if each["location"])
        say(f"{decided['name']}: {decided['state']}, {decided['reason']}; delivered to {places or 'nowhere'}")
    else:
        places = ", ".join(each["to"] for each in decided["deliveries"])
        say(f"{decided['name']}: {decided['reason']}; it is delivered to {places}")


def _list(limit: int, *, as_json: bool) -> None:
    asked = search_of("state:review")

    async def found(it: Operations) -> tuple[Shown, list[str]]:
        return await it.search(asked, limit=limit + 1, cursor=None), await it.route_names()

    page, names = operate(found)
    waiting = shown_of(page["documents"], limit)
    if as_json:
        print_json({"documents": waiting, "routes": names})
        return
    rows = [(item["document_id"], item["name"], item["type"] or "no match", item["reason"]) for item in waiting]
    table(("document", "name", "type", "reason"), rows)
    if waiting:
        say(f"decide with: mailroom review DOCUMENT --type TYPE, or --to one of {', '.join(names)}")
