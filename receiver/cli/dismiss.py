"""mailroom dismiss: closes failed documents without delivering them."""

import click

from receiver.bootstrap import App
from receiver.cli.mending import CAUSE, JSON, WHO, chosen_documents, nothing_found, report_mended
from receiver.cli.person_text import REASON
from receiver.cli.running import with_app
from receiver.core.document import Document
from receiver.operations.failed_documents import Skipped
from receiver.operations.failed_documents import dismiss as dismiss_document


@click.command(short_help="Close failed documents without delivering them.")
@click.argument("ids", nargs=-1)
@CAUSE
@click.option("--note", type=REASON, required=True, help="Reason; recorded on the document.")
@WHO
@JSON
def dismiss(ids: tuple[str, ...], cause: str | None, note: str, who: str, as_json: bool) -> None:
    """Close these documents without delivering them; they count as failed.

    Mailroom keeps their records and anything already delivered. You can still resubmit a dismissed document.
    """
    if bool(ids) == bool(cause):
        raise click.UsageError("give document ids, or --cause")
    done = with_app(lambda app: _dismiss(app, ids, cause, note, who), existing=True)
    report_mended(done, "dismissed", as_json=as_json)


async def _dismiss(app: App, ids: tuple[str, ...], cause: str | None, note: str, who: str) -> list[Document | Skipped]:
    documents = [item async for item in chosen_documents(app, ids, cause)]
    if not documents:
        raise nothing_found()
    return [await dismiss_document(item.id, note, app.context, who=who) for item in documents]
