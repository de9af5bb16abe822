"""mailroom replace: replaces a document's file and resubmits it."""

import dataclasses
from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.mending import JSON, WHO, report_mended, tell_price
from receiver.cli.paths import GivenFile
from receiver.cli.running import with_app
from receiver.core.document import Document
from receiver.operations.failed_documents import Skipped, replace_bytes, replacement
from receiver.pipeline.gather_facts import pages_if_countable


@click.command(short_help="Replace a document's file and resubmit it.")
@click.argument("document_id")
@click.argument("file", type=GivenFile())
@WHO
@JSON
def replace(document_id: str, file: Path, who: str, as_json: bool) -> None:
    """Replace a document's file with FILE, for instance an intact copy of a damaged one, and resubmit it.

    The document keeps its id, name and history; the history records the old checksum.
    """

    async def work(app: App) -> Document | Skipped:
        wanted = await replacement(document_id, file, app.context)
        pages = await pages_if_countable(wanted, file, app.context)
        tell_price(dataclasses.replace(wanted, page_count=pages), as_json=as_json)
        return await replace_bytes(document_id, file, app.context, who=who)

    done = with_app(work, existing=True)
    report_mended([done], "replaced and resubmitted", as_json=as_json)
