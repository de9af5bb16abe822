"""mailroom correct: gives documents another type or route, whatever their state, or undoes that."""

from collections.abc import Sequence

import click

from receiver.cli.choosing import SEARCH, Chosen
from receiver.cli.listing import MOMENT
from receiver.cli.mending import JSON, WHO, confirmed, fail_unless_done, nothing_found, undone
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.output import print_json, say, table
from receiver.cli.person_text import REASON
from receiver.cli.suggestions import ClosestChoice
from receiver.core.document import DocumentState
from receiver.core.effects import Effect
from receiver.core.quantity import quantity
from receiver.operations.bulk_correction import MOST_AT_ONCE, DocumentSelection
from receiver.operations.manual_routing import RoutingDecision

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
@SEARCH
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
    decision = RoutingDecision(type=of_type or "", to=to or "", undo=undo, who=who, why=why)

    async def work(it: Mending) -> list[Shown]:
        await it.refuse_decision(decision)
        ids = await _ids(selection, search, it, as_json=as_json)
        if not confirmed(_question(decision, len(ids)), yes=yes or dry_run or bool(documents)):
            raise click.Abort
        done = await it.correct(ids, decision, dry_run=dry_run)
        if wait and not dry_run:
            await it.settled([item["document_id"] for item in done if item["done"]])
        return done

    done = mend(work)
    _report(done, as_json=as_json, dry_run=dry_run, undo=undo)
    fail_unless_done(done)


async def _ids(selection: DocumentSelection, search: str | None, operations: Mending, *, as_json: bool) -> list[str]:
    """The ids of the documents. Raises NotFound, and click's UsageError for a name that several documents have."""
    if selection.ids or search:
        return await Chosen(documents=selection.ids, search=search).ids(operations, as_json=as_json)
    found: list[str] = []
    async for document_id in operations.selected(selection):
        found.append(document_id)
        if len(found) > MOST_AT_ONCE:
            raise click.UsageError(f"more than {MOST_AT_ONCE:,} documents match: give a smaller selection")
    if not found:
        raise nothing_found()
    return found


def _question(decision: RoutingDecision, number: int) -> str:
    if decision.undo:
        return f"Undo the last decision about {quantity(number, 'document')}?"
    if decision.type:
        return f"Set the type of {quantity(number, 'document')} to {decision.type}?"
    return f"Route {quantity(number, 'document')} by {decision.to}?"


def _report(done: Sequence[Shown], *, as_json: bool, dry_run: bool, undo: bool) -> None:
    if as_json:
        print_json({"documents": list(done), "dry_run": dry_run})
        return
    rows = [(item["document_id"], item["name"] or "", *_outcome(item, undo=undo)) for item in done]
    table(("document", "name", "", "what"), rows)
    if len(done) > 1:
        changed = sum(item["done"] for item in done)
        outcome = "put back" if undo else "corrected"
        say(f"{changed:,} of {len(done):,} documents {'would be ' if dry_run else ''}{outcome}")
    if dry_run:
        say("dry run: nothing was written")


def _outcome(item: Shown, *, undo: bool) -> tuple[str, list[str]]:
    if not item["done"]:
        mark, why = undone(item)
        return mark, [why]
    reason = item["change"]["reason"]
    return "✔", [f"undone, back to: {reason}" if undo else reason, *map(effect_text, item["change"]["effects"])]


def effect_text(item: Shown) -> str:
    """What happens at a place, in words."""
    effect = Effect(item["effect"])
    says = f" ({item['meaning']})" if item["meaning"] and effect is Effect.NOTIFY else ""
    return f"{WORDS[effect]} {item['place']}{says}"
