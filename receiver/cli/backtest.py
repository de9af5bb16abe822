"""``mailroom routes backtest``: shows what a changed table would have done with past documents."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from receiver.bootstrap import existing_store
from receiver.cli import output
from receiver.cli.listing import MOMENT
from receiver.cli.numbers import WholeNumber
from receiver.cli.paths import Given, config_from
from receiver.cli.running import refuse_server, run
from receiver.cli.suggestions import did_you_mean, refuse_unknown_type
from receiver.config import load
from receiver.core.calibration import threshold_of, with_threshold
from receiver.core.change import Query
from receiver.core.route import RouteTable
from receiver.operations.backtest import BacktestResult, Move
from receiver.operations.backtest import backtest as tested
from receiver.read_settings import from_environ
from receiver.secrets import RevealedEnviron
from receiver.settings import Settings


class Threshold(click.ParamType[tuple[str, float]]):
    """A type and a confidence: ``invoice=0.7``."""

    name = "threshold"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        name, _, number = str(value).rpartition("=")
        try:
            least = float(number)
        except ValueError:
            least = -1.0
        if not name or not 0.0 <= least <= 1.0:
            self.fail(f"{str(value)!r} is not TYPE=NUMBER, with a number from 0 to 1: invoice=0.7", param, ctx)
        return name, least


THRESHOLD = Threshold()


def _refuse_unknown_row(name: str, table: RouteTable) -> None:
    """Raises click's BadParameter for a type at which no row ends."""
    if threshold_of(table, name) is None:
        known = sorted(item for item in table.types if threshold_of(table, item) is not None)
        meant = did_you_mean(name, known) or f" Known: {', '.join(known)}."
        raise click.BadParameter(f"no route takes type {name!r}.{meant}", param_hint="'--min-confidence'")


@click.command(short_help="Show what a changed table would have done with past documents.")
@click.option(
    "--config", "config_path", type=Given(), metavar="PATH", help="The changed file; MAILROOM_CONFIG by default."
)
@click.option(
    "--min-confidence", "thresholds", metavar="TYPE=NUMBER", type=THRESHOLD, multiple=True,
    help="Try another min_confidence in the rows that end at this type. Repeatable.",
)  # fmt: skip
@click.option("--since", type=MOMENT, help="Documents received since: 2026-11-22, 2h, 7d.")
@click.option("--type", "of_type", help="Only documents of this matched type.")
@click.option(
    "--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number of moved documents to list."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backtest(
    config_path: Path | None,
    thresholds: tuple[tuple[str, float], ...],
    since: float | None,
    of_type: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show what a changed routing table would have done with past documents.

    It applies the table to stored results: it does not call LlamaCloud, costs nothing and writes nothing. To move the
    documents: mailroom replay --since … --reroute. With --min-confidence only what that number changes is shown.
    """
    settings = from_environ()
    table = load(config_path or settings.config, RevealedEnviron(os.environ), variable=config_from(config_path)).table
    present = table if thresholds else None
    for name, least in thresholds:
        _refuse_unknown_row(name, table)
        table = with_threshold(table, name, least)
    query = Query(by="type" if of_type else "all", key=of_type, since=since)
    found = run(_tested(settings, table, present, query))
    moves = [Move(item.document, item.plan) for item in found if item.plan is not None]
    if as_json:
        output.print_json({"table": table.version, "tested": len(found), "moved": [item.shown() for item in moves]})
    else:
        output.say(f"{len(moves)} of {len(found)} documents would move")
        print_moves(moves, limit)


async def _tested(
    settings: Settings, table: RouteTable, present: RouteTable | None, query: Query
) -> list[BacktestResult]:
    refuse_server()
    store = existing_store(settings)
    try:
        await refuse_unknown_type(query.key, store)
        return [item async for item in tested(table, store, query, now=time.time(), present=present)]
    finally:
        await store.close()


def print_moves(moves: Sequence[Move], limit: int) -> None:
    """Prints how many documents would move from where to where, and up to ``limit`` of them."""
    if not moves:
        return
    shown = [item.shown() for item in moves]
    ways = Counter(
        (_destination(item["from"]), _destination(item["to"]))
        for item in shown
        if _leads(item["from"]) != _leads(item["to"])
    )
    if ways:
        output.table(("from", "to", "documents"), [(*way, count) for way, count in ways.most_common()])
    stay = Counter(item["change"] for item in shown if _leads(item["from"]) == _leads(item["to"]))
    if stay:
        output.table(("same place, changed", "documents"), stay.most_common())
    rows = [(item["document_id"], item["name"], item["type"] or "-", item["why"]) for item in shown[:limit]]
    output.table(("document", "name", "type", "why"), rows)
    if len(shown) > limit:
        output.say(f"and {len(shown) - limit} more; --limit shows them")


def _leads(place: dict[str, Any]) -> dict[str, Any]:
    """The destination without the row's name, because renaming a row moves no document."""
    return {key: value for key, value in place.items() if key != "route"}


def _destination(place: dict[str, Any]) -> str:
    return f"{place['route']} ({', '.join(place['to']) or 'nowhere'}{', review' if place['review'] else ''})"
