"""What S3 says arrived: its own notifications, and those of EventBridge, as they come out of SQS.

Sources: S3 User Guide, "Event message structure" (keys are URL-encoded there, with ``+`` for a space) and "EventBridge
event message structure" (keys as they are). Deletions, folder markers and the test event that S3 sends when a
notification is made arrive too; none of them is a document.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from handlers.sources.s3 import Place
from receiver.core.errors import Malformed


class Put(NamedTuple):
    """An object that was created, and who put it there as far as S3 says: a principal, an account, a service."""

    at: Place
    sender: str = ""


def arrivals(body: str) -> list[Place]:
    """The objects that were created, in the versions that were. Raises Malformed for what S3 does not say."""
    return [put.at for put in puts(body)]


def puts(body: str) -> list[Put]:
    """The same, with who put them."""
    try:
        said = json.loads(body)
        if said.get("Event") == "s3:TestEvent":
            return []
        found = list(_eventbridge(said) if "detail-type" in said else _notified(said["Records"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"not a notification of S3's: {error!r}") from error
    return [put for put in found if put.at.key and not put.at.key.endswith("/")]


def _notified(records: list[dict[str, Any]]) -> Iterator[Put]:
    for record in records:
        if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
            s3 = record["s3"]
            at = Place(s3["bucket"]["name"], unquote_plus(s3["object"]["key"]), s3["object"].get("versionId", ""))
            yield Put(at, str(record.get("userIdentity", {}).get("principalId", "")))


def _eventbridge(event: dict[str, Any]) -> Iterator[Put]:
    if event["detail-type"] == "Object Created":
        said = event["detail"]
        at = Place(said["bucket"]["name"], said["object"]["key"], said["object"].get("version-id", ""))
        yield Put(at, str(said.get("requester", "")))
