"""mailroom recut: cuts a packet by hand."""

import click

from receiver.cli.document_list import document_called
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.output import print_json, say
from receiver.cli.person_text import NAME
from receiver.cli.user import user_name
from receiver.core.errors import Malformed
from receiver.core.pages import Segment, read_spans
from receiver.core.price import price_of_pages
from receiver.packets.correct import CutRequest, cut_text, read_piece


@click.command(short_help="Cut a packet by hand.")
@click.argument("document")
@click.argument("pieces", nargs=-1)
@click.option("--merge", help="Merge the pieces that hold these pages: 3-5.")
@click.option("--who", type=NAME, default=user_name, show_default="you", help="Who decides; recorded on the packet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def recut(document: str, pieces: tuple[str, ...], merge: str | None, who: str, as_json: bool) -> None:
    """Cut a packet by hand: `mailroom recut DOCUMENT 1-4 5-13=invoice 14=blank`.

    DOCUMENT is an id or its beginning, a file name, or a job id. Each page must be in exactly one piece. A piece with a
    type is routed by that type; a piece without one is classified; `blank` is kept and not delivered. Replaced pieces
    are withdrawn; what was delivered stays.
    """
    if bool(pieces) == bool(merge):
        raise click.UsageError("give pieces like 1-4 5-13, or --merge 3-5")
    request = CutRequest(pieces=tuple(map(read_piece, pieces)), merge=_pages(merge) if merge else (), who=who)
    untyped = sum(len(item.pages) for item in request.pieces if not item.category)
    if untyped and not as_json:
        say(f"pieces without a type will be classified: {price_of_pages(untyped)}")

    async def work(it: Mending) -> Shown:
        document_id = (await document_called(document, it, as_json=as_json))["document_id"]
        return await it.recut(document_id, request)

    packet = mend(work)
    if as_json:
        print_json(packet)
    else:
        made = [
            Segment(category=item["category"], pages=tuple(item["pages"]), confidence=item["confidence"])
            for item in packet["cuts"][-1]["pieces"]
        ]
        say(f"{packet['name']}: is cut into {len(made)} pieces: {cut_text(made)}")


def _pages(text: str) -> tuple[int, ...]:
    try:
        return read_spans(text)
    except ValueError as error:
        raise Malformed(str(error)) from error
