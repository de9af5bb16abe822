"""mailroom unlock: unlocks a PDF with its password, and resubmits it."""

from pathlib import Path

import click

from receiver.cli.document_list import document_called
from receiver.cli.given_file import given_text
from receiver.cli.mending import JSON, WHO, report_mended, tell_price
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.paths import Given

PASSWORD_FILE_BYTES = 64 * 1024


@click.command(short_help="Unlock a PDF with its password and resubmit it.")
@click.argument("document")
@click.option(
    "--password-file",
    required=True,
    type=Given(),
    help="A file whose first line is the password; - reads standard input. Mailroom does not store it.",
)
@WHO
@JSON
def unlock(document: str, password_file: Path, who: str, as_json: bool) -> None:
    """Unlock a PDF with its password and resubmit it; Mailroom delivers the unlocked PDF.

    DOCUMENT is an id or its beginning, a file name, or a job id.

    The password comes from a file, which keeps it out of the shell history and the process list.
    """
    password = _first_line(password_file)

    async def work(it: Mending) -> Shown:
        document_id = (await document_called(document, it, as_json=as_json))["document_id"]
        tell_price(await it.price_of_new_bytes(document_id, None), as_json=as_json)
        return await it.unlock(document_id, password, who=who)

    report_mended([mend(work)], "unlocked and resubmitted", as_json=as_json)


def _first_line(path: Path) -> str:
    text = given_text(path, most_bytes=PASSWORD_FILE_BYTES, hint="'--password-file'")
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise click.BadParameter(f"{path} has no password on its first line", param_hint="'--password-file'")
    return password
