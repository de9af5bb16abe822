"""What the commands that mend documents share: who says so, how they are chosen, and what is printed."""

import getpass
import sys
from collections.abc import AsyncIterator, Sequence

import click

from receiver.bootstrap import App
from receiver.cli.output import print_json, say, table
from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.flow.incidents import documents_of
from receiver.flow.mend import Skipped, document_named

WHO = click.option("--who", default=getpass.getuser, show_default="you", help="Whose decision this is; it is kept.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
CAUSE = click.option("--cause", help="All documents of this incident that are not mended yet, as an alert names it.")


async def chosen(app: App, ids: Sequence[str], cause: str | None) -> AsyncIterator[Document]:
    """The documents that are named, or those of an incident. Raises NotFound."""
    for document_id in dict.fromkeys(ids):
        yield await document_named(document_id, app.tools)
    if cause:
        async for document in documents_of(cause, app.tools.store):
            yield document


def report(done: Sequence[Document | Skipped], deed: str, *, as_json: bool) -> None:
    """Prints what became of each document. Raises click's Exit 1 when nothing was done to any."""
    if as_json:
        print_json({"documents": [_data(one, deed) for one in done]})
    else:
        table(("document", "name", "", "what"), [_row(one, deed) for one in done])
    if not any(isinstance(one, Document) for one in done):
        raise click.exceptions.Exit(1)


def _data(one: Document | Skipped, deed: str) -> dict[str, str | None]:
    why = one.why if isinstance(one, Skipped) else None
    document = one.document if isinstance(one, Skipped) else one
    done = "nothing" if why else deed
    return {"document_id": document.id, "name": document.name, "state": document.state, "done": done, "why": why}


def _row(one: Document | Skipped, deed: str) -> tuple[str, str, str, str]:
    if isinstance(one, Skipped):
        return one.document.id, one.document.name, "!", f"left as it is: {one.why}"
    return one.id, one.name, "✔", deed


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether the person at the terminal wants it; without one only ``--yes`` says so."""
    if yes:
        return True
    if not at_a_terminal():
        raise click.UsageError("nobody can be asked here: add --yes, or --dry-run to see it only")
    return click.confirm(question)


def at_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def nothing_found() -> NotFound:
    """The error of a choice that names no document."""
    return NotFound(
        "no document is chosen by that: there is nothing to do", fix="mailroom alerts list, mailroom documents"
    )


def said(line: str, *, as_json: bool) -> None:
    """Says it, unless JSON is printed."""
    if not as_json:
        say(line)
