"""mailroom unlock: unlocks a PDF with its password, and resubmits it."""

import sys
from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.mending import JSON, WHO, report_mended, tell_price
from receiver.cli.running import with_app
from receiver.core.document import Document
from receiver.core.errors import Malformed
from receiver.operations.failed_documents import Skipped, document_named, refuse_new_bytes
from receiver.operations.failed_documents import unlock as unlock_document


@click.command(short_help="Unlock a PDF with its password and resubmit it.")
@click.argument("document_id")
@click.option(
    "--password-file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file whose first line is the password; - reads standard input. Mailroom does not store it.",
)
@WHO
@JSON
def unlock(document_id: str, password_file: Path, who: str, as_json: bool) -> None:
    """Unlock a PDF with its password and resubmit it; Mailroom delivers the unlocked PDF.

    The password comes from a file, which keeps it out of the shell history and the process list.
    """
    password = _first_line(password_file)

    async def work(app: App) -> Document | Skipped:
        document = await document_named(document_id, app.context)
        refuse_new_bytes(document)
        tell_price(document, as_json=as_json)
        return await unlock_document(document_id, password, app.context, who=who)

    done = with_app(work)
    report_mended([done], "unlocked and resubmitted", as_json=as_json)


def _first_line(path: Path) -> str:
    text = sys.stdin.readline() if str(path) == "-" else path.read_text(encoding="utf-8").partition("\n")[0]
    password = text.rstrip("\r\n")
    if not password:
        raise Malformed(f"{path} has no password on its first line")
    return password
