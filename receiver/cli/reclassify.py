"""mailroom reclassify: has documents classified again after a rule has changed; shows the cost first."""

import click

from receiver.cli.choosing import SEARCH, Chosen
from receiver.cli.mending import JSON, WHO, report_mended, report_price, wanted_at_this_price
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown


@click.command(short_help="Classify documents again by the present rules.")
@click.argument("documents", nargs=-1)
@SEARCH
@click.option("--also-decided", is_flag=True, help="Also documents that a person has decided about.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="List the documents and the cost, without reclassifying.")
@WHO
@JSON
def reclassify(
    documents: tuple[str, ...],
    search: str | None,
    also_decided: bool,
    yes: bool,
    dry_run: bool,
    who: str,
    as_json: bool,
) -> None:
    """Classify documents again by the rules that mailroom.yaml has now: these, or what a search finds.

    DOCUMENTS are ids or their beginnings, file names, or job ids. Each gets a new job, which costs its credits again;
    the cost is shown first. A document that is routed as before is not delivered again. One that is routed elsewhere
    is corrected, as if a person had done it. If the new job fails, the document stays where it is, and says why.

    It skips documents that a person has decided about, packets (use `mailroom recut`) and mails, and those that are
    being processed, have no result (use `mailroom resubmit`), had a failed delivery (use `mailroom replay`), or whose
    content was removed.
    """
    choice = Chosen(documents=documents, search=search, options="DOCUMENTS or --search")

    async def work(it: Mending) -> list[Shown] | None:
        ids = await choice.ids(it, as_json=as_json)
        found = await it.foreseen_reclassification(ids, also_decided=also_decided)
        if dry_run:
            report_price(found, "reclassified", as_json=as_json)
            return None
        if not wanted_at_this_price(found, "reclassified", "Reclassify them?", yes=yes, as_json=as_json):
            raise click.Abort
        return await it.reclassify(ids, who=who, also_decided=also_decided)

    if (done := mend(work)) is not None:
        report_mended(done, "reclassified", as_json=as_json)
