"""What the listing commands share: time filters, and pages that are followed to the limit."""

import re
import time
from datetime import UTC, datetime

import click

from receiver.bootstrap import App
from receiver.core.change import Query, R

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Moment(click.ParamType[float]):
    """A moment: ``2026-11-22``, ``2026-11-22T08:30`` (UTC), or an age such as ``30m``, ``2h``, ``7d``."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        if age := re.fullmatch(r"(\d+)([smhd])", text):
            return time.time() - int(age[1]) * UNITS[age[2]]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is neither a date (2026-11-22) nor an age (30m, 2h, 7d)", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


MOMENT = Moment()


async def found(app: App, kind: type[R], query: Query, *, limit: int) -> list[R]:
    """Up to ``limit`` records, page after page."""
    records: list[R] = []
    cursor: str | None = None
    while len(records) < limit:
        page = await app.tools.store.find(
            kind,
            Query(
                by=query.by,
                key=query.key,
                since=query.since,
                until=query.until,
                newest_first=query.newest_first,
                limit=min(limit - len(records), 500),
                cursor=cursor,
            ),
        )
        records += page.records
        cursor = page.cursor
        if cursor is None:
            break
    return records
