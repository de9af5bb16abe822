"""The S3 inbox: objects that are put into a bucket become documents, by notifications through SQS.

A Lambda function (handlers/functions/intake.py) and a process that polls the queue itself (MAILROOM_INBOX) use the same
code. A message is deleted when everything in it is durably a document. Any other comes again, and ends in the
dead-letter queue, where a person finds it.
"""

import asyncio
import logging

from handlers.destinations.queue_address import queue_name
from handlers.functions.s3_events import S3Put, puts
from handlers.sources.s3 import S3Source, source_place
from receiver.aws.boto import Aws
from receiver.bootstrap import App
from receiver.core.errors import DocumentRefused, FileGone, MailroomError, NotAllowed
from receiver.log import log_line
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import IngestedFile, ingest_file
from receiver.settings import Settings, listed

log = logging.getLogger("mailroom.inbox")
PACKETS = "packets/"
"""Objects under this prefix are packets: they are split first."""
WAIT_SECONDS = 20
"""The longest that SQS waits for a message. Source: SQS developer guide, long polling."""
PAUSE_AFTER_FAULT = 5.0


async def taken(body: str, app: App) -> bool:
    """Whether this message can be deleted. An invalid one affects no other: it comes again, then is a dead letter."""
    try:
        await take_message(body, app)
    except MailroomError as error:
        log_line(log, logging.ERROR, "ingest.failed", error=str(error), fix=error.fix)
    except Exception:  # a message comes from outside: none may stop the others
        log.exception("ingest.failed")
    else:
        return True
    return False


async def take_message(body: str, app: App) -> None:
    """Ingests all objects of this notification. Raises MailroomError: then the message must come again.

    NotAllowed when it names a place that is not part of the inbox: then nothing of it is ingested, or deleted.
    """
    found = puts(body)
    places = inbox_places(app.settings)
    if others := sorted(put.at for put in found if not f"{put.at.bucket}/{put.at.key}".startswith(places)):
        raise NotAllowed(
            f"the message is about bucket {others[0].bucket}, {others[0].key}: it is not in MAILROOM_INBOX_BUCKETS",
            fix="add it there if it is your inbox; otherwise check who can send to the queue",
        )
    for put in found:
        await take_object(put, app)


def inbox_places(settings: Settings) -> tuple[str, ...]:
    """``bucket/`` or ``bucket/prefix`` of all places that belong to the inbox."""
    return tuple(item if "/" in item else f"{item}/" for item in listed(settings.inbox_buckets))


async def take_object(put: S3Put, app: App) -> IngestedFile:
    """Ingests one object. Raises DocumentRefused with every refusal, after the rest was ingested."""
    source = app.context.sources["s3"]
    assert isinstance(source, S3Source)
    afterwards = app.settings.inbox_source
    try:
        kept = await source.look(put.at, limit=app.context.max_document)
    except FileGone:
        if afterwards != "moved":
            raise
        log_line(log, logging.INFO, "inbox.already_moved", origin=str(put.at))
        return IngestedFile()
    if kept is None:
        log_line(log, logging.WARNING, "inbox.own_output", origin=str(put.at), error="skipped: Mailroom delivered it")
        return IngestedFile()
    pinned = source_place(kept.location)
    locator = f"{pinned.bucket}/{pinned.key}"
    arrival = IncomingFile(
        name=pinned.key.rpartition("/")[2],
        kind="s3",
        source=kept if afterwards == "left" else source.stream(pinned, size=kept.size),
        locator=locator,
        sender=put.sender,
        packet=pinned.key.startswith(PACKETS),
    )
    arrived = await ingest_file(arrival, app.context)
    _report(arrived, locator)
    if arrived.refused:
        raise DocumentRefused("; ".join(item.reason for item in arrived.refused))
    if afterwards == "moved":
        await source.remove(pinned)
    else:
        await _note_need(arrived, str(pinned), source)
    return arrived


async def _note_need(arrived: IngestedFile, location: str, source: S3Source) -> None:
    """Tags an object that no document is read from: it was copied, or another version of it is known."""
    readers = [item for item in arrived.taken if item.document.content == location]
    if not readers:
        await source.release(location)
    elif not all(item.fresh for item in readers):
        await source.reclaim(location)  # its bytes had been removed, and came again


def _report(arrived: IngestedFile, locator: str) -> None:
    for item in arrived.taken:
        what, document = "document.received" if item.fresh else "document.known", item.document
        log_line(
            log, logging.INFO, what,
            document=document.id, origin=locator, size=document.size, packet=document.packet or None,
        )  # fmt: skip


class InboxFeed:
    """Polls the queue of an inbox, for processes without an event source."""

    def __init__(self, queue: str, aws: Aws) -> None:
        self._queue = queue
        self._aws = aws
        self._url = ""

    async def __call__(self, app: App) -> None:
        """Ingests what comes, until it is cancelled: unfinished messages then come again."""
        while True:
            try:
                await self.poll(app)
            except MailroomError as error:
                log_line(log, logging.ERROR, "inbox.stalled", queue=self._queue, error=str(error), fix=error.fix)
                await asyncio.sleep(PAUSE_AFTER_FAULT)

    async def poll(self, app: App, *, wait_seconds: int = WAIT_SECONDS) -> int:
        """Polls the queue once. Returns how many messages were finished."""
        answer = await self._aws.call(
            "sqs", "receive_message", what=self._queue,
            QueueUrl=await self._found(), MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds,
        )  # fmt: skip
        done = await asyncio.gather(*(self._take(message, app) for message in answer.get("Messages", [])))
        return sum(done)

    async def _take(self, message: dict[str, str], app: App) -> bool:
        if not await taken(message["Body"], app):
            return False
        await self._aws.call(
            "sqs", "delete_message", what=self._queue,
            QueueUrl=await self._found(), ReceiptHandle=message["ReceiptHandle"],
        )  # fmt: skip
        return True

    async def _found(self) -> str:
        if not self._url:
            name = queue_name(self._queue)
            answer = await self._aws.call("sqs", "get_queue_url", what=self._queue, QueueName=name)
            self._url = answer["QueueUrl"]
        return self._url
