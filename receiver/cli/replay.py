"""mailroom replay: back to process, shown first, safe to repeat."""

from collections import Counter

import click

from receiver.bootstrap import App
from receiver.cli.listing import MOMENT
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_app
from receiver.flow.replay import Choice, Replay, carry_out, chosen, foreseen, written
from receiver.flow.replay_task import TaskReplay, chosen_tasks, foreseen_task


@click.command(short_help="Reprocess documents, or tasks that gave up.")
@click.argument("ids", nargs=-1)
@click.option(
    "--parked", is_flag=True, help="Every document with a task that gave up, and every such task without one."
)
@click.option("--cause", help="The documents of this incident, as an alert names it.")
@click.option("--since", type=MOMENT, help="Documents taken in since then: 2026-11-22, 2h, 7d.")
@click.option("--until", type=MOMENT, help="Documents taken in before then.")
@click.option("--type", "of_type", help="Only documents of this matched type.")
@click.option("--destination", help="Only documents with a delivery to a URL that begins so: s3://bucket/.")
@click.option("--table", "version", help="Only documents that this version of the routing table decided.")
@click.option(
    "--reroute", is_flag=True, help="Hold the stored results against the table of today; nothing is paid again."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
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
    """Reprocess documents: resume what was parked, make deliveries that were not made, or route anew.

    IDS are those of documents, or of tasks as `mailroom tasks` lists them.

    Messages that were delivered are not sent again and objects are found in their place: a second run writes nothing.
    A document without a result is submitted anew, which costs its credits again.
    """
    if not (ids or parked or cause or since or of_type or destination or version):
        raise click.UsageError("say which: ids, --parked, --cause, --since, --type, --destination or --table")
    choice = Choice(
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
    done = with_app(lambda app: _replay(app, choice, dry_run=dry_run))
    _print(done, ids, as_json=as_json, dry_run=dry_run)
    missing = sorted(set(ids) - {_id(one) for one in done})
    for one in missing:
        say(f"there is no document and no task {one}", err=True)
    raise SystemExit(1 if missing else 0)


def _id(one: Replay | TaskReplay) -> str:
    return one.document.id if isinstance(one, Replay) else one.task.id


async def _replay(app: App, choice: Choice, *, dry_run: bool) -> list[Replay | TaskReplay]:
    done: list[Replay | TaskReplay] = []
    async for document in chosen(choice, app.tools):
        planned = await foreseen(document, choice, app.tools)
        if not dry_run and not await carry_out(planned, app.tools):
            planned = await foreseen(document, choice, app.tools)
            await carry_out(planned, app.tools)
        done.append(planned)
    async for task in chosen_tasks(choice, app.tools):
        again = await foreseen_task(task, app.tools)
        if not dry_run:
            await written(again.writes, app.tools)
        done.append(again)
    return done


def _print(done: list[Replay | TaskReplay], ids: tuple[str, ...], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json({"replayed": [_shown(one) for one in done], "dry_run": dry_run})
        return
    idle = Counter(one.detail for one in done if one.deed == "nothing" and _id(one) not in ids)
    alike = {detail: count for detail, count in idle.items() if count > 1}
    rows = [
        (_id(one), one.document.name if isinstance(one, Replay) else one.task.kind, one.deed, one.detail)
        for one in done
        if one.deed != "nothing" or _id(one) in ids or one.detail not in alike
    ]
    if rows or not alike:
        table(("document or task", "name", "deed", "detail"), rows)
    for detail, count in alike.items():
        say(f"{count} are left as they are: {detail}")
    if dry_run:
        say("this was a dry run: nothing was written")


def _shown(one: Replay | TaskReplay) -> dict[str, str]:
    if isinstance(one, Replay):
        about = {"document_id": one.document.id, "name": one.document.name}
    else:
        about = {"task_id": one.task.id, "kind": one.task.kind}
    return {**about, "deed": one.deed, "detail": one.detail}
