"""Notifications of the inbox bucket, through SQS: each created object becomes a document that stays where it lies."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from handlers.functions.application import close, meter_of
from handlers.functions.arrivals import arrivals
from handlers.functions.warm import Context, Warm
from handlers.sources.s3 import Place, S3Source
from receiver.bootstrap import App, load_app
from receiver.core.errors import MailroomError
from receiver.flow.intake import Arrival, take_in
from receiver.log import line

log = logging.getLogger("mailroom.function")
WARM = Warm(load_app, close)
PACKETS = "packets/"
"""What is put under this prefix is a packet: it is split first."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Which messages must come again (ReportBatchItemFailures)."""
    app = WARM.built()
    failed = WARM.run(take_all(event["Records"], app))
    WARM.publish(meter_of(app))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def take_all(records: Sequence[dict[str, Any]], app: App) -> list[str]:
    """The ids of the messages that could not be taken in: they come again, and are dead letters in the end."""
    taken = await asyncio.gather(*(_take(record["body"], app) for record in records))
    return [record["messageId"] for record, done in zip(records, taken, strict=True) if not done]


async def _take(body: str, app: App) -> bool:
    try:
        for at in arrivals(body):
            await _take_one(at, app)
    except MailroomError as error:
        line(log, logging.ERROR, "intake.failed", error=str(error), fix=error.fix)
        return False
    return True


async def _take_one(at: Place, app: App) -> None:
    source = app.tools.sources["s3"]
    assert isinstance(source, S3Source)
    kept = await source.look(at, limit=app.tools.max_document)
    locator, name = f"{at.bucket}/{at.key}", at.key.rpartition("/")[2]
    packet = at.key.startswith(PACKETS)
    taken = await take_in(Arrival(name=name, kind="s3", source=kept, locator=locator, packet=packet), app.tools)
    what = "document.taken_in" if taken.fresh else "document.known"
    line(log, logging.INFO, what, document=taken.document.id, origin=locator, size=kept.size, packet=packet or None)
