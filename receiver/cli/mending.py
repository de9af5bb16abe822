"""Shared by the commands that fix documents: who decides, which documents, and the output."""

import sys
from collections.abc import Sequence

import click

from receiver.cli.operations import Shown
from receiver.cli.output import print_json, say, table
from receiver.cli.person_text import NAME
from receiver.cli.user import user_name
from receiver.core.errors import NotFound

WHO = click.option(
    "--who", type=NAME, default=user_name, show_default="you", help="Who decides; recorded on the document."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
CAUSE = click.option("--cause", help="All unfixed documents of this incident, by the key in its alert.")


def report_mended(done: Sequence[Shown], action: str, *, as_json: bool) -> None:
    """Prints the outcome of each document. Raises click's Exit 1 if none was changed, or if that is not known."""
    if as_json:
        said = {True: action, False: "nothing", None: "unknown"}
        rows = [{**item, "done": said[item["done"]]} for item in done]
        print_json({"documents": rows})
    else:
        table(("document", "name", "", "what"), [_row(item, action) for item in done])
    fail_unless_done(done)


def fail_unless_done(done: Sequence[Shown]) -> None:
    """Raises click's Exit 1 if no document was changed, or if that is not known of one."""
    if not any(item["done"] for item in done) or any(item["done"] is None for item in done):
        raise click.exceptions.Exit(1)


def undone(item: Shown) -> tuple[str, str]:
    """The mark and the text of a document that was not changed, or of which nobody knows."""
    return ("?", item["why"]) if item["done"] is None else ("!", f"unchanged: {item['why']}")


def _row(item: Shown, action: str) -> tuple[str, str, str, str]:
    if not item["done"]:
        return item["document_id"], item["name"] or "", *undone(item)
    return item["document_id"], item["name"], "✔", action


def report_price(found: Shown, action: str, *, as_json: bool) -> None:
    """Prints what a dry run found: each document, and the price of those that something would be done with."""
    if as_json:
        kept = ("document_id", "name", "why_not")
        rows = [{key: item[key] for key in kept} for item in found["documents"]]
        print_json({"documents": rows, "price": found["price"], "dry_run": True})
        return
    rows_ = [
        (item["document_id"], item["name"], item["pages"] or "?", item["why_not"] or f"would be {action}")
        for item in found["documents"]
    ]
    table(("document", "name", "pages", "what"), rows_)
    outcome_text(f"{found['price']}; dry run: nothing was written", as_json=as_json)


def wanted_at_this_price(found: Shown, action: str, question: str, *, yes: bool, as_json: bool) -> bool:
    """Names the price and asks the person to confirm it; where there is nothing to pay for, nobody is asked."""
    if not (wanted := found["wanted"]):
        return True
    counted = f"{wanted} of {len(found['documents'])} documents will be {action}"
    outcome_text(f"{counted}: {found['price']}", as_json=as_json)
    return confirmed(question, yes=yes)


def tell_price(price: str, *, as_json: bool) -> None:
    """Prints what submitting a document with new bytes will cost, where that is known before."""
    if price:
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
