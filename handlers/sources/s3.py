"""Documents that lie in S3: read from there, in the version that was taken in, and copied inside S3 when delivered.

A location is ``s3://bucket/key?versionId=…``; the version is empty in a bucket without versions.
"""

import base64
import hashlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, NamedTuple

from handlers.aws import Aws
from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, FileGone
from receiver.core.parcel import Content
from receiver.ports import Kept, Source

CHUNK = 1024 * 1024
HEAD = 1024
_VERSION = "?versionId="
_MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion"})


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


def place(location: str) -> Place:
    """The place that a location names; a key may hold anything, a question mark too."""
    bucket, _, rest = location.removeprefix("s3://").partition("/")
    key, found, version = rest.rpartition(_VERSION)
    return Place(bucket, key, version) if found else Place(bucket, rest)


class S3Source:
    """The Source of ``s3://`` documents."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def look(self, at: Place, *, limit: int) -> Kept:
        """What lies there, with its checksum: S3's own where it has one, else by reading it through.

        Raises FileGone, DocumentRefused past ``limit`` bytes.
        """
        answer = await self._open(at, ChecksumMode="ENABLED")
        size = int(answer["ContentLength"])
        if size > limit:
            answer["Body"].close()
            raise DocumentRefused(f"{at} has {size} bytes", fix="LlamaCloud takes 512 MB at most")
        # Which version it was is said by the answer itself: a notification without one is pinned from here on.
        pinned = at._replace(version=at.version or _version(answer))
        read = partial(_read, known=_sha256_of(answer))
        head, sha256 = await self._aws.read(answer["Body"], read, what=f"s3://{at.bucket}/{at.key}")
        return Kept(location=str(pinned), sha256=sha256, size=size, head=head)

    async def content(self, document: Document) -> Content:
        at = place(document.content)
        return Content(
            size=document.size,
            sha256=document.sha256,
            media_type=document.media_type,
            stream=lambda: self.stream(at),
            s3=(at.bucket, at.key, at.version),
        )

    async def remove(self, at: Place) -> None:
        """Deletes this version of the object; one that is gone already is gone."""
        await self._aws.call("s3", "delete_object", what=f"s3://{at.bucket}/{at.key}", **at.arguments)

    async def stream(self, at: Place) -> AsyncIterator[bytes]:
        """The bytes in chunks. Raises FileGone, DestinationBusy when they break off."""
        body = (await self._open(at))["Body"]
        try:
            while chunk := await self._aws.chunk(body, CHUNK, what=f"s3://{at.bucket}/{at.key}"):
                yield chunk
        finally:
            body.close()

    async def _open(self, at: Place, **more: str) -> dict[str, Any]:
        answer = await self._aws.attempt(
            "s3", "get_object", what=f"s3://{at.bucket}/{at.key}", unless=_MISSING, **at.arguments, **more
        )
        if answer is None:
            raise FileGone(f"{at} is not there any more")
        return answer


def _version(answer: dict[str, Any]) -> str:
    version = str(answer.get("VersionId", ""))
    return "" if version == "null" else version


def _sha256_of(answer: dict[str, Any]) -> str:
    """The whole object's SHA-256 in hex, where S3 has it; that of an object in parts is another thing (``…-N``)."""
    checksum = str(answer.get("ChecksumSHA256", ""))
    return base64.b64decode(checksum).hex() if checksum and "-" not in checksum else ""


def _read(body: Any, known: str) -> tuple[bytes, str]:
    """The first bytes, and the checksum; read to the end only where nobody knows it."""
    head: bytes = body.read(HEAD)
    if known:
        return head, known
    digest = hashlib.sha256(head)
    while chunk := body.read(CHUNK):
        digest.update(chunk)
    return head, digest.hexdigest()


_: type[Source] = S3Source
