"""mailroom correct: gives documents another type or route, whatever their state, or undoes that."""

from collections.abc import Sequence

import click

from receiver import show
from receiver.bootstrap import App
from receiver.cli.document_list import search_of, searched
from receiver.cli.listing import MOMENT
from receiver.cli.mending import JSON, WHO, confirmed, document_called
from receiver.cli.output import print_json, say, table
from receiver.cli.person_text import REASON
from receiver.cli.running import with_app
from receiver.cli.submit import settled_by_us
from receiver.cli.suggestions import ClosestChoice, did_you_mean
from receiver.core.document import DocumentState
from receiver.core.effects import Effect, PlaceEffect
from receiver.core.errors import NotFound
from receiver.core.quantity import quantity
from receiver.core.route import RouteTable
from receiver.core.routing_choice import choices
from receiver.core.search import Search
from receiver.operations.bulk_correction import (
    MOST_AT_ONCE,
    CorrectionResult,
    DocumentSelection,
    correct_each,
    selected_ids,
)
from receiver.operations.manual_routing import RoutingDecision
from receiver.ports import Store

STATES = ClosestChoice([state.value for state in (DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.FAILED)])
WORDS = {
    Effect.DELIVER: "is delivered to",
    Effect.NOTIFY: "sends a message to",
    Effect.WITHDRAW: "withdraws its message to",
    Effect.SUPERSEDE: "leaves a superseded copy at",
    Effect.KEEP: "stays at",
}


@click.command(short_help="Give documents another type or route, or undo that.")
@click.argument("documents", nargs=-1)
@click.option("--type", "of_type", help="Their correct type; they are routed by it.")
@click.option("--to", help="Route them by this row of the table, or by a fallback route.")
@click.option("--undo", is_flag=True, help="Undo the last decision: each document is routed as before it.")
@click.option("--why", type=REASON, default="", help="Reason; recorded on each document.")
@click.option("--search", metavar="QUERY", help="Instead of DOCUMENTS: those that this search finds.")
@click.option("--in-state", type=STATES, help="Instead of DOCUMENTS: those in this state.")
@click.option("--of-type", "present_type", help="Instead of DOCUMENTS: those that have this type now.")
@click.option("--since", type=MOMENT, help="Instead of DOCUMENTS: those received since: 2026-11-22, 2h, 7d.")
@click.option("--dry-run", is_flag=True, help="Show what would be delivered and superseded, without doing it.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--wait", is_flag=True, help="Wait until they are delivered.")
@WHO
@JSON
def correct(
    documents: tuple[str, ...],
    of_type: str | None,
    to: str | None,
    undo: bool,
    why: str,
    search: str | None,
    in_state: str | None,
    present_type: str | None,
    since: float | None,
    dry_run: bool,
    yes: bool,
    wait: bool,
    who: str,
    as_json: bool,
) -> None:
    """Give DOCUMENTS another type or route, whether they are routed, in review, failed or dismissed.

    DOCUMENTS are ids or their beginnings, file names, or job ids. LlamaCloud's result stays on record beside the
    decision. New destinations get the document; earlier ones are told that it was withdrawn or superseded.
    """
    if bool(of_type) + bool(to) + undo != 1:
        raise click.UsageError("give one of --type TYPE, --to ROUTE and --undo")
    selection = DocumentSelection(ids=documents, state=in_state, type=present_type, since=since)
    if bool(documents) + bool(search) + (selection != DocumentSelection(ids=documents)) != 1:
        raise click.UsageError("give DOCUMENTS, or --search, or some of --in-state, --of-type and --since")
    asked = search_of(search) if search else None
    decision = RoutingDecision(type=of_type or "", to=to or "", undo=undo, who=who, why=why)

    async def work(app: App) -> list[CorrectionResult]:
        _refuse_unknown(decision, app.context.config.table)
        ids = await _ids_found(asked, app.context.store) if asked else await _ids(selection, app)
        _confirm(ids, yes=yes or dry_run or bool(documents))
        done = [item async for item in correct_each(ids, decision, app.context, dry_run=dry_run)]
        if wait and not dry_run:
            await settled_by_us(app, [item.document_id for item in done if not item.refused], quiet=True)
        return done

    _report(with_app(work, existing=True), as_json=as_json, dry_run=dry_run)


def _refuse_unknown(decision: RoutingDecision, routing: RouteTable) -> None:
    """Raises click's BadParameter for a type that no row takes, and for an unknown route."""
    if decision.type and not routing.takes(decision.type):
        known = sorted(routing.types)
        meant = did_you_mean(decision.type, known) or f" Known: {', '.join(known)}."
        raise click.BadParameter(f"no route takes type {decision.type!r}.{meant}", param_hint="'--type'")
    if decision.to and decision.to not in (named := list(choices(routing))):
        meant = did_you_mean(decision.to, named) or f" Known: {', '.join(named)}."
        raise click.BadParameter(f"there is no route {decision.to!r}.{meant}", param_hint="'--to'")


async def _ids(selection: DocumentSelection, app: App) -> list[str]:
    """The ids of the documents. Raises NotFound, and click's UsageError for a name that several documents have."""
    if not selection.ids:
        found = await selected_ids(selection, app.context)
        if not found:
            raise NotFound("no documents match: nothing to do", fix="mailroom documents")
    else:
        found = [(await document_called(item, app.context.store)).id for item in dict.fromkeys(selection.ids)]
    if len(found) > MOST_AT_ONCE:
        raise click.UsageError(f"more than {MOST_AT_ONCE:,} documents match: give a smaller selection")
    return found


async def _ids_found(search: Search, store: Store) -> list[str]:
    """The ids of all documents that a search finds. Raises NotFound, and click's UsageError if these may not be all."""
    page = await searched(search, store, limit=MOST_AT_ONCE, cursor=None)
    if page.back_to is not None or page.not_indexed:
        raise click.UsageError("the search cannot look at all documents: add a date (since:), a state or a type")
    if page.cursor:
        raise click.UsageError(f"more than {MOST_AT_ONCE:,} documents match: give a smaller selection")
    if not page.records:
        raise NotFound("no documents match: nothing to do", fix="mailroom documents")
    return [item.id for item in page.records]


def _confirm(ids: Sequence[str], *, yes: bool) -> None:
    if not confirmed(f"Correct {quantity(len(ids), 'document')}?", yes=yes):
        raise click.Abort


def _report(done: Sequence[CorrectionResult], *, as_json: bool, dry_run: bool) -> None:
    """Prints the outcome of each document. Raises click's Exit 1 if none was changed."""
    if as_json:
        print_json({"documents": [item.shown() for item in done], "dry_run": dry_run})
    else:
        rows = [(item.document_id, item.document.name if item.document else "", *_outcome(item)) for item in done]
        table(("document", "name", "", "what"), rows)
        if dry_run:
            say("dry run: nothing was written")
    if not any(item.correction for item in done):
        raise click.exceptions.Exit(1)


def _outcome(item: CorrectionResult) -> tuple[str, list[str]]:
    if item.correction is None:
        return "!", [f"unchanged: {item.refused}"]
    return "✔", [show.reason(item.correction.after), *map(effect_text, item.correction.effects)]


def effect_text(item: PlaceEffect) -> str:
    """What happens at a place, in words."""
    says = f" ({item.meaning})" if item.meaning and item.effect is Effect.NOTIFY else ""
    return f"{WORDS[item.effect]} {item.place}{says}"
