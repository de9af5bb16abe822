"""mailroom resubmit: resubmits documents whose job failed; shows the cost first."""

import click

from receiver.cli.choosing import SEARCH, Chosen
from receiver.cli.listing import MOMENT
from receiver.cli.mending import CAUSE, JSON, WHO, confirmed, outcome_text, report_mended
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.output import print_json, table


@click.command(short_help="Resubmit documents whose job failed.")
@click.argument("documents", nargs=-1)
@SEARCH
@CAUSE
@click.option("--failed-since", type=MOMENT, help="All documents that failed since: 2026-11-22, 2h, 7d.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="List the documents and the cost, without resubmitting.")
@WHO
@JSON
def resubmit(
    documents: tuple[str, ...],
    search: str | None,
    cause: str | None,
    failed_since: float | None,
    yes: bool,
    dry_run: bool,
    who: str,
    as_json: bool,
) -> None:
    """Resubmit documents whose job failed: these, what a search finds, those of an incident, or all that failed since.

    DOCUMENTS are ids or their beginnings, file names, or job ids. It uploads the files again, and first shows the cost:
    each document costs its credits again. It skips documents that have a result; for those use `mailroom replay`, or
    `mailroom reclassify` after a rule has changed.
    """
    options = "DOCUMENTS, --search, --cause or --failed-since"
    choice = Chosen(documents=documents, search=search, cause=cause, failed_since=failed_since, options=options)

    async def work(it: Mending) -> list[Shown] | None:
        ids = await choice.ids(it, as_json=as_json)
        found = await it.foreseen_resubmission(ids)
        if dry_run:
            _foretell(found, as_json=as_json)
            return None
        if wanted := found["wanted"]:
            counted = f"{wanted} of {len(ids)} documents will be resubmitted"
            outcome_text(f"{counted}: {found['price']}", as_json=as_json)
            if not confirmed("Resubmit them?", yes=yes):
                raise click.Abort
        return await it.resubmit(ids, who=who)

    if (done := mend(work)) is not None:
        report_mended(done, "resubmitted", as_json=as_json)


def _foretell(found: Shown, *, as_json: bool) -> None:
    if as_json:
        kept = ("document_id", "name", "why_not")
        rows = [{key: item[key] for key in kept} for item in found["documents"]]
        print_json({"documents": rows, "price": found["price"], "dry_run": True})
        return
    rows_ = [
        (item["document_id"], item["name"], item["pages"] or "?", item["why_not"] or "would be resubmitted")
        for item in found["documents"]
    ]
    table(("document", "name", "pages", "what"), rows_)
    outcome_text(f"{found['price']}; dry run: nothing was written", as_json=as_json)
