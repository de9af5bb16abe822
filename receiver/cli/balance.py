"""mailroom balance: the totals of documents."""

import click

from receiver.cli.listing import moment_text
from receiver.cli.numbers import WholeNumber
from receiver.cli.operating import operate
from receiver.cli.operations import Shown
from receiver.cli.output import print_json, say, table

HEADINGS = {"taken_in": "received", "forgotten": "removed"}
"""JSON keys of totals whose column heading differs."""


@click.command(short_help="Show document totals and overdue documents.")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=WholeNumber(),
    help="Maximum number of overdue documents to show.",
)
@click.option("--recount", "counting", is_flag=True, help="Also count every document, and name what differs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def balance(limit: int, counting: bool, as_json: bool) -> None:
    """Show document totals (received = routed + review + failed + open + removed) and overdue documents, oldest first.

    Removed documents are those whose records retention deleted. Withdrawn pieces of re-cut packets are counted
    separately.

    Exit 1 if the totals do not balance, differ from the documents on record, or a document is overdue. Whether the
    documents are where the records say: mailroom verify.
    """
    found = operate(lambda it: it.balance(limit=limit, recount=counting))
    if as_json:
        print_json(found["balance"] | {key: value for key, value in found.items() if key != "balance"})
    else:
        _print(found, counting=counting)
    counted = found.get("recount")
    wrong = counted is not None and not counted["clean"] and not counted["changed"]
    raise SystemExit(0 if found["balanced"] and not found["overdue"] and not wrong else 1)


def _print(found: Shown, *, counting: bool) -> None:
    totals, counted = found["balance"], found.get("recount")
    names = ["taken_in", "routed", "review", "failed", "open", *(["forgotten"] if totals["forgotten"] else [])]
    table([HEADINGS.get(name, name) for name in names], [[str(totals[name]) for name in names]])
    say("the totals balance" if found["balanced"] else "THE TOTALS DO NOT BALANCE")
    if not found["balanced"] and not counting:
        say("  to find what differs: mailroom balance --recount")
    if totals["withdrawn"]:
        say(f"counted separately: {totals['withdrawn']} withdrawn, whose pages are in other pieces of their packets")
    if counted:
        _say_counted(counted)
    if found["overdue"]:
        rows = [
            (item["document_id"], item["name"], moment_text(item["deadline"]), item["reason"])
            for item in found["overdue"]
        ]
        table(("overdue", "name", "since", "status"), rows)


def _say_counted(counted: Shown) -> None:
    """Names each total that differs from the records, and each document whose state does not follow from them."""
    if counted["clean"]:
        say("counted one by one: the records say the same")
    for name, item in counted["differences"].items():
        say(f"{name}: {item['totals']} by the totals, {item['records']} on record")
    if counted["differences"] and counted["changed"]:
        say("documents changed while they were counted: count again before you believe a difference")
    rows = [(item["document_id"], item["name"], item["state"], item["follows"]) for item in counted["odd"]]
    if rows:
        table(("document", "name", "state on record", "by its deliveries"), rows)
    if counted["odd_count"] > len(rows):
        say(f"and {counted['odd_count'] - len(rows)} more")
