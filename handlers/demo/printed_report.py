"""The report for people: a line for each document, and below it where it is stored, or why it waits.

Its lines are the same at any width and fit into 80 columns. A pipe gets them uncut.
"""

import sys
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from handlers.demo.report import Report
from receiver.cli.output import plain, say
from receiver.core.balance import Tally
from receiver.core.document import DeliveryState, DocumentState
from receiver.core.pages import spans
from receiver.core.quantity import times

NAME_COLUMNS = 44
STYLES = {
    DocumentState.ROUTED: "green",
    DocumentState.REVIEW: "yellow",
    DocumentState.FAILED: "red",
    DocumentState.OPEN: "red",
    DocumentState.WITHDRAWN: "dim",
}


def show(report: Report, *, seconds: float) -> None:
    """Prints the mail, the alerts, the totals, and what was skipped."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    console.print(Text(f"The mail: {len(report.documents)} documents in {seconds:.1f} s", style="bold"))
    for line in _mail(report.documents, console.width if console.is_terminal else 0):
        console.print(line)
    if report.alerts:
        console.print(Text("\nAlerts", style="bold"))
    for alert in report.alerts:
        console.print(Text(f"  {alert['kind']}, {times(alert['count'])}: {plain(alert['title'])}", style="red"))
        console.print(Text(f"      {alert['fix']}", style="dim"))
    console.print(Text(f"\nTotals: {_sum(report.totals)}", style="bold" if report.settled else "bold red"))
    for item in report.refused:
        say(f"skipped: {item.name}: {item.reason}", err=True)


def _mail(documents: list[dict[str, Any]], width: int) -> Iterator[Text]:
    for item in documents:
        name = f"  p. {spans(item['pages'])}" if "parent" in item else item["name"]
        kind = item["type"] or ("packet" if item.get("packet") else "-")
        sure = "" if item["confidence"] is None else f"{item['confidence']:.2f}"
        state = Text(item["state"], style=STYLES[DocumentState(item["state"])])
        yield Text(f"  {_fitted(name)}  {kind:16} {sure:4}  ") + state
        if item["state"] != DocumentState.ROUTED:
            yield Text(f"      {plain(item['reason'])}")
        yield from (Text(f"      {_place(each, width - 6)}", style="dim") for each in item["deliveries"])


def _fitted(name: str) -> str:
    """The name in NAME_COLUMNS columns; a longer one loses its middle."""
    name = plain(name).replace("\n", " ")
    if cell_len(name) > NAME_COLUMNS:
        end = chop_cells(name[::-1], 14)[0][::-1]
        start = chop_cells(name, NAME_COLUMNS - 1 - cell_len(end))[0]
        name = f"{start}…{end}"
    return name + " " * (NAME_COLUMNS - cell_len(name))


def _place(delivery: dict[str, Any], width: int) -> str:
    """Where the document is stored; on a narrow terminal without the file name, which is on the line above."""
    location = delivery["location"] or delivery["to"]
    if 0 < width < cell_len(location):
        location = f"{location.rpartition('/')[0]}/…"
    return location if delivery["status"] == DeliveryState.DELIVERED else f"{location}: {delivery['status']}"


def _sum(totals: Tally) -> str:
    parts = f"{totals.routed} routed + {totals.review} in review + {totals.failed} failed + {totals.open} open"
    apart = f"; {totals.withdrawn} withdrawn" if totals.withdrawn else ""
    return f"{totals.received} received {'=' if totals.balanced else '≠'} {parts}{apart}"
