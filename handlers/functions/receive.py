"""The function that is reachable from the internet: it verifies an event, stores it and responds.

Behind API Gateway's HTTP API or a function URL. It loads no destination, no routing table, no pydantic and no
LlamaCloud client (tests/unit/functions/test_imports.py).
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from handlers.functions.gateway import Gateway, gateway
from handlers.functions.warm import LambdaContext, Warm
from receiver.bootstrap import open_queue, open_receiver, open_store
from receiver.core.retention import Retention
from receiver.http.public import Public
from receiver.http.readiness import Readiness
from receiver.http.webhook import Limits, WebhookEndpoint
from receiver.log import log_line
from receiver.metrics import SummingMeter
from receiver.pipeline.receive import ReceiverDependencies
from receiver.settings import Settings

log = logging.getLogger("mailroom.function")
RETENTION = "retention.json"
"""What mailroom.yaml says about it: scripts/package puts it into the zip, for this function reads no table."""
LOOK_AGAIN_SECONDS = 10.0
"""A refused event may be refused because a secret was rotated a moment ago: secrets older than this are read again."""


@dataclass(frozen=True)
class Receiver:
    http: Gateway
    dependencies: ReceiverDependencies
    meter: SummingMeter


def build(settings: Settings) -> Receiver:
    """The dependencies of receiving. Raises Misconfigured."""
    store, queue, meter = open_store(settings), open_queue(settings), SummingMeter()
    receiver = open_receiver(settings, store, queue, meter, retention=_retention())
    public = Public(WebhookEndpoint(receiver, Limits(body=settings.max_body)), Readiness(store))
    return Receiver(gateway(public), receiver, meter)


def _retention() -> Retention:
    """How long events are kept, as the table says that was packed with the other functions."""
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
    """The answer to one request."""
    receiver = WARM.built()
    answer = receiver.http(event, context)
    if answer["statusCode"] == 401 and WARM.look_again(after_seconds=LOOK_AGAIN_SECONDS):
        WARM.publish(receiver.meter)
        receiver = WARM.built()
        answer = receiver.http(event, context)
    WARM.publish(receiver.meter)
    return answer
