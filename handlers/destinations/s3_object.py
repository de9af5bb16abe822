"""Writes an S3 object create-only and verifies it: in one piece, in parts, or by a copy inside S3.

Sources, all in the S3 API reference: conditional writes (``If-None-Match: *`` on PutObject, CopyObject and
CompleteMultipartUpload gives 412 if the key exists, 409 while another write is in progress); checksums (SHA-256 of an
object in parts is a checksum of the parts' checksums, ``…-N``, so such an object also carries its SHA-256 as metadata).
"""

import copy
import hashlib
import logging
import math
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import anyio

from handlers.destinations.s3_checksum import as_base64, proves, sha256_in
from handlers.sources.s3_integrity import refuse_part
from receiver.aws.boto import Aws
from receiver.core.delivery_request import Content
from receiver.core.errors import DeliveryConflict, DestinationBusy, FileGone, MailroomError

PART_BYTES = 16 * 1024 * 1024
"""Size of a part, and the maximum of a document in memory. A smaller object is written in one piece."""
MULTIPART_BYTES = 5 * 1024**3
"""Maximum size for one CopyObject. Source: S3 API reference, CopyObject."""
SMALL_BYTES = 1024 * 1024
COPY_PART_BYTES = 512 * 1024 * 1024
PARTS_MAX = 9_000
"""Safely below S3's 10,000 parts of one upload."""
_EXISTS = frozenset({"PreconditionFailed", "412"})
_ENDED = _EXISTS | {"NoSuchUpload"}
"""A repeated completion may find no upload, because the first one succeeded; the existing object shows that."""
_MISSING = frozenset({"404", "NoSuchKey"})
_UNSEEN = _MISSING | {"403"}
"""A role without s3:ListBucket gets a 403 for a missing key. The write itself then decides."""

ObjectHeaders = dict[str, Any]
R = TypeVar("R")

_log = logging.getLogger("mailroom.s3")


