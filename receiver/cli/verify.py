"""mailroom verify: reads every copy of documents back, and compares it with the records."""

from collections.abc import AsyncIterator, Mapping, Sequence

import click

from receiver import show
from receiver.cli.choosing import SEARCH
from receiver.cli.document_list import documents_given, search_of
from receiver.cli.listing import MOMENT
from receiver.cli.mending import JSON, WHO
from receiver.cli.operating import mend
from receiver.cli.operations import Mending
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.progress import bar
from receiver.cli.suggestions import ClosestChoice
from receiver.core.copy_check import CheckedCopy, CheckTotals, CopyKind, CopyState, DocumentCheck, Verdict
from receiver.core.document import DocumentState
from receiver.core.quantity import quantity
from receiver.operations.bulk_correction import DocumentSelection

STATES = ClosestChoice([state.value for state in DocumentState])
LISTED = 1000
"""Documents that are listed; all are counted."""
SIGNS = {CopyState.INTACT: "✔", CopyState.DIFFERENT: "✘", CopyState.MISSING: "✘", CopyState.UNREADABLE: "✘"}
PLACES = {
    CopyKind.RECEIVED: "as received",
    CopyKind.COPY: "copies",
    CopyKind.MANIFEST: "manifests",
    CopyKind.MESSAGE: "messages",
}
SAYS = {
    Verdict.DIFFERENT: "other bytes, or another manifest, at a place",
    Verdict.MISSING: "something is missing at a place",
    Verdict.UNREADABLE: "a place cannot be read, so its content is unknown",
    Verdict.INTACT: "everything that can be read back is as recorded",
    Verdict.UNPROVEN: "nothing can be read back: only messages, or removed by retention",
}


@click.command(short_help="Read every copy of documents back and compare it.")
@click.argument("documents", nargs=-1)
@SEARCH
@click.option("--state", type=STATES, help="Instead of DOCUMENTS: those in this state.")
@click.option("--type", "of_type", help="Instead of DOCUMENTS: those of this matched type.")
@click.option("--since", type=MOMENT, help="Instead of DOCUMENTS: those received since: 2026-11-22, 2h, 7d.")
@click.option("--all", "everything", is_flag=True, help="Instead of DOCUMENTS: all of them.")
@click.option("--restore", is_flag=True, help="Deliver again what is missing. What is different stays as it is.")
@WHO
@JSON
def verify(
    documents: tuple[str, ...],
    search: str | None,
    state: str | None,
    of_type: str | None,
    since: float | None,
    everything: bool,
    restore: bool,
    who: str,
    as_json: bool,
) -> None:
    """Read back every copy of DOCUMENTS that the records name, and compare bytes (SHA-256) and manifests.

    DOCUMENTS are ids or their beginnings, names of files, or job ids. S3, folders and the spool are read; a message or
    an endpoint cannot be, and is listed with what its record proves. Named documents are listed with every place, of a
    selection those with a difference.

    Exit 1 if anything is different, missing or unreadable.
    """
    selection = DocumentSelection(ids=documents, state=state, type=of_type, since=since)
    chosen = bool(documents) + bool(search) + everything + (selection != DocumentSelection(ids=documents))
    if chosen != 1:
        raise click.UsageError("give DOCUMENTS, or --search, or --all, or some of --state, --type and --since")
    totals, listed, outcomes = CheckTotals(), list[DocumentCheck](), dict[str, str]()

    async def work(it: Mending) -> None:
        with bar("verify", len(documents) or None, quiet=as_json) as advance:

            def found(check: DocumentCheck) -> None:
                totals.add(check)
                advance()
                if (documents or check.differs) and len(listed) < LISTED:
                    listed.append(check)

            await it.verify_each(_ids(selection, search, it, as_json=as_json), found)

        for check in listed if restore else ():
            outcomes[check.document_id] = await it.restore(check, who=who)

    mend(work)
    _report(totals, listed, outcomes, whole=bool(documents), as_json=as_json)
    raise SystemExit(1 if totals.differ else 0)


async def _ids(
    selection: DocumentSelection, search: str | None, operations: Mending, *, as_json: bool
) -> AsyncIterator[str]:
    """Raises NotFound, and click's UsageError for a name that several have."""
    if search:
        for document_id in await operations.found_ids(search_of(search)):
            yield document_id
    elif selection.ids:
        for item in await documents_given(selection.ids, operations, as_json=as_json):
            yield item["document_id"]
    else:
        async for document_id in operations.selected(selection):
            yield document_id


def _report(
    totals: CheckTotals, listed: Sequence[DocumentCheck], outcomes: Mapping[str, str], *, whole: bool, as_json: bool
) -> None:
    unlisted = (totals.documents.total() if whole else totals.differ) - len(listed)
    if as_json:
        shown = [show.check(item) | {"restored": outcomes.get(item.document_id) or None} for item in listed]
        print_json({"documents": shown, "unlisted": unlisted, "totals": totals.shown()})
        return
    for check in listed:
        say(f"{one_line(check.name)}  {check.document_id}: {check.verdict}")
        table(("", "place", "what", "why"), [_row(item) for item in check.copies if whole or item.differs])
        if done := outcomes.get(check.document_id):
            say(f"  {done}")
    if unlisted:
        say(f"and {quantity(unlisted, 'document')} more")
    if not totals.documents:
        say("no documents match: nothing was verified")
        return
    found = [item for item in Verdict if totals.documents[item]]
    table(("documents", "", "that is"), [(str(totals.documents[item]), item.value, SAYS[item]) for item in found])
    for kind in CopyKind:
        if states := totals.places.get(kind):
            say(f"{PLACES[kind]}: {', '.join(f'{number} {_words(state)}' for state, number in states.items())}")


def _row(item: CheckedCopy) -> tuple[str, str, str, list[str]]:
    hashes = [f"on record {item.expected}", f"stored    {item.found}"] if item.state is CopyState.DIFFERENT else []
    why = [item.why, *(hashes if item.found else []), *([f"fix: {item.fix}"] if item.fix else [])]
    return SIGNS.get(item.state, "-"), item.place, f"{item.kind} {_words(item.state)}", why


def _words(state: str) -> str:
    return state.replace("_", " ")
