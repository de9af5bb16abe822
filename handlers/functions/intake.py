"""Notifications of the inbox bucket, through SQS: each created object becomes a document, and stays in its place."""

import asyncio
from collections.abc import Sequence
from typing import Any

from handlers.functions.application import build, close, meter_of
from handlers.functions.messages import messages_of
from handlers.functions.warm import LambdaContext, Warm
from handlers.sources.inbox import taken
from receiver.bootstrap import App

WARM = Warm(build, close)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns which messages must be redelivered (ReportBatchItemFailures)."""
    app = WARM.built()
    failed = WARM.run(take_all(messages_of(event), app))
    WARM.publish(meter_of(app))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def take_all(records: Sequence[dict[str, Any]], app: App) -> list[str]:
    """The ids of the messages that could not be ingested. SQS redelivers them, and finally makes them dead letters."""
    outcomes = await asyncio.gather(*(taken(record["body"], app) for record in records))
    return [record["messageId"] for record, done in zip(records, outcomes, strict=True) if not done]
