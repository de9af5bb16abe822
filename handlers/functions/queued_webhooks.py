"""Webhooks that API Gateway put into a queue, as the requests that they were.

infra/webhook_queue.yml writes the messages: lines of words, one for the sender's address, one for the time of the
request, one for the body and one for each header. Values are in Base64, so that the bytes that were signed are the
bytes that are verified.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from receiver.core.event import Inbound
from receiver.http.webhook import WebhookEndpoint
from receiver.log import log_line

log = logging.getLogger("mailroom.function")
UNSETTLED = 503
"""For a message that is not settled: it comes again, and finally becomes a dead letter."""


def is_queued(event: object) -> bool:
    """Whether SQS sent this."""
    records = event.get("Records") if isinstance(event, dict) else None
    first = records[0] if isinstance(records, list) and records else None
    return isinstance(first, dict) and first.get("eventSource") == "aws:sqs"


async def answers(
    records: Sequence[Mapping[str, Any]], webhook: WebhookEndpoint, *, now: float, seconds: float
) -> dict[str, int]:
    """Message id -> the status that a request would have got: 2xx is stored, 4xx refused, counted and logged.

    503 for what could not be stored within these seconds, and for what nobody can read.
    """
    statuses = {record["messageId"]: UNSETTLED for record in records}
    inbounds: dict[str, Inbound] = {}
    for record in records:
        try:
            inbounds[record["messageId"]] = inbound_of(record, now=now)
        except ValueError as error:
            log_line(log, logging.ERROR, "message.unreadable", size=len(record["body"]), error=str(error))
    try:
        async with asyncio.timeout(seconds):
            replies = await webhook.answer(list(inbounds.values()))
    except TimeoutError:
        log_line(log, logging.ERROR, "function.out_of_time", messages=len(records))
        return statuses
    return statuses | {item: reply.status for item, reply in zip(inbounds, replies, strict=True)}


def inbound_of(record: Mapping[str, Any], *, now: float) -> Inbound:
    """The request in this message. It arrived when API Gateway got it: a token that was good then is good.

    Raises ValueError for what API Gateway does not write.
    """
    peer, bodies, headers, times = "", [], [], [now, _sent_at(record, now)]
    for line in str(record["body"]).split("\n"):
        match line.split(" "):
            case ["peer", address]:
                peer = address
            case ["at", milliseconds]:
                times.append(int(milliseconds) / 1000)
            case ["body", value]:
                bodies.append(_decoded(value))
            case ["header", name, value]:
                headers.append((name.lower().encode(), _decoded(value)))
            case _:
                raise ValueError("a line is neither peer, body nor header")
    if len(bodies) != 1:
        raise ValueError(f"{len(bodies)} bodies")
    return Inbound(headers, bodies[0], peer, arrived_at=min(times))


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a value is not Base64: {error}") from error


def _sent_at(record: Mapping[str, Any], now: float) -> float:
    """When SQS got it, in this queue: a message that is redriven from the dead letters counts as a new one (SQS
    Developer Guide, "Configure a dead-letter queue redrive")."""
    return int(record.get("attributes", {}).get("SentTimestamp", now * 1000)) / 1000
