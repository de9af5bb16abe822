"""mailroom replace: replaces a document's file and resubmits it."""

from pathlib import Path

import click

from receiver.cli.document_list import document_called
from receiver.cli.mending import JSON, WHO, report_mended, tell_price
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.paths import GivenFile


@click.command(short_help="Replace a document's file and resubmit it.")
@click.argument("document")
@click.argument("file", type=GivenFile())
@WHO
@JSON
def replace(document: str, file: Path, who: str, as_json: bool) -> None:
    """Replace a document's file with FILE, for instance an intact copy of a damaged one, and resubmit it.

    DOCUMENT is an id or its beginning, a file name, or a job id. The document keeps its id and history, and its
    name unless FILE is of another kind (a text for a PDF): then it takes FILE's. The history records the old name and
    checksum.
    """

    async def work(it: Mending) -> Shown:
        document_id = (await document_called(document, it, as_json=as_json))["document_id"]
        tell_price(await it.price_of_new_bytes(document_id, file), as_json=as_json)
        return await it.replace(document_id, file, who=who)

    report_mended([mend(work)], "replaced and resubmitted", as_json=as_json)
