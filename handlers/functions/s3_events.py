"""Reads S3's notifications from SQS messages: its own and EventBridge's, whichever services passed them on.

Sources: S3 User Guide, "Event message structure" (keys are URL-encoded there, with ``+`` for a space) and "EventBridge
event message structure" (keys as they are); SNS Developer Guide, "Parsing Amazon SNS message formats". SNS puts the
message into ``Message``; a rule of EventBridge may pass on only ``detail``. Deletions, folder markers, test events and
confirmations of subscriptions arrive, too; none of them is a document.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

import msgspec
from msgspec import Raw, Struct, field

from handlers.sources.s3 import Place
from receiver.core.errors import Malformed

ENVELOPES = 5
"""Maximum nested messages around a notification."""
SENDER_LIMIT = 255
"""Maximum characters of a principal, which is recorded and may come from an untrusted sender; real ones are shorter."""
_SUBSCRIPTION = frozenset({"SubscriptionConfirmation", "UnsubscribeConfirmation"})


class S3Put(NamedTuple):
    """A created object, and who put it there as far as S3 tells: a principal, an account or a service."""

    at: Place
    sender: str = ""


class _Named(Struct):
    name: str


class _Object(Struct):
    key: str
    version: str | None = field(name="versionId", default=None)


class _S3(Struct):
    bucket: _Named
    object: _Object


class _Identity(Struct):
    principal: str | None = field(name="principalId", default=None)


class _Topic(Struct):
    message: str = field(name="Message")


class _Record(Struct):
    event_name: str = field(name="eventName", default="")
    s3: Raw = Raw(b"null")
    sns: _Topic | None = field(name="Sns", default=None)
    """The payload of a function that SNS invokes."""
    body: str | None = None
    """The body of a message from another queue."""
    identity: _Identity | None = field(name="userIdentity", default=None)


class _Bridged(Struct):
    key: str
    version: str | None = field(name="version-id", default=None)


class _Detail(Struct):
    bucket: _Named
    object: _Bridged
    requester: str | None = None


class _Message(Struct):
    """S3's test event or notification, an event of EventBridge or only its detail, or a message from SNS."""

    event: str = field(name="Event", default="")
    type: str = field(name="Type", default="")
    message: str | None = field(name="Message", default=None)
    reason: str = ""
    deletion: str | None = field(name="deletion-type", default=None)
    detail_type: str | None = field(name="detail-type", default=None)
    detail: Raw = Raw(b"null")
    records: tuple[_Record, ...] | None = field(name="Records", default=None)


def s3_puts(body: str) -> list[Place]:
    """The created objects with their versions. Raises Malformed for anything that S3 does not send."""
    return [put.at for put in puts(body)]


def puts(body: str) -> list[S3Put]:
    """The same, with who put them."""
    try:
        found = list(_opened(body, ENVELOPES))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(f"not an S3 notification: {error}") from error
    return [put for put in found if put.at.key and not put.at.key.endswith("/")]


def _opened(body: str, depth: int) -> Iterator[S3Put]:
    """The objects in the message, or in the one that it contains."""
    if not depth:
        raise Malformed(f"not an S3 notification: more than {ENVELOPES} messages around it")
    message = msgspec.json.decode(body, type=_Message)
    if message.event == "s3:TestEvent" or message.type in _SUBSCRIPTION:
        return
    if message.message is not None:
        yield from _opened(message.message, depth - 1)
    elif message.detail_type is not None:
        if message.detail_type == "Object Created":
            yield _bridged(message.detail)
    elif message.records is not None:
        for record in message.records:
            yield from _notified(record, depth - 1)
    elif message.reason:
        if message.deletion is None:
            yield _bridged(body)
    else:
        raise Malformed("not an S3 notification: it has neither Records nor a detail-type")


def _notified(record: _Record, depth: int) -> Iterator[S3Put]:
    inside = record.sns.message if record.sns else record.body
    if inside is not None:
        yield from _opened(inside, depth)
    elif not record.event_name:
        raise Malformed("not an S3 notification: a record has no eventName")
    elif record.event_name.removeprefix("s3:").startswith("ObjectCreated:"):
        parsed = msgspec.json.decode(record.s3, type=_S3)
        at = Place(parsed.bucket.name, unquote_plus(parsed.object.key), parsed.object.version or "")
        yield S3Put(at, ((record.identity and record.identity.principal) or "")[:SENDER_LIMIT])


def _bridged(detail: Raw | str) -> S3Put:
    parsed = msgspec.json.decode(detail, type=_Detail)
    return S3Put(
        Place(parsed.bucket.name, parsed.object.key, parsed.object.version or ""),
        (parsed.requester or "")[:SENDER_LIMIT],
    )
