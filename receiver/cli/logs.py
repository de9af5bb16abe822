"""mailroom logs: everything that happened to a document, in the order of time."""

import click

from receiver.cli.document_list import document_called
from receiver.cli.listing import moment_text, proofs_text
from receiver.cli.mending import JSON
from receiver.cli.operating import operate
from receiver.cli.operations import Operations, Shown
from receiver.cli.output import one_line, print_json, table
from receiver.core.quantity import quantity


@click.command(short_help="Show everything that happened to a document, in the order of time.")
@click.argument("document")
@JSON
def logs(document: str, as_json: bool) -> None:
    """Show everything that is on record about DOCUMENT, in the order of time: its timeline, jobs, events, attempts,
    deliveries and what persons decided.

    DOCUMENT is an id or its beginning, a file name, or a job id. What is not about a document (refused requests, wrong
    tokens) is in the log of the process and in its metrics, not in the store.
    """

    async def report(it: Operations) -> Shown:
        return await it.document((await document_called(document, it, as_json=as_json))["document_id"])

    entries = log_of(operate(report))
    if as_json:
        print_json({"entries": entries})
        return
    rows = [(moment_text(item["at"]), item["what"], one_line(item["detail"])) for item in entries]
    table(("when", "what", "detail"), rows)


def log_of(report: Shown) -> list[Shown]:
    """The entries of a document's report, the earliest first; what has not happened yet is left out."""
    found = [(item["at"], item["what"], item["detail"]) for item in report["history"]]
    found += [
        (item["created_at"], "job created", f"{item['kind']} {item['job_id']}, now {item['status']}")
        for item in report["jobs"]
    ]
    found += [
        (item["received_at"], "event", f"{item['type']} {item['event_id']}, by {proofs_text(item['verified_by'])}")
        for item in report["events"]
    ]
    found += [(item["finished_at"], f"task {item['kind']}", _attempts(item)) for item in report["tasks"]]
    told = {detail for _, what, detail in found if what == "delivered"}
    delivered = [(item["delivered_at"], item["location"] or item["to"]) for item in report["deliveries"]]
    found += [(at, "delivered", place) for at, place in delivered if place not in told]
    found += [(item["at"], "decision", f"{item['who']} {item['text']}") for item in report["decisions"]]
    known = [{"at": at, "what": what, "detail": detail} for at, what, detail in found if at]
    return sorted(known, key=lambda item: item["at"])


def _attempts(task: Shown) -> str:
    why = task["error"] or task["note"]
    return f"{task['state']} after {quantity(task['attempts'], 'attempt')}" + (f": {why}" if why else "")
