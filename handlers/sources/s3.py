"""Documents in S3: read from there, in the version that was ingested, and copied inside S3 when delivered.

A location is ``s3://bucket/key?versionId=…``; the version is empty in a bucket without versions.
"""

import base64
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from handlers.destinations import options as options_
from handlers.destinations import reach
from handlers.destinations.manifest import DELIVERY
from handlers.sources.s3_integrity import refuse_bogus, refuse_part
from receiver.aws.boto import Aws, DestinationAccess
from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import AccessDenied, DocumentRefused, FileGone, Unroutable
from receiver.core.header_block import HEAD_BYTES
from receiver.log import log_line
from receiver.ports import ContentSource, StoredContent

CHUNK = 1024 * 1024
_VERSION = "?versionId="
_MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
_UNTAGGABLE = _MISSING | {"MethodNotAllowed", "NotImplemented"}
"""Gone; a delete marker (405, S3 User Guide, working with delete markers); a store without tags."""
DONE = {"Key": "mailroom", "Value": "done"}
"""The tag of an object that no document needs."""
TAGS_MAX = 10
"""Tags that an object can have. Source: S3 User Guide, object tagging."""
log = logging.getLogger("mailroom.inbox")


class Place(NamedTuple):
    """One version of one object."""

    bucket: str
    key: str
    version: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}{_VERSION}{self.version}"

    @property
    def arguments(self) -> dict[str, str]:
        """What S3's operations call it."""
        return {"Bucket": self.bucket, "Key": self.key, **({"VersionId": self.version} if self.version else {})}


def source_place(location: str) -> Place:
    """The place of a location; a key may contain anything, a question mark too."""
    bucket, _, rest = location.removeprefix("s3://").partition("/")
    key, found, version = rest.rpartition(_VERSION)
    return Place(bucket, key, version) if found else Place(bucket, rest)


