"""What S3 says arrived: its own notifications, and those of EventBridge, as they come out of SQS.

Sources: S3 User Guide, "Event message structure" (keys are URL-encoded there, with ``+`` for a space) and "EventBridge
event message structure" (keys as they are). Deletions, folder markers and the test event that S3 sends when a
notification is made arrive too; none of them is a document.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

import msgspec
from msgspec import Raw, Struct, field

from handlers.sources.s3 import Place
from receiver.core.errors import Malformed


class Put(NamedTuple):
    """An object that was created, and who put it there as far as S3 says: a principal, an account, a service."""

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


class _Record(Struct):
    event_name: str = field(name="eventName")
    s3: Raw = Raw(b"null")
    identity: _Identity | None = field(name="userIdentity", default=None)


class _Bridged(Struct):
    key: str
    version: str | None = field(name="version-id", default=None)


class _Detail(Struct):
    bucket: _Named
    object: _Bridged
    requester: str | None = None


class _Message(Struct):
    """S3's test event, a notification of its own, or one of EventBridge's."""

    event: str = field(name="Event", default="")
    detail_type: str | None = field(name="detail-type", default=None)
    detail: Raw = Raw(b"null")
    records: tuple[_Record, ...] | None = field(name="Records", default=None)


def arrivals(body: str) -> list[Place]:
    """The objects that were created, in the versions that were. Raises Malformed for what S3 does not say."""
    return [put.at for put in puts(body)]


def puts(body: str) -> list[Put]:
    """The same, with who put them."""
    try:
        found = list(_read(msgspec.json.decode(body, type=_Message)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(f"not a notification of S3's: {error}") from error
    return [put for put in found if put.at.key and not put.at.key.endswith("/")]


def _read(message: _Message) -> Iterator[Put]:
    if message.event == "s3:TestEvent":
        return
    if message.detail_type is not None:
        yield from _eventbridge(message)
    elif message.records is not None:
        yield from _notified(message.records)
    else:
        raise Malformed("not a notification of S3's: it has neither Records nor a detail-type")


def _notified(records: tuple[_Record, ...]) -> Iterator[Put]:
    for record in records:
        if record.event_name.removeprefix("s3:").startswith("ObjectCreated:"):
            said = msgspec.json.decode(record.s3, type=_S3)
            at = Place(said.bucket.name, unquote_plus(said.object.key), said.object.version or "")
            yield Put(at, (record.identity and record.identity.principal) or "")


def _eventbridge(message: _Message) -> Iterator[Put]:
    if message.detail_type == "Object Created":
        said = msgspec.json.decode(message.detail, type=_Detail)
        yield Put(Place(said.bucket.name, said.object.key, said.object.version or ""), said.requester or "")
