"""mailroom resubmit: resubmits documents whose job failed; shows the cost first."""

import click

from receiver.cli.choosing import SEARCH, Chosen
from receiver.cli.listing import MOMENT
from receiver.cli.mending import CAUSE, JSON, WHO, report_mended, report_price, wanted_at_this_price
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown


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
            report_price(found, "resubmitted", as_json=as_json)
            return None
        if not wanted_at_this_price(found, "resubmitted", "Resubmit them?", yes=yes, as_json=as_json):
            raise click.Abort
        return await it.resubmit(ids, who=who)

    if (done := mend(work)) is not None:
        report_mended(done, "resubmitted", as_json=as_json)
