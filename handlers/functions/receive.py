"""The function that is reachable from the internet: it verifies an event, stores it and responds.

Behind API Gateway's HTTP API, a function URL, or a queue that API Gateway fills (infra/webhook_queue.yml). It loads no
destination, no routing table, no pydantic and no LlamaCloud client (tests/unit/functions/test_imports.py).
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from handlers.functions.gateway import Gateway, gateway
from handlers.functions.messages import messages_of
from handlers.functions.queued_webhooks import answers, is_queued
from handlers.functions.warm import LambdaContext, Warm
from receiver.bootstrap import open_queue, open_receiver, open_store
from receiver.core.retention import Retention
from receiver.core.timers import TO_ANSWER
from receiver.http.public import Public
from receiver.http.readiness import readiness_by_reading
from receiver.http.webhook import Limits, WebhookEndpoint
from receiver.log import log_line
from receiver.metrics import SummingMeter
from receiver.pipeline.receive import ReceiverDependencies
from receiver.settings import Settings

log = logging.getLogger("mailroom.function")
RETENTION = "retention.json"
"""The ``retention`` of mailroom.yaml. scripts/package puts it into the zip, because this function reads no table."""
LOOK_AGAIN_SECONDS = 10.0
"""After a refused event, secrets that were read longer ago are read again: one may just have been rotated."""


@dataclass(frozen=True)
class Receiver:
    http: Gateway
    webhook: WebhookEndpoint
    dependencies: ReceiverDependencies
    meter: SummingMeter


def build(settings: Settings) -> Receiver:
    """The receiver with these settings. Raises Misconfigured."""
    store, queue, meter = open_store(settings), open_queue(settings), SummingMeter()
    receiver = open_receiver(settings, store, queue, meter, retention=_retention())
    webhook = WebhookEndpoint(receiver, Limits(body=settings.max_body))
    return Receiver(gateway(Public(webhook, readiness_by_reading(store))), webhook, receiver, meter)


def _retention() -> Retention:
    """How long events are kept, from the table that was packed with the other functions."""
    path = Path(os.environ.get("LAMBDA_TASK_ROOT", ""), RETENTION)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Retention)
    except FileNotFoundError:
        usual = Retention()
        log_line(log, logging.WARNING, "retention.unknown", file=str(path), events_days=usual.events_days)
        return usual


async def close(receiver: Receiver) -> None:
    await receiver.dependencies.store.close()
    await receiver.dependencies.queue.close()


WARM = Warm(build, close)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request, or which messages of the queue must come again (ReportBatchItemFailures)."""
    if is_queued(event):
        return take(messages_of(event), context)
    receiver = WARM.built()
    answer = receiver.http(event, context)
    if answer["statusCode"] == 401 and WARM.look_again(after_seconds=LOOK_AGAIN_SECONDS):
        WARM.publish(receiver.meter)
        receiver = WARM.built()
        answer = receiver.http(event, context)
    WARM.publish(receiver.meter)
    return answer


def take(records: Sequence[dict[str, Any]], context: LambdaContext) -> dict[str, Any]:
    """Stores the webhooks in these messages. What is refused is settled; what could not be stored comes again."""
    receiver = WARM.built()
    statuses = _statuses(records, receiver, context)
    refused = [record for record in records if statuses[record["messageId"]] == 401]
    if refused and WARM.look_again(after_seconds=LOOK_AGAIN_SECONDS):
        WARM.publish(receiver.meter)
        receiver = WARM.built()
        statuses |= _statuses(refused, receiver, context)
    WARM.publish(receiver.meter)
    return {"batchItemFailures": [{"itemIdentifier": item} for item, status in statuses.items() if status >= 500]}


def _statuses(records: Sequence[dict[str, Any]], receiver: Receiver, context: LambdaContext) -> dict[str, int]:
    seconds = context.get_remaining_time_in_millis() / 1000 - TO_ANSWER
    return WARM.run(answers(records, receiver.webhook, now=receiver.dependencies.clock(), seconds=seconds))
