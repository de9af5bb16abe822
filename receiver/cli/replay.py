"""mailroom replay: reprocesses documents and parked tasks; safe to repeat."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import click

from receiver.cli.document_list import document_called
from receiver.cli.listing import MOMENT
from receiver.cli.operating import mend
from receiver.cli.operations import Mending, Shown
from receiver.cli.output import print_json, say, table
from receiver.core.errors import NotFound
from receiver.operations.replay import ReplayFilter


@click.command(short_help="Reprocess documents or parked tasks.")
@click.argument("ids", nargs=-1)
@click.option(
    "--parked", is_flag=True, help="Every document with a parked task, and every parked task without a document."
)
@click.option("--cause", help="The documents of this incident, by the key in its alert.")
@click.option("--since", type=MOMENT, help="Documents received since: 2026-11-22, 2h, 7d.")
@click.option("--until", type=MOMENT, help="Documents received before this time.")
@click.option("--type", "of_type", help="Only documents of this matched type.")
@click.option(
    "--destination", help="Only documents with a delivery to a destination URL starting with this: s3://bucket/."
)
@click.option("--table", "version", help="Only documents routed by this version of the routing table.")
@click.option("--reroute", is_flag=True, help="Apply the current table to the stored results; costs nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, without doing it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(
    ids: tuple[str, ...],
    parked: bool,
    cause: str | None,
    since: float | None,
    until: float | None,
    of_type: str | None,
    destination: str | None,
    version: str | None,
    reroute: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Reprocess documents: resume parked tasks, make missing deliveries, or reroute.

    IDS are ids of documents or their beginnings, file names, job ids, or ids of tasks as `mailroom tasks` lists them.

    It does not resend delivered messages or rewrite delivered objects: a second run writes nothing. It resubmits
    documents without a result, which costs their credits again; it shows the cost first.
    """
    if not (ids or parked or cause or since or of_type or destination or version):
        raise click.UsageError("give ids, --parked, --cause, --since, --type, --destination or --table")
    choice = ReplayFilter(
        ids=ids,
        parked=parked,
        cause=cause or "",
        since=since,
        until=until,
        type=of_type,
        destination=destination,
        table=version,
        reroute=reroute,
    )

    async def work(it: Mending) -> Shown:
        named = {word: await _named(word, it, as_json=as_json) for word in ids}
        missing.extend(word for word, name in named.items() if not name)
        if ids and not any(named.values()):
            return {"replayed": [], "price": None}
        return await it.replay(replace(choice, ids=tuple(filter(None, named.values()))), dry_run=dry_run)

    missing = list[str]()
    found = mend(work)
    if found["price"]:
        say(found["price"], err=True)
    _print(found["replayed"], chosen=bool(ids), as_json=as_json, dry_run=dry_run)
    for word in missing:
        say(f"no document or task has the id {word}, and no document this name", err=True)
    raise SystemExit(1 if missing else 0)


async def _named(word: str, operations: Mending, *, as_json: bool) -> str:
    """The id of the document or task that this word names; "" if there is none."""
    try:
        return str((await document_called(word, operations, as_json=as_json))["document_id"])
    except NotFound:
        with contextlib.suppress(NotFound):
            return str((await operations.task(word))["task_id"])
        return ""


def _print(done: Sequence[Shown], *, chosen: bool, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json({"replayed": list(done), "dry_run": dry_run})
        return
    idle = Counter(item["detail"] for item in done if item["action"] == "nothing" and not chosen)
    alike = {detail: count for detail, count in idle.items() if count > 1}
    rows = [
        (item.get("document_id") or item["task_id"], item.get("name") or item.get("kind", ""), item["action"],
         item["detail"])
        for item in done
        if item["action"] != "nothing" or chosen or item["detail"] not in alike
    ]  # fmt: skip
    if rows or not alike:
        table(("document or task", "name", "action", "detail"), rows)
    for detail, count in alike.items():
        say(f"{count} unchanged: {detail}")
    if dry_run:
        say("dry run: nothing was written")
