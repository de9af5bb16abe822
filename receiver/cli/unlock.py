"""mailroom unlock: unlocks a PDF with its password, and resubmits it."""

from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.given_file import given_text
from receiver.cli.mending import JSON, WHO, report_mended, tell_price
from receiver.cli.paths import Given
from receiver.cli.running import with_app
from receiver.core.document import Document
from receiver.operations.failed_documents import Skipped, refuse_new_bytes
from receiver.operations.failed_documents import unlock as unlock_document
from receiver.pipeline.records import document_named

PASSWORD_FILE_BYTES = 64 * 1024


@click.command(short_help="Unlock a PDF with its password and resubmit it.")
@click.argument("document_id")
@click.option(
    "--password-file",
    required=True,
    type=Given(),
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
        document = await document_named(document_id, app.context.store)
        refuse_new_bytes(document)
        tell_price(document, as_json=as_json)
        return await unlock_document(document_id, password, app.context, who=who)

    done = with_app(work, existing=True)
    report_mended([done], "unlocked and resubmitted", as_json=as_json)


def _first_line(path: Path) -> str:
    text = given_text(path, most_bytes=PASSWORD_FILE_BYTES, hint="'--password-file'")
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise click.BadParameter(f"{path} has no password on its first line", param_hint="'--password-file'")
    return password
