"""mailroom documents: list them, or show one with its timeline."""

from collections.abc import Sequence
from typing import Any, NoReturn

import click

from receiver import show
from receiver.cli.listing import DOCUMENT_COLUMNS, MOMENT, document_row
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.running import with_store
from receiver.cli.suggestions import ClosestChoice, refuse_unknown_type
from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.pages import spans
from receiver.core.quantity import quantity
from receiver.operations.document_report import DocumentReport, document_report
from receiver.operations.document_search import AT_MOST, documents_called
from receiver.pipeline.records import find_records
from receiver.ports import Store

STATES = ClosestChoice([state.value for state in DocumentState])


@click.command(short_help="List documents, or show one with its history.")
@click.argument("document_id", metavar="[DOCUMENT]", required=False)
@click.option("--state", type=STATES, help="Only documents in this state.")
@click.option("--type", "of_type", help="Only documents of this matched type.")
@click.option("--batch", help="Only documents from this packet or e-mail.")
@click.option("--overdue", is_flag=True, help="Only open documents past their deadline, oldest first.")
@click.option("--since", type=MOMENT, help="Received since: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Maximum number to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def documents(
    document_id: str | None,
    state: str | None,
    of_type: str | None,
    batch: str | None,
    overdue: bool,
    since: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """List documents, newest first; or show one: its type, where it went and why, and its history.

    DOCUMENT is an id or its beginning, the name of the file, or the id of its job at LlamaCloud. If several
    documents fit, they are listed, newest first, and the exit code is 2.
    """
    if document_id:
        _one(document_id, as_json=as_json)
        return
    query = _query(state, of_type, batch, overdue=overdue, since=since)

    async def found(store: Store) -> list[Document]:
        await refuse_unknown_type(of_type, store)
        return await find_records(store, Document, query, limit=limit)

    records = show.in_page_order(with_store(found))
    if as_json:
        print_json({"documents": [show.document(item) for item in records]})
    else:
        table(DOCUMENT_COLUMNS, [document_row(item) for item in records])


def _query(state: str | None, of_type: str | None, batch: str | None, *, overdue: bool, since: float | None) -> Query:
    chosen = {"state": state, "type": of_type, "batch": batch}
    named = {by: key for by, key in chosen.items() if key}
    if len(named) + overdue > 1:
        raise click.UsageError("give one of --state, --type, --batch and --overdue")
    if overdue:
        import time

        return Query(by="overdue", since=since, until=time.time())
    by, key = next(iter(named.items()), ("all", None))
    return Query(by=by, key=key, since=since, newest_first=True)


def _one(word: str, *, as_json: bool) -> None:
    async def found(store: Store) -> DocumentReport | list[Document]:
        documents = await documents_called(word, store)
        return documents if len(documents) > 1 else await document_report(documents[0].id, store)

    report = with_store(found)
    if isinstance(report, list):
        _several(word, report, as_json=as_json)
    data = report.shown()
    if as_json:
        print_json(data)
        return
    say(f"{one_line(data['name'])}  {data['document_id']}")
    say(f"  {data['state']}: {one_line(data['reason'])}")
    _statements(data)
    for item in data["waits_for"]:
        say(f"  waits for {_waiting(item)}")
    if (check := data["verified"]) is not None:
        each = f"for each place: mailroom verify {data['document_id']}"
        say(f"  verified at {_when(check['at'])}: {check['verdict']}; {each}")
    if beside := data["shadow"]:
        say(f"  the shadow table {beside['table']} {_beside(beside)}")
    if data.get("mail"):
        _parts(data)
    else:
        _family(data)
    _table(("delivery", "status", "where or why"), [_delivery(item) for item in data["deliveries"]])
    rows = (data["plan"] or {}).get("trace", [])
    _table(("route", "matched", "why"), [(row["route"], "✔" if row["matched"] else "no", row["why"]) for row in rows])
    _table(("when", "what", "detail"), [(_when(item["at"]), item["what"], item["detail"]) for item in data["history"]])


def _several(word: str, fit: list[Document], *, as_json: bool) -> NoReturn:
    """Lists what the word fits. Raises click's UsageError: which one is meant is the person's to say."""
    if as_json:
        print_json({"documents": [show.document(item) for item in fit]})
    else:
        table(DOCUMENT_COLUMNS, [document_row(item) for item in fit])
    count = f"the newest {AT_MOST} that fit" if len(fit) == AT_MOST else quantity(len(fit), "document")
    raise click.UsageError(f"{one_line(word)!r} names several documents ({count}): give the id of one")


def _statements(data: dict[str, Any]) -> None:
    """What LlamaCloud said, then what persons decided, the newest last."""
    if (said := data["said"]) is not None:
        say(f"  {_said(said)}")
    for item in data["decisions"]:
        why = f", because {one_line(item['why'])}" if item["why"] else ""
        say(f"  {_when(item['at'])}: {one_line(item['who'])} {one_line(item['text'])}{why}")


def _said(said: dict[str, Any]) -> str:
    if (old := said["overwritten"]) is not None:
        return f"an earlier release kept only what {one_line(old['by'])} decided; before: {one_line(old['before'])}"
    because = f", because {one_line(said['reasoning'])}" if said["reasoning"] else ""
    return f"LlamaCloud said {one_line(said['type'] or 'no matching rule')} {said['confidence']:.2f}{because}"


def _waiting(item: dict[str, Any]) -> str:
    when = f", next try at {_when(item['next_at'])}" if item["next_at"] else ""
    why = f": {one_line(item['why'])}" if item["why"] else ""
    return f"{one_line(item['what'])}{when}{why}"


def _beside(shadow: dict[str, Any]) -> str:
    return f"would have differed: {one_line(shadow['differs'])}" if shadow["differs"] else "agrees"


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        say("")
        table(columns, rows)


def _when(moment: str) -> str:
    """To the second, which is enough here; ``--json`` has the exact times."""
    return f"{moment[:19].replace('T', ' ')}Z"


def _family(data: dict[str, Any]) -> None:
    """A packet's pieces, then those that a new cut withdrew; for a piece, its packet."""
    if "same_bytes_as" in data:
        say(f"  same bytes as {data['same_bytes_as']}")
    if "came_in" in data:
        say(f"  from e-mail {data['came_in']}")
    if "parent" in data:
        say(f"  pages {spans(data['pages'])} of packet {data['parent']}")
    pieces = sorted(data["pieces"], key=lambda item: item["state"] == DocumentState.WITHDRAWN)
    rows = [
        (
            f"{spans(item['pages'])} of {data['page_count']}",
            item["document_id"],
            item["type"] or item["category"],
            item["state"],
        )
        for item in pieces
    ]
    _table(("pages", "piece", "type or category", "state"), rows)
    for cut in data.get("cuts", [])[-1:]:
        if cut["files_left"]:
            say(f"  embedded files not in any piece: {', '.join(cut['files_left'])}")


def _parts(data: dict[str, Any]) -> None:
    """Every part of a mail and its outcome."""
    states = {item["document_id"]: item["state"] for item in data["pieces"]}
    rows = [
        (part["where"], part["name"], part["fate"].replace("_", " "), part["document_id"] or part["reason"],
         states.get(part["document_id"], ""))
        for part in data["parts"]
    ]  # fmt: skip
    _table(("part", "name", "became", "document, or why none", "state"), rows)


def _delivery(item: dict[str, Any]) -> tuple[str, str, str]:
    status = "superseded" if item["superseded"] and item["location"] else item["status"]
    return item["to"], status, item["location"] or item["error"] or ""
