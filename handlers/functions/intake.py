"""Notifications of the inbox bucket, through SQS: each created object becomes a document that stays where it lies."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from handlers.functions.application import build, close, meter_of
from handlers.functions.warm import Context, Warm
from handlers.inbox import take_message
from receiver.bootstrap import App
from receiver.core.errors import MailroomError
from receiver.log import line

log = logging.getLogger("mailroom.function")
WARM = Warm(build, close)


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
        await take_message(body, app)
    except MailroomError as error:
        line(log, logging.ERROR, "intake.failed", error=str(error), fix=error.fix)
        return False
    return True
