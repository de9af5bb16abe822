"""mailroom replay: reprocesses documents and parked tasks; safe to repeat."""

from collections import Counter

import click

from receiver.bootstrap import App
from receiver.cli.listing import MOMENT
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_app
from receiver.cli.suggestions import refuse_unknown_type
from receiver.cli.user import user_name
from receiver.core.price import price_of
from receiver.core.quantity import quantity
from receiver.operations.replay import Replay, ReplayFilter, carry_out, foreseen, selected_documents, written
from receiver.operations.replay_task import TaskReplay, chosen_tasks, foreseen_task


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

    IDS are ids of documents, or of tasks as `mailroom tasks` lists them.

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
    done = with_app(lambda app: _replay(app, choice, dry_run=dry_run), existing=True)
    _print(done, ids, as_json=as_json, dry_run=dry_run)
    missing = sorted(set(ids) - {_id(item) for item in done})
    for item in missing:
        say(f"no document or task has the id {item}", err=True)
    raise SystemExit(1 if missing else 0)


def _id(item: Replay | TaskReplay) -> str:
    return item.document.id if isinstance(item, Replay) else item.task.id


async def _replay(app: App, choice: ReplayFilter, *, dry_run: bool) -> list[Replay | TaskReplay]:
    await refuse_unknown_type(choice.type, app.context.store)
    who, chosen = user_name(), selected_documents(choice, app.context)
    planned = [await foreseen(item, choice, app.context, who=who) async for item in chosen]
    if paid := [item.document for item in planned if item.action == "resubmit"]:
        count = quantity(len(paid), "document")
        say(f"{count} without a result will be resubmitted: {price_of(paid)}", err=True)
    done: list[Replay | TaskReplay] = []
    for item in planned:
        if not dry_run and not await carry_out(item, app.context):
            again = await foreseen(item.document, choice, app.context, who=who)
            await carry_out(again, app.context)
            done.append(again)
            continue
        done.append(item)
    async for task in chosen_tasks(choice, app.context):
        resumed = await foreseen_task(task, app.context, who=who)
        if not dry_run:
            await written(resumed.writes, app.context)
        done.append(resumed)
    return done


def _print(done: list[Replay | TaskReplay], ids: tuple[str, ...], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json({"replayed": [_shown(item) for item in done], "dry_run": dry_run})
        return
    idle = Counter(item.detail for item in done if item.action == "nothing" and _id(item) not in ids)
    alike = {detail: count for detail, count in idle.items() if count > 1}
    rows = [
        (_id(item), item.document.name if isinstance(item, Replay) else item.task.kind, item.action, item.detail)
        for item in done
        if item.action != "nothing" or _id(item) in ids or item.detail not in alike
    ]
    if rows or not alike:
        table(("document or task", "name", "action", "detail"), rows)
    for detail, count in alike.items():
        say(f"{count} unchanged: {detail}")
    if dry_run:
        say("dry run: nothing was written")


def _shown(item: Replay | TaskReplay) -> dict[str, str]:
    if isinstance(item, Replay):
        about = {"document_id": item.document.id, "name": item.document.name}
    else:
        about = {"task_id": item.task.id, "kind": item.task.kind}
    return {**about, "action": item.action, "detail": item.detail}
