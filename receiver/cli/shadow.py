"""``mailroom routes shadow``: lists the decisions where the shadow table differs from the real one."""

import os
from collections import Counter
from dataclasses import dataclass, field

import click

from receiver.cli import output
from receiver.cli.backtest import print_moves
from receiver.cli.listing import MOMENT
from receiver.cli.numbers import WholeNumber
from receiver.cli.running import with_store
from receiver.cli.suggestions import refuse_unknown_type
from receiver.config import Config, load
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import Misconfigured
from receiver.core.quantity import quantity
from receiver.operations.backtest import Move
from receiver.pipeline.records import every_record
from receiver.ports import Store
from receiver.read_settings import from_environ
from receiver.secrets import RevealedEnviron
from receiver.settings import Settings

PAGE = 500


@dataclass(slots=True)
class _Counted:
    """The decisions of one version of the shadow table."""

    same: int = 0
    moves: list[Move] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """The number of documents decided without this version, by the shadow version that was used; "" for none."""

    @property
    def decided(self) -> int:
        return self.same + len(self.moves)


@click.command(short_help="List decisions where the shadow table differs.")
@click.option("--since", type=MOMENT, help="Documents received since: 2026-11-22, 2h, 7d.")
@click.option("--type", "of_type", help="Only documents of this matched type.")
@click.option(
    "--table", "version", metavar="VERSION", help="The table version; that of MAILROOM_SHADOW_CONFIG by default."
)
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=WholeNumber(),
    help="Maximum number of differing documents to list.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def shadow(since: float | None, of_type: str | None, version: str | None, limit: int, as_json: bool) -> None:
    """Show how often the shadow table agreed with the real one, and list the documents it would have routed elsewhere.

    These are the decisions recorded when each document was routed; nothing is written now. For documents routed before
    the shadow table existed: mailroom routes backtest --config FILE.
    """
    settings = from_environ()
    version = version or shadow_of(settings).table.version
    query = Query(by="type" if of_type else "all", key=of_type, since=since, limit=PAGE)
    found = with_store(lambda store: _counted(version, query, store))
    if as_json:
        moved = [item.shown() for item in found.moves]
        counts = {"decided": found.decided, "same": found.same, "differ": len(moved)}
        output.print_json({"table": version, **counts, "without_it": found.others.total(), "moved": moved})
    else:
        _print(version, found, limit, settings)


def shadow_of(settings: Settings) -> Config:
    """The shadow table's configuration. Raises Misconfigured if it is invalid or not set."""
    if not settings.shadow_config:
        raise Misconfigured(
            "there is no shadow table: MAILROOM_SHADOW_CONFIG is not set",
            fix="set it to the file of a changed table, and restart mailroom serve",
        )
    return load(settings.shadow_config, RevealedEnviron(os.environ), variable="MAILROOM_SHADOW_CONFIG")


async def _counted(version: str, query: Query, store: Store) -> _Counted:
    await refuse_unknown_type(query.key, store)
    found = _Counted()
    async for document in every_record(Document, query, store):
        if document.plan is None:
            continue
        verdict = document.shadow
        if verdict is None or verdict.table != version:
            found.others[verdict.table if verdict else ""] += 1
        elif verdict.plan is None:
            found.same += 1
        else:
            found.moves.append(Move(document, verdict.plan))
    return found


def _print(version: str, found: _Counted, limit: int, settings: Settings) -> None:
    output.say(
        f"shadow table {version} decided {quantity(found.decided, 'document')}: "
        f"{found.same} the same, {len(found.moves)} differently"
    )
    print_moves(found.moves, limit)
    if unseen := found.others[""]:
        tried = f"mailroom routes backtest --config {settings.shadow_config or 'FILE'}"
        output.say(f"decided without a shadow table, or by a person: {unseen}; to test it on them: {tried}")
    for table, count in found.others.most_common():
        if table:
            output.say(f"compared with another version: {count}; to see them: mailroom routes shadow --table {table}")
