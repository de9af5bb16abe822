"""The spool in a bucket: for functions, whose disks do not last.

Bytes are spooled to a temporary folder first: their checksum, which decides which document they belong to, is only
known at the end.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from handlers.destinations.s3_object import MULTIPART_BYTES, PART_BYTES, S3Objects
from handlers.sources.s3 import Place, S3Source
from receiver.aws.boto import Aws
from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import AccessDenied, DestinationBusy, FileGone, StoreBusy, Unroutable
from receiver.pipeline.scratch import scratch
from receiver.ports import Spool, StoredContent
from receiver.store.spool import OWNER, SCHEME, FolderSpool

DRESS = {"ContentType": "application/octet-stream", "Metadata": {}}


class S3Spool:
    """Keeps bytes under ``s3://bucket/prefix``; locations are those of the folder (receiver/store/spool.py)."""

    def __init__(self, url: str, aws: Aws) -> None:
        self._bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        self._aws = aws
        self._source = S3Source(aws)
        self._objects = S3Objects(aws, part_bytes=PART_BYTES, multipart_copy_above=MULTIPART_BYTES)

    async def keep(
        self, source: AsyncIterator[bytes] | Path, *, limit: int, owner: Callable[[str], str]
    ) -> StoredContent:
        with scratch() as folder:
            aside = FolderSpool(folder)
            kept = await aside.keep(source, limit=limit, owner=owner)
            if kept.size:
                await self._put(kept, aside)
        return kept

    async def _put(self, kept: StoredContent, aside: FolderSpool) -> None:
        content = Content(
            size=kept.size,
            sha256=kept.sha256,
            media_type="application/octet-stream",
            stream=lambda: aside.stream(kept.location),
        )
        try:
            await self._objects.write(self._bucket, self._key(kept.location), content, DRESS)
        except DestinationBusy as error:
            raise StoreBusy(f"the spool s3://{self._bucket} cannot be written: {error}") from error

    async def content(self, document: Document) -> Content:
        at = Place(self._bucket, self._key(document.content))
        there = await self._aws.attempt(
            "s3", "head_object", what=f"s3://{at.bucket}/{at.key}", unless=frozenset({"404", "403"}), **at.arguments
        )
        if there is None:
            raise FileGone(f"{document.name}: its bytes are no longer in the spool s3://{self._bucket}/{self._prefix}")
        return Content(
            size=document.size,
            sha256=document.sha256,
            media_type=document.media_type,
            stream=lambda: self._source.stream(at, size=document.size),
            s3=(at.bucket, at.key, ""),
            download=partial(self._aws.download_url, at.arguments),
        )

    async def release(self, location: str) -> None:
        """Deletes the object; in a bucket with versions, it stays behind a delete marker until a lifecycle rule removes
        it.
        """
        key = self._key(location)
        await self._aws.call("s3", "delete_object", what=f"s3://{self._bucket}/{key}", Bucket=self._bucket, Key=key)

    async def listed(self, *, after: str, limit: int) -> list[tuple[str, float]]:
        answer = await self._aws.call(
            "s3", "list_objects_v2", what=f"s3://{self._bucket}/{self._prefix}",
            Bucket=self._bucket, Prefix=self._prefix, StartAfter=self._key(after), MaxKeys=limit + 1,
        )  # fmt: skip
        found = [
            (f"{SCHEME}{item['Key'].removeprefix(self._prefix)}", item["LastModified"].timestamp())
            for item in answer.get("Contents", [])
            if item["Key"] != self._key(OWNER)
        ]
        return found[:limit]

    async def claim(self, installation: str) -> str:
        key = self._key(OWNER)
        try:
            return (await self._objects.read(self._bucket, key)).decode()
        except (Unroutable, AccessDenied):  # missing, which S3 answers with a refusal if we may not list the bucket
            await self._objects.create(self._bucket, key, installation.encode(), DRESS)
            return (await self._objects.read(self._bucket, key)).decode()

    async def clear_leftovers(self, *, before: float) -> int:
        """None: an object appears whole. The bucket's lifecycle rule removes unfinished multipart uploads."""
        return 0

    def _key(self, location: str) -> str:
        return self._prefix + location.removeprefix(SCHEME)


_: type[Spool] = S3Spool