class S3Source:
    """The Source of ``s3://`` documents."""

    def __init__(self, aws: Aws, *, environ: Mapping[str, str] = os.environ) -> None:
        """``environ`` has the values of the options of deliveries (``role: env:NAME``)."""
        self._aws = aws
        self._environ = environ
        self._reported: set[str] = set()

    async def look(self, at: Place, *, limit: int) -> StoredContent | None:
        """The object, with its checksum: S3's own where it has one, else by reading it through.

        None for an object that Mailroom itself delivered: ingested, it would be delivered again and again. Raises
        FileGone, DocumentRefused past ``limit`` bytes.
        """
        answer = await self._open(at, ChecksumMode="ENABLED")
        if str(answer.get("Metadata", {}).get(DELIVERY, "")).startswith("dlv_"):
            answer["Body"].close()
            return None
        size = int(answer["ContentLength"])
        if size > limit:
            answer["Body"].close()
            raise DocumentRefused(f"{at} has {size} bytes", fix="LlamaCloud accepts at most 512 MB")
        # The answer itself says which version it was: a notification without one is pinned from here on.
        pinned = at._replace(version=at.version or _version(answer))
        known = _sha256_of(answer)
        read = partial(_read, known=known)
        head, sha256, taken = await self._aws.read(answer["Body"], read, what=f"s3://{at.bucket}/{at.key}")
        if not known:
            await refuse_part(self._aws, pinned.arguments, answer, taken)
        return StoredContent(location=str(pinned), sha256=sha256, size=size, head=head)

    async def content(self, document: Document) -> Content:
        if (access := self._access(document)) != DestinationAccess():
            return self._copy(document, access)
        at = source_place(document.content)
        return Content(
            size=document.size,
            sha256=document.sha256,
            media_type=document.media_type,
            stream=lambda: self.stream(at, size=document.size),
            s3=(at.bucket, at.key, at.version),
            download=partial(self._aws.download_url, at.arguments),
        )

    def _access(self, document: Document) -> DestinationAccess:
        """The access to the place from which the document is read: as it was when it was delivered there."""
        copies = (
            item.to.options
            for item in document.copies
            if item.receipt is not None and item.receipt.location == document.content
        )
        access = reach.access_of(options_.given(next(copies, {}), self._environ))
        return replace(access, endpoint=reach.split_endpoint(document.content)[0])

    def _copy(self, document: Document, access: DestinationAccess) -> Content:
        """The options of a document that was delivered with a role, or to an endpoint; it is not copied from there
        inside S3.
        """
        at, aws = source_place(reach.split_endpoint(document.content)[1]), self._aws.through(access)
        return Content(
            size=document.size,
            sha256=document.sha256,
            media_type=document.media_type,
            stream=lambda: S3Source(aws).stream(at, size=document.size),
            download=partial(aws.download_url, at.arguments),
        )

    async def release(self, location: str) -> None:
        """Tags the object ``mailroom=done``. It is not ours to delete; a lifecycle rule of its bucket may.

        One that we may not tag stays as it is, which is logged once. Raises Transient.
        """
        await self._tag(source_place(location), DONE)

    async def reclaim(self, location: str) -> None:
        """Removes the tag from an object that a document needs again."""
        await self._tag(source_place(location))

    async def _tag(self, at: Place, *ours: dict[str, str]) -> None:
        """Replaces our tag, and leaves others as they are."""
        try:
            before = await self._tags(at)
            others = [tag for tag in before if tag["Key"] != DONE["Key"]]
            if [tag for tag in before if tag not in others] != [*ours]:
                await self._write_tags(at, [*others, *ours])
        except (AccessDenied, Unroutable) as error:
            if at.bucket not in self._reported:
                self._reported.add(at.bucket)
                log_line(log, logging.WARNING, "object.untagged", bucket=at.bucket, error=str(error), fix=error.fix)

    async def _tags(self, at: Place) -> list[dict[str, str]]:
        what = f"s3://{at.bucket}/{at.key}"
        answer = await self._aws.attempt("s3", "get_object_tagging", what=what, unless=_UNTAGGABLE, **at.arguments)
        return answer["TagSet"] if answer else []

    async def _write_tags(self, at: Place, tags: list[dict[str, str]]) -> None:
        what = f"s3://{at.bucket}/{at.key}"
        if len(tags) > TAGS_MAX:
            raise Unroutable(f"{what} has {TAGS_MAX} tags already, and cannot be tagged {DONE['Key']}={DONE['Value']}")
        await self._aws.attempt(
            "s3", "put_object_tagging", what=what, unless=_UNTAGGABLE, **at.arguments, Tagging={"TagSet": tags}
        )

    async def remove(self, at: Place) -> None:
        """Deletes this version of the object, unless it is gone already."""
        await self._aws.call("s3", "delete_object", what=f"s3://{at.bucket}/{at.key}", **at.arguments)

    async def stream(self, at: Place, *, size: int) -> AsyncIterator[bytes]:
        """The bytes in chunks. Raises FileGone, DestinationBusy when they break off or are not all of the object."""
        answer = await self._open(at)
        body, taken = answer["Body"], 0
        try:
            while chunk := await self._aws.chunk(body, CHUNK, what=f"s3://{at.bucket}/{at.key}"):
                taken += len(chunk)
                yield chunk
        finally:
            body.close()
        if taken != size:
            await refuse_part(self._aws, at.arguments, answer, taken)

    async def _open(self, at: Place, **more: str) -> dict[str, Any]:
        answer = await self._aws.attempt(
            "s3", "get_object", what=f"s3://{at.bucket}/{at.key}", unless=_MISSING, **at.arguments, **more
        )
        if answer is None:
            raise FileGone(f"{at} no longer exists")
        refuse_bogus(answer, str(at))
        return answer


def _version(answer: dict[str, Any]) -> str:
    version = str(answer.get("VersionId", ""))
    return "" if version == "null" else version


def _sha256_of(answer: dict[str, Any]) -> str:
    """The whole object's SHA-256 in hex, where S3 has it; that of an object in parts is another thing (``…-N``)."""
    checksum = str(answer.get("ChecksumSHA256", ""))
    return base64.b64decode(checksum).hex() if checksum and "-" not in checksum else ""


def _read(body: Any, known: str) -> tuple[bytes, str, int]:
    """The first bytes, the checksum, and how many were read: to the end only where nobody knows the checksum."""
    head: bytes = body.read(HEAD_BYTES)
    if known:
        return head, known, len(head)
    digest, taken = hashlib.sha256(head), len(head)
    while chunk := body.read(CHUNK):
        digest.update(chunk)
        taken += len(chunk)
    return head, digest.hexdigest(), taken


_: type[ContentSource] = S3Source