class S3Objects:
    """Writes S3 objects, each with effect once."""

    def __init__(
        self, aws: Aws, *, part_bytes: int, multipart_copy_above: int, copy_part_bytes: int | None = None
    ) -> None:
        self._aws = aws
        self._part_bytes = part_bytes
        self._multipart_copy_above = multipart_copy_above
        self._copy_part_bytes = copy_part_bytes or COPY_PART_BYTES
        self._condition: dict[str, str] = {"IfNoneMatch": "*"}

    def without_conditions(self) -> "S3Objects":
        """These objects for a store without conditional writes: it checks first, so two concurrent writers may both
        write."""
        other = copy.copy(self)
        other._condition = {}
        return other

    def by(self, aws: Aws) -> "S3Objects":
        """These objects with other clients."""
        other = copy.copy(self)
        other._aws = aws
        return other

    async def write(
        self, bucket: str, key: str, content: Content, object_headers: ObjectHeaders, *, look: bool = False
    ) -> tuple[str, bool]:
        """Writes the content. Returns its SHA-256, and whether this call created the object.

        With ``look``, S3 is asked for the object before the content is read. Raises DeliveryConflict if the key has
        other content, FileGone if the content has changed.
        """
        if look and content.sha256 and await self._is_there(bucket, key, content.sha256):
            return content.sha256, False
        if content.s3 and self._aws.usual:  # another role or store may not be able to read the source
            return await self._copy(bucket, key, content, object_headers)
        parts = _in_parts(content.stream(), _part_size(content.size, self._part_bytes))
        first = await anext(parts, b"")
        if len(first) < self._part_bytes:
            sha256 = _expected(hashlib.sha256(first).hexdigest(), content, f"s3://{bucket}/{key}")
            written = await self._put(bucket, key, first, _carrying(object_headers, sha256))
            if written is not None and proves(written, first):
                return sha256, True
            return await self._proven(bucket, key, sha256, fresh=written is not None)
        sha256 = content.sha256 or await _hashed(content.stream())
        if await self._is_there(bucket, key, sha256):
            return sha256, False
        return await self._upload(bucket, key, sha256, _chained(first, parts), object_headers)

    async def create(self, bucket: str, key: str, body: bytes, object_headers: ObjectHeaders) -> bool:
        """Writes a new object in one piece; False if the key exists, with any content."""
        return await self._put(bucket, key, body, object_headers) is not None

    async def _put(self, bucket: str, key: str, body: bytes, object_headers: ObjectHeaders) -> dict[str, Any] | None:
        """S3's response to the write of a new object; None if the key exists."""
        if not self._condition and await self._head(bucket, key, unless=_UNSEEN) is not None:
            return None
        return await self._aws.attempt(
            "s3", "put_object", what=f"s3://{bucket}/{key}", unless=_EXISTS,
            Bucket=bucket, Key=key, Body=body, ChecksumSHA256=as_base64(hashlib.sha256(body).hexdigest()),
            **self._condition, **object_headers,
        )  # fmt: skip

    async def restyle(self, bucket: str, key: str, object_headers: ObjectHeaders) -> None:
        """Copies an object onto itself: it keeps its bytes, and gets ``object_headers`` in place of its own.

        Raises DestinationBusy if another writer changes it in between; the next attempt finds that.
        """
        what = f"s3://{bucket}/{key}"
        head = await self._head(bucket, key, unless=_MISSING)
        if head is None:
            raise DestinationBusy(f"{what} existed, but is gone")
        at = {"Bucket": bucket, "Key": key}
        sha256, size = sha256_in(head) or await self._read_sha256(at), head["ContentLength"]
        pinned = {"CopySource": at, "CopySourceIfMatch": head["ETag"]}
        headers = {name: value for name, value in object_headers.items() if name != "Tagging"}
        if size > self._multipart_copy_above:
            await self.without_conditions()._copy_in_parts(bucket, key, sha256, size, pinned, headers)
        else:
            await self._copy_onto_itself(bucket, key, sha256, pinned, headers)
        if "Tagging" in object_headers:
            tags = [{"Key": name, "Value": value} for name, value in parse_qsl(str(object_headers["Tagging"]))]
            await self._aws.call("s3", "put_object_tagging", what=what, **at, Tagging={"TagSet": tags})

    async def rewrite(
        self,
        bucket: str,
        key: str,
        change: Callable[[bytes], bytes | None],
        headers_of: Callable[[dict[str, str]], ObjectHeaders],
    ) -> None:
        """Replaces a small object by what ``change`` returns for it (None: no change), with headers for its metadata.

        Raises DestinationBusy if another writer changes it in between.
        """
        at, what = {"Bucket": bucket, "Key": key}, f"s3://{bucket}/{key}"
        head = await self._head(bucket, key, unless=_MISSING)
        if head is None or (body := change(await self.read(bucket, key))) is None:
            return
        checksum = as_base64(hashlib.sha256(body).hexdigest())
        unchanged = {"IfMatch": head["ETag"]} if self._condition else {}
        written = await self._aws.attempt(
            "s3", "put_object", what=what, unless=_EXISTS, Body=body, ChecksumSHA256=checksum,
            **at, **unchanged, **headers_of(head.get("Metadata", {})),
        )  # fmt: skip
        if written is None:
            raise DestinationBusy(f"{what} was written by another process at the same time")

    async def _copy_onto_itself(
        self, bucket: str, key: str, sha256: str, pinned: dict[str, Any], headers: ObjectHeaders
    ) -> None:
        copied = await self._aws.attempt(
            "s3", "copy_object", what=f"s3://{bucket}/{key}", unless=_EXISTS,
            Bucket=bucket, Key=key, MetadataDirective="REPLACE", ChecksumAlgorithm="SHA256",
            **pinned, **_carrying(headers, sha256),
        )  # fmt: skip
        if copied is None:
            raise DestinationBusy(f"s3://{bucket}/{key} was written by another process at the same time")
        await self._proven(bucket, key, sha256, fresh=True)

    async def read(self, bucket: str, key: str) -> bytes:
        """The bytes of an object, at most SMALL_BYTES. Raises DestinationBusy if the response is incomplete."""
        beginning: bytes = await self._read_whole({"Bucket": bucket, "Key": key}, _beginning)
        return beginning

    async def _upload(
        self, bucket: str, key: str, sha256: str, parts: AsyncIterator[bytes], object_headers: ObjectHeaders
    ) -> tuple[str, bool]:
        what, running = f"s3://{bucket}/{key}", hashlib.sha256()

        async def send(upload: dict[str, Any]) -> list[dict[str, Any]]:
            done: list[dict[str, Any]] = []
            async for body in parts:
                running.update(body)
                number, checksum = len(done) + 1, as_base64(hashlib.sha256(body).hexdigest())
                answer = await self._aws.call(
                    "s3", "upload_part", what=what, **upload, PartNumber=number, Body=body, ChecksumSHA256=checksum
                )
                done.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
            if running.hexdigest() != sha256:
                raise FileGone(f"{what}: the bytes read are sha256 {running.hexdigest()}, expected {sha256}")
            return done

        return await self._in_upload(bucket, key, sha256, object_headers, send)

    async def _in_upload(
        self, bucket: str, key: str, sha256: str, object_headers: ObjectHeaders, send: Any
    ) -> tuple[str, bool]:
        """A multipart upload that is completed create-only, or aborted in all other cases."""
        what = f"s3://{bucket}/{key}"
        opened = await self._aws.call(
            "s3", "create_multipart_upload", what=what,
            Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256", **_carrying(object_headers, sha256),
        )  # fmt: skip
        upload = {"Bucket": bucket, "Key": key, "UploadId": opened["UploadId"]}
        completed = None
        try:
            parts = await send(upload)
            completed = await self._aws.attempt(
                "s3", "complete_multipart_upload", what=what, unless=_ENDED,
                **upload, MultipartUpload={"Parts": parts}, **self._condition,
            )  # fmt: skip
        finally:
            if completed is None:
                await self._abort(upload, what)
        return await self._proven(bucket, key, sha256, fresh=completed is not None)

    async def _abort(self, upload: dict[str, Any], what: str) -> None:
        """Aborts the upload, because incomplete ones cost money. A lifecycle rule removes those that remain."""
        with anyio.CancelScope(shield=True):
            try:
                await self._aws.attempt("s3", "abort_multipart_upload", what=what, unless=_ENDED, **upload)
            except MailroomError as error:
                _log.warning("an unfinished upload to %s remains: %s", what, error)

    async def _copy(self, bucket: str, key: str, content: Content, object_headers: ObjectHeaders) -> tuple[str, bool]:
        """A copy inside S3, of exactly the version that was ingested."""
        source, head, sha256 = await self._source(content)
        if await self._is_there(bucket, key, sha256):
            return sha256, False
        pinned = {"CopySource": source, "CopySourceIfMatch": head["ETag"]}
        if head["ContentLength"] > self._multipart_copy_above:
            return await self._copy_in_parts(bucket, key, sha256, head["ContentLength"], pinned, object_headers)
        copied = await self._aws.attempt(
            "s3", "copy_object", what=f"s3://{bucket}/{key}", unless=_EXISTS,
            Bucket=bucket, Key=key, MetadataDirective="REPLACE", ChecksumAlgorithm="SHA256",
            **({"TaggingDirective": "REPLACE"} if "Tagging" in object_headers else {}),
            **self._condition, **pinned, **_carrying(object_headers, sha256),
        )  # fmt: skip
        if copied is not None and sha256_in(copied["CopyObjectResult"]) == sha256:
            return sha256, True
        return await self._proven(bucket, key, sha256, fresh=copied is not None)

    async def _source(self, content: Content) -> tuple[dict[str, str], dict[str, Any], str]:
        """The source of the copy, its metadata in S3, and the SHA-256 that it must have. Raises FileGone."""
        assert content.s3 is not None
        bucket, key, version = content.s3
        source = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
        head = await self._aws.attempt(
            "s3", "head_object", what=f"s3://{bucket}/{key}", unless=_MISSING, ChecksumMode="ENABLED", **source
        )
        if head is None:
            raise FileGone(f"s3://{bucket}/{key} no longer exists")
        known = sha256_in(head)
        if not known and not (content.sha256 and version):
            # Without a version, the source may have been overwritten since. A copy of bytes that were not classified
            # would have to be removed again, and deliveries have no right to delete.
            known = await self._read_sha256(source)
        return source, head, _expected(known or content.sha256, content, f"s3://{bucket}/{key}")

    async def _copy_in_parts(
        self, bucket: str, key: str, sha256: str, size: int, pinned: dict[str, Any], object_headers: ObjectHeaders
    ) -> tuple[str, bool]:
        what, step = f"s3://{bucket}/{key}", _part_size(size, self._copy_part_bytes)

        async def send(upload: dict[str, Any]) -> list[dict[str, Any]]:
            done: list[dict[str, Any]] = []
            for start in range(0, size, step):
                number, end = len(done) + 1, min(start + step, size) - 1
                answer = await self._aws.call(
                    "s3", "upload_part_copy", what=what,
                    **upload, **pinned, PartNumber=number, CopySourceRange=f"bytes={start}-{end}",
                )  # fmt: skip
                result = answer["CopyPartResult"]
                done.append({"PartNumber": number} | {k: result[k] for k in ("ETag", "ChecksumSHA256") if k in result})
            return done

        return await self._in_upload(bucket, key, sha256, object_headers, send)

    async def _is_there(self, bucket: str, key: str, sha256: str) -> bool:
        """Whether the object exists with this content, checked before a large transfer. Raises DeliveryConflict."""
        head = await self._head(bucket, key, unless=_UNSEEN)
        if head is None:
            return False
        await self._same(bucket, key, head, sha256)
        return True

    async def _proven(self, bucket: str, key: str, sha256: str, *, fresh: bool) -> tuple[str, bool]:
        """The result of ``write``, once S3 confirms that the object has exactly this content."""
        head = await self._head(bucket, key, unless=_MISSING)
        if head is None:
            raise DestinationBusy(f"s3://{bucket}/{key} was written or found, but is gone")
        await self._same(bucket, key, head, sha256)
        return sha256, fresh

    async def _head(self, bucket: str, key: str, *, unless: frozenset[str]) -> dict[str, Any] | None:
        return await self._aws.attempt(
            "s3", "head_object", what=f"s3://{bucket}/{key}", unless=unless,
            Bucket=bucket, Key=key, ChecksumMode="ENABLED",
        )  # fmt: skip

    async def _same(self, bucket: str, key: str, head: dict[str, Any], sha256: str) -> None:
        """Reads the whole object. Raises DeliveryConflict if its content differs, whatever its metadata says."""
        if sha256_in(head) == sha256:
            return
        there = await self._read_sha256({"Bucket": bucket, "Key": key})
        if there != sha256:
            raise DeliveryConflict(
                f"s3://{bucket}/{key} holds sha256 {there}; the document is sha256 {sha256}",
                fix="compare the two; remove or rename the object, then: mailroom replay DOCUMENT_ID",
            )

    async def _read_sha256(self, source: dict[str, Any]) -> str:
        """The SHA-256 of an object, read in constant memory. Raises DestinationBusy if the response is incomplete."""
        sha256: str = await self._read_whole(source, _digest)
        return sha256

    async def _read_whole(self, source: dict[str, Any], using: Callable[[Any], tuple[int, R]]) -> R:
        """What ``using`` returns for an object's bytes, besides the number of bytes that it read."""
        answer = await self._aws.call("s3", "get_object", what=f"s3://{source['Bucket']}/{source['Key']}", **source)
        taken, found = await self._aws.read(answer["Body"], using, what=f"s3://{source['Bucket']}/{source['Key']}")
        await refuse_part(self._aws, source, answer, taken, most=SMALL_BYTES if using is _beginning else math.inf)
        return found


