"""mailroom replace: a document gets the bytes of another file, and is submitted anew."""

from pathlib import Path

import click

from receiver.cli.mending import JSON, WHO, report_mended
from receiver.cli.running import with_app
from receiver.operations.failed_documents import replace_bytes


@click.command(short_help="Give a document another file, and submit it anew.")
@click.argument("document_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@WHO
@JSON
def replace(document_id: str, file: Path, who: str, as_json: bool) -> None:
    """Give a document another FILE, for instance a sound copy of a damaged one, and submit it anew.

    Its id, its name and its timeline stay; the checksum that it had before is noted down there.
    """
    done = with_app(lambda app: replace_bytes(document_id, file, app.context, who=who))
    report_mended([done], "replaced and submitted anew", as_json=as_json)
