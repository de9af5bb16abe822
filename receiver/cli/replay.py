"""mailroom replay: back to process, shown first, safe to repeat."""

import click

from receiver.bootstrap import App
from receiver.cli.listing import MOMENT
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_app
from receiver.flow.replay import Choice, Replay, carry_out, chosen, foreseen


@click.command(short_help="Put documents back to process.")
@click.argument("ids", nargs=-1)
@click.option("--parked", is_flag=True, help="Every document with a task that gave up.")
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
    since: float | None,
    until: float | None,
    of_type: str | None,
    destination: str | None,
    version: str | None,
    reroute: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put documents back to process: resume what was parked, make deliveries that were not made, or route anew.

    Messages that were delivered are not sent again and objects are found in their place: a second run writes nothing.
    A document without a result is submitted anew, which costs its credits again.
    """
    if not (ids or parked or since or of_type or destination or version):
        raise click.UsageError("say which: ids, --parked, --since, --type, --destination or --table")
    choice = Choice(
        ids=ids,
        parked=parked,
        since=since,
        until=until,
        type=of_type,
        destination=destination,
        table=version,
        reroute=reroute,
    )
    done = with_app(lambda app: _replay(app, choice, dry_run=dry_run))
    _print(done, as_json=as_json, dry_run=dry_run)
    missing = sorted(set(ids) - {one.document.id for one in done})
    for document_id in missing:
        say(f"there is no document {document_id}", err=True)
    raise SystemExit(1 if missing else 0)


async def _replay(app: App, choice: Choice, *, dry_run: bool) -> list[Replay]:
    done: list[Replay] = []
    async for document in chosen(choice, app.tools):
        planned = await foreseen(document, choice, app.tools)
        if not dry_run and not await carry_out(planned, app.tools):
            planned = await foreseen(document, choice, app.tools)
            await carry_out(planned, app.tools)
        done.append(planned)
    return done


def _print(done: list[Replay], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        rows = [
            {"document_id": one.document.id, "name": one.document.name, "deed": one.deed, "detail": one.detail}
            for one in done
        ]
        print_json({"replayed": rows, "dry_run": dry_run})
        return
    table(
        ("document", "name", "deed", "detail"),
        [(one.document.id, one.document.name, one.deed, one.detail) for one in done],
    )
    if dry_run:
        say("this was a dry run: nothing was written")
