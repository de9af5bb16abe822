"""Shared by the commands that fix documents: who decides, which documents, and the output."""

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import click

from receiver.alerting.incidents import documents_of
from receiver.bootstrap import App
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.person_text import NAME
from receiver.cli.user import user_name
from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.core.price import price_of
from receiver.operations.document_search import documents_called
from receiver.operations.failed_documents import Skipped
from receiver.pipeline.records import document_named
from receiver.ports import Store

WHO = click.option(
    "--who", type=NAME, default=user_name, show_default="you", help="Who decides; recorded on the document."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
CAUSE = click.option("--cause", help="All unfixed documents of this incident, by the key in its alert.")


async def chosen_documents(app: App, ids: Sequence[str], cause: str | None) -> AsyncIterator[Document]:
    """The documents with these ids, or those of an incident. Raises NotFound."""
    for document_id in dict.fromkeys(ids):
        yield await document_named(document_id, app.context.store)
    if cause:
        async for document in documents_of(cause, app.context.store):
            yield document


async def document_called(word: str, store: Store) -> Document:
    """The document that this word names. Raises NotFound, and click's UsageError for a name that several have."""
    found = await documents_called(word, store)
    if len(found) > 1:
        ids = ", ".join(item.id for item in found)
        raise click.UsageError(f"{one_line(word)!r} names several documents: {ids}")
    return found[0]


def report_mended(done: Sequence[Document | Skipped], action: str, *, as_json: bool) -> None:
    """Prints the outcome of each document. Raises click's Exit 1 if none was changed."""
    if as_json:
        print_json({"documents": [_data(item, action) for item in done]})
    else:
        table(("document", "name", "", "what"), [_row(item, action) for item in done])
    if not any(isinstance(item, Document) for item in done):
        raise click.exceptions.Exit(1)


def _data(item: Document | Skipped, action: str) -> dict[str, str | None]:
    why = item.why if isinstance(item, Skipped) else None
    document = item.document if isinstance(item, Skipped) else item
    done = "nothing" if why else action
    return {"document_id": document.id, "name": document.name, "state": document.state, "done": done, "why": why}


def _row(item: Document | Skipped, action: str) -> tuple[str, str, str, str]:
    if isinstance(item, Skipped):
        return item.document.id, item.document.name, "!", f"unchanged: {item.why}"
    return item.id, item.name, "✔", action


def tell_price(document: Document, *, as_json: bool) -> None:
    """Prints what submitting this document with new bytes will cost."""
    price = price_of([replace(document, content="")])  # new bytes are uploaded, also those of a parse job
    outcome_text(f"it will be submitted again: {price}", as_json=as_json)


def confirmed(question: str, *, yes: bool) -> bool:
    """Asks the person at the terminal to confirm; without a terminal only ``--yes`` does."""
    if yes:
        return True
    if not at_a_terminal():
        raise click.UsageError("there is no terminal to ask on: add --yes, or --dry-run to preview")
    return click.confirm(question)


def at_a_terminal() -> bool:
    """Whether there is a terminal to ask on."""
    return sys.stdin.isatty()


def nothing_found() -> NotFound:
    """The error for a selection without documents."""
    return NotFound("no documents match: nothing to do", fix="mailroom alerts list, mailroom documents")


def outcome_text(line: str, *, as_json: bool) -> None:
    """Prints the message, unless JSON is printed."""
    if not as_json:
        say(line)
