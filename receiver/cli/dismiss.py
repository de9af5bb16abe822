"""mailroom dismiss: closes failed documents without delivering them."""

import click

from receiver.cli.choosing import SEARCH, Chosen
from receiver.cli.mending import CAUSE, JSON, WHO, report_mended
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.person_text import REASON


@click.command(short_help="Close failed documents without delivering them.")
@click.argument("documents", nargs=-1)
@SEARCH
@CAUSE
@click.option("--note", type=REASON, required=True, help="Reason; recorded on the document.")
@WHO
@JSON
def dismiss(
    documents: tuple[str, ...], search: str | None, cause: str | None, note: str, who: str, as_json: bool
) -> None:
    """Close these documents without delivering them; they count as failed.

    DOCUMENTS are ids or their beginnings, file names, or job ids. Mailroom keeps their records and anything already
    delivered. You can still resubmit a dismissed document.
    """
    choice = Chosen(documents=documents, search=search, cause=cause)

    async def work(it: Mending) -> list[Shown]:
        return await it.dismiss(await choice.ids(it, as_json=as_json), note, who=who)

    report_mended(mend(work), "dismissed", as_json=as_json)
