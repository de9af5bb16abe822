"""Rings of the doorbell, from SQS: each names a task, which is claimed and worked on.

A ring whose task is settled, in other hands or not due is answered: the store knows, and the sweep rings again. Back to
the queue goes only what this invocation could not settle, and what nobody can read, until it is a dead letter.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

from handlers.functions.application import close, meter_of
from handlers.functions.warm import Context, Warm
from receiver.bootstrap import App, load_app
from receiver.core.errors import MailroomError
from receiver.log import line
from receiver.runner import Worker, owner_name

log = logging.getLogger("mailroom.function")
WARM = Warm(load_app, close)
MARGIN_SECONDS = 3.0
"""What is left of the invocation's time when its tasks are stopped: to answer the batch, and to write the metrics."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Which messages must come again (ReportBatchItemFailures)."""
    app = WARM.built()
    seconds = context.get_remaining_time_in_millis() / 1000
    failed = WARM.run(work_on(event["Records"], app, seconds=seconds))
    WARM.publish(meter_of(app))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def work_on(records: Sequence[dict[str, Any]], app: App, *, seconds: float) -> list[str]:
    """The ids of the messages whose tasks were not settled within these seconds."""
    jobs = {record["messageId"]: asyncio.create_task(answer(record["body"], app, seconds)) for record in records}
    await asyncio.wait(jobs.values(), timeout=max(seconds - MARGIN_SECONDS, 0.0))
    for job in jobs.values():
        job.cancel()
    settled = await asyncio.gather(*jobs.values(), return_exceptions=True)
    return [message_id for message_id, done in zip(jobs, settled, strict=True) if done is not True]


async def answer(body: str, app: App, seconds: float) -> bool:
    """Whether this ring need not come again."""
    try:
        task_id = str(json.loads(body)["task"])
    except (ValueError, KeyError, TypeError):
        line(log, logging.ERROR, "ring.unreadable", size=len(body))
        return False
    try:
        # The lease outlasts the invocation: nobody takes the task over while this one may still be at it.
        tasks = await app.tools.store.claim(
            owner=owner_name(), now=app.tools.clock(), lease_seconds=seconds + MARGIN_SECONDS, ids=[task_id]
        )
    except MailroomError as error:
        line(log, logging.ERROR, "ring.unanswered", task=task_id, error=str(error), fix=error.fix)
        return False
    worker = Worker(app.tools, lease_seconds=seconds + MARGIN_SECONDS)
    return all([await worker.work_on(task) for task in tasks])