def _digest(body: Any) -> tuple[int, str]:
    running, taken = hashlib.sha256(), 0
    for chunk in body.iter_chunks(1024 * 1024):
        running.update(chunk)
        taken += len(chunk)
    return taken, running.hexdigest()


def _beginning(body: Any) -> tuple[int, bytes]:
    """Up to SMALL_BYTES of the body. All of it is read, because botocore checks only at its end whether it was cut."""
    held = b""
    while len(held) < SMALL_BYTES and (chunk := body.read(SMALL_BYTES - len(held))):
        held += chunk
    return len(held), held


def _carrying(object_headers: ObjectHeaders, sha256: str) -> ObjectHeaders:
    return {**object_headers, "Metadata": {**object_headers.get("Metadata", {}), "sha256": sha256}}


def _expected(sha256: str, content: Content, what: str) -> str:
    """The checksum, which must be that of the ingested document. Raises FileGone."""
    if content.sha256 and sha256 != content.sha256:
        raise FileGone(f"{what}: the bytes read are sha256 {sha256}; the received document was {content.sha256}")
    return sha256


def _part_size(size: int, usual: int) -> int:
    return max(usual, -(-size // PARTS_MAX))


async def _hashed(chunks: AsyncIterator[bytes]) -> str:
    running = hashlib.sha256()
    async for chunk in chunks:
        running.update(chunk)
    return running.hexdigest()


async def _in_parts(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The bytes in parts of this size; the last one has the rest."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= size:
            part = bytes(memoryview(held)[:size])
            del held[:size]
            yield part
    if held:
        yield bytes(held)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part
