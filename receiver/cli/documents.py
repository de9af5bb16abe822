"""mailroom documents: list them, or show one with its timeline."""

from collections.abc import Sequence
from typing import Any

import click

from receiver.cli.document_list import SearchCommand, document_called, may_be_a_name, print_page, search_of
from receiver.cli.listing import DOCUMENT_COLUMNS, MOMENT, document_row, moment_text, shown_of
from receiver.cli.numbers import WholeNumber
from receiver.cli.operating import operate
from receiver.cli.operations import Operations, Shown
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.suggestions import ClosestChoice
from receiver.core.document import DocumentState
from receiver.core.errors import NotFound
from receiver.core.pages import spans

STATES = ClosestChoice([state.value for state in DocumentState])
WAYS_ON = {
    "retry": "mailroom replay {}",
    "resubmit": "mailroom resubmit {}",
    "file": "mailroom replace {} FILE",
    "unlock": "mailroom unlock {} --password-file -",
    "route": "mailroom correct {} --type TYPE",
    "dismiss": "mailroom dismiss {} --note REASON",
}
"""The commands that do what the API's actions do, for what waits for a person."""


@click.command(cls=SearchCommand, short_help="Find documents, or show one with its history.")
@click.argument("words", metavar="[QUERY]...", nargs=-1)
@click.option("--search", metavar="QUERY", help="Further terms of the search, as one text.")
@click.option("--state", type=STATES, help="Only documents in this state.")
@click.option("--type", "of_type", help="Only documents of this matched type.")
@click.option("--batch", help="Only documents from this packet or e-mail.")
@click.option("--overdue", is_flag=True, help="Only open documents past their deadline, oldest first.")
@click.option("--since", type=MOMENT, help="Received since: 2026-11-22, 2h, 7d.")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number to list.")
@click.option("--cursor", help="Continue an earlier list, which named this cursor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def documents(
    words: tuple[str, ...],
    search: str | None,
    state: str | None,
    of_type: str | None,
    batch: str | None,
    overdue: bool,
    since: float | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """Find documents, newest first; or show one: its type, where it went and why, and its history.

    QUERY is a name, an id or its beginning, or the id of a job at LlamaCloud: a document with it is shown. If several
    fit, you pick one; without a terminal they are listed, and the exit code is 2. Anything else is a search, such as
    harbour type:invoice confidence:'<0.8' since:7d; docs/operator.md lists its filters. All options and words must fit.
    """
    options = (search, state, of_type, batch, since, cursor)
    if overdue:
        if words or any(item is not None for item in (search, state, of_type, batch, cursor)):
            raise click.UsageError("--overdue goes with --since, --limit and --json alone")
        _overdue(since, limit, as_json=as_json)
        return
    if len(words) == 1 and all(item is None for item in options) and may_be_a_name(words[0]):
        _named(words[0], limit=limit, as_json=as_json)
        return
    asked = search_of(" ".join((*words, search or "")), state=state, type=of_type, batch=batch, since=since)

    print_page(operate(lambda it: it.search(asked, limit=limit, cursor=cursor)), as_json=as_json)


def _overdue(since: float | None, limit: int, *, as_json: bool) -> None:
    shown = shown_of(operate(lambda it: it.overdue(since=since, limit=limit + 1)), limit)
    if as_json:
        print_json({"documents": shown})
    else:
        table(DOCUMENT_COLUMNS, [document_row(item) for item in shown])


def _named(word: str, *, limit: int, as_json: bool) -> None:
    """Shows the document that has this name, id or job; else what the word finds. Raises NotFound for nothing."""

    async def found(operations: Operations) -> tuple[Shown | None, Shown | None]:
        try:
            chosen = await document_called(word, operations, as_json=as_json)
        except NotFound:
            page = await operations.search(search_of(word), limit=limit, cursor=None)
            if page["documents"] or page["cursor"]:
                return None, page
            raise
        return await operations.document(chosen["document_id"]), None

    report, page = operate(found)
    if page is not None:
        print_page(page, as_json=as_json)
    elif report is not None:
        _show(report, as_json=as_json)


def _show(data: Shown, *, as_json: bool) -> None:
    if as_json:
        print_json(data)
        return
    say(f"{one_line(data['name'])}  {data['document_id']}")
    say(f"  {data['state']}: {one_line(data['reason'])}")
    _statements(data)
    for item in data["waits_for"]:
        say(f"  waits for {_waiting(item)}")
    if data["state"] in (DocumentState.REVIEW, DocumentState.FAILED):
        for action, command in WAYS_ON.items():
            if action in data["actions"]:
                say(f"  possible now: {command.format(data['document_id'])}")
    if (check := data["verified"]) is not None:
        each = f"for each place: mailroom verify {data['document_id']}"
        say(f"  verified at {moment_text(check['at'])}: {check['verdict']}; {each}")
    if beside := data["shadow"]:
        differs = f"would have differed: {one_line(beside['differs'])}" if beside["differs"] else "agrees"
        say(f"  the shadow table {beside['table']} {differs}")
    if data.get("mail"):
        _parts(data)
    else:
        _family(data)
    _table(("delivery", "status", "where or why"), [_delivery(item) for item in data["deliveries"]])
    rows = (data["plan"] or {}).get("trace", [])
    _table(("route", "matched", "why"), [(row["route"], "✔" if row["matched"] else "no", row["why"]) for row in rows])
    _table(
        ("when", "what", "detail"),
        [(moment_text(item["at"]), item["what"], item["detail"]) for item in data["history"]],
    )


def _statements(data: dict[str, Any]) -> None:
    """Prints LlamaCloud's result, then the decisions of persons, newest last."""
    if (said := data["said"]) is not None:
        say(f"  {_result(said)}")
    for item in data.get("said_before", ()):  # a server of an earlier release does not have it
        said_before = f"{one_line(item['type'] or 'no matching rule')} {item['confidence']:.2f}"
        say(f"  before it was reclassified on {moment_text(item['until'])}: {said_before}")
    for item in data["decisions"]:
        why = f", because {one_line(item['why'])}" if item["why"] else ""
        say(f"  {moment_text(item['at'])}: {one_line(item['who'])} {one_line(item['text'])}{why}")


def _result(said: dict[str, Any]) -> str:
    if (old := said["overwritten"]) is not None:
        return f"an earlier release kept only what {one_line(old['by'])} decided; before: {one_line(old['before'])}"
    because = f", because {one_line(said['reasoning'])}" if said["reasoning"] else ""
    return f"LlamaCloud said {one_line(said['type'] or 'no matching rule')} {said['confidence']:.2f}{because}"


def _waiting(item: dict[str, Any]) -> str:
    when = f", next try at {moment_text(item['next_at'])}" if item["next_at"] else ""
    why = f": {one_line(item['why'])}" if item["why"] else ""
    return f"{one_line(item['what'])}{when}{why}"


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        say("")
        table(columns, rows)


def _family(data: dict[str, Any]) -> None:
    """Prints a packet's pieces, then those that a later cut withdrew; for a piece, its packet."""
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
    """Prints every part of a mail and its outcome."""
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
