"""Reads stored S3 objects again, from their first byte to their last, in constant memory."""

import hashlib
from collections.abc import Callable
from typing import Any

from handlers.sources.s3_integrity import refuse_part
from receiver.aws.boto import Aws
from receiver.core.delivery_request import StoredCopy
from receiver.core.errors import MailroomError

CHUNK = 1024 * 1024
MANIFEST_BYTES = 16 * 1024 * 1024
"""The most of a manifest that is read."""
_MISSING = frozenset({"404", "NoSuchKey"})


async def read_stored(aws: Aws, place: tuple[str, str], manifest: tuple[str, str]) -> StoredCopy:
    """The object at this bucket and key, and the one that is its manifest.

    Raises DestinationBusy when the response is incomplete or not S3's, AccessDenied, Unroutable.
    """
    digest, beside = hashlib.sha256(), bytearray()
    answer = await _read(aws, *place, digest.update)
    known, unread = None, None
    try:
        known = await _read(aws, *manifest, lambda chunk: beside.extend(chunk[: MANIFEST_BYTES - len(beside)]))
    except MailroomError as error:
        unread = error
    there = None if known is None else bytes(beside)
    if answer is None:
        return StoredCopy(sha256="", manifest=there, manifest_error=unread)
    version = str(answer.get("VersionId", ""))
    return StoredCopy(
        sha256=digest.hexdigest(),
        size=answer["ContentLength"],
        manifest=there,
        manifest_error=unread,
        version="" if version == "null" else version,
    )


async def _read(aws: Aws, bucket: str, key: str, into: Callable[[bytes], object]) -> dict[str, Any] | None:
    """S3's answer, whose bytes ``into`` got; None where there is no object."""
    at, what, taken = {"Bucket": bucket, "Key": key}, f"s3://{bucket}/{key}", 0
    answer = await aws.attempt("s3", "get_object", what=what, unless=_MISSING, **at)
    if answer is None:
        return None
    body = answer["Body"]
    try:
        while chunk := await aws.chunk(body, CHUNK, what=what):
            taken += len(chunk)
            into(chunk)
    finally:
        body.close()
    await refuse_part(aws, at, answer, taken)
    return answer
