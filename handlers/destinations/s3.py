"""S3: the document at ``s3://bucket/key``, and ``<key>.mailroom.json`` beside it.

The object is written create-only (``If-None-Match: *``; ``conditions: none`` is for stores without it), and verified by
the checksum that S3 returns, or that is requested afterwards. An existing object with the same checksum is success; one
with another checksum is a conflict that a person sees. Nothing is overwritten, so a repetition, a replay or two
concurrent workers have one effect. The writing itself is in s3_object.py.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from handlers.destinations import options as options_
from handlers.destinations import reach
from handlers.destinations.manifest import (
    DELIVERY,
    SUFFIX,
    ascii_safe,
    manifest_attributes,
    manifest_file,
    marked_manifest,
    same_manifest,
)
from handlers.destinations.odd_paths import literal_signs, odd_parts
from handlers.destinations.s3_limits import METADATA_BYTES, NONE, OWN_TAGS, address_faults, doubts, option_faults
from handlers.destinations.s3_object import MULTIPART_BYTES, PART_BYTES, S3Objects
from handlers.destinations.s3_read_back import read_stored
from receiver.aws.boto import Aws
from receiver.core.delivery_request import CopyMark, DeliveryRequest, StoredCopy
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, DeliveryConflict, MailroomError, Unroutable
from receiver.core.object_key import UNTYPED
from receiver.core.plan import Taken, Target
from receiver.ports import Destination

OPTIONS = ("storage_class", "kms_key", "tags", "metadata", "conditions", *reach.OPTIONS)
PROBE = ".mailroom-probe"
AWS_HOST = re.compile(r"https?://[^/]*\.amazonaws\.com(\.cn)?(/|$)")
_CONDITION_FAILED = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})


class S3:
    """The ``s3://`` destination."""

    holds_bytes = True

    def __init__(
        self,
        aws: Aws,
        *,
        part_bytes: int = PART_BYTES,
        multipart_copy_above: int = MULTIPART_BYTES,
        copy_part_bytes: int | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """``environ`` has the values of options of the form ``env:NAME``."""
        self._aws = aws
        self._environ = environ
        self._conditional = S3Objects(
            aws, part_bytes=part_bytes, multipart_copy_above=multipart_copy_above, copy_part_bytes=copy_part_bytes
        )
        self._looking = self._conditional.without_conditions()

    def _objects(self, options: Mapping[str, str]) -> S3Objects:
        objects = self._looking if options.get("conditions") == NONE else self._conditional
        return objects.by(self._aws.through(reach.access_of(options)))

    async def prepare(self, target: Target) -> None:
        """Makes the client of this target."""
        given = options_.given(target.options, self._environ)
        await self._aws.through(reach.access_of(given)).prepare("s3")

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Writes the document and its manifest, with effect once."""
        bucket, key = s3_place(request.url)
        given = options_.given(request.options, self._environ)
        objects, location = self._objects(given), reach.location(f"s3://{bucket}/{key}", given)
        object_headers, beside = described(request, given), _of_manifest(request, given)
        sha256, fresh = await objects.write(bucket, key, request.content, object_headers, look=request.again)
        await self._write_manifest(objects, bucket, key + SUFFIX, request, sha256, beside)
        if request.options_changed and not fresh:
            await objects.restyle(bucket, key, object_headers)
            await objects.restyle(bucket, key + SUFFIX, beside)
        return Receipt(
            location=location, checksum=f"sha256:{sha256}", fresh=fresh, manifest=f"{location}{SUFFIX}"
        )  # fmt: skip

    async def keep(self, target: Target, name: str, content: bytes) -> str:
        """Writes an object of this name below the target, unless it exists."""
        given = options_.given(target.options, self._environ)
        bucket, key = s3_place(target.url + name)
        headers = {"ContentType": "application/gzip", **_placed(given)}
        await self._objects(given).create(bucket, key, content, headers)
        return reach.location(f"s3://{bucket}/{key}", given)

    async def _write_manifest(
        self,
        objects: S3Objects,
        bucket: str,
        key: str,
        request: DeliveryRequest,
        sha256: str,
        object_headers: dict[str, Any],
    ) -> None:
        if not await objects.create(bucket, key, manifest_file(request, sha256=sha256), object_headers):
            there = await objects.read(bucket, key)
            if not same_manifest(there, request):
                raise DeliveryConflict(f"s3://{bucket}/{key} is about another document than {request.document.id}")

    async def mark(self, mark: CopyMark) -> None:
        """Rewrites the manifest, with its metadata and tags unchanged, if it is still the one that was read."""
        bucket, key = s3_place(mark.url)
        given = options_.given(mark.options, self._environ)

        def headers(metadata: Mapping[str, str]) -> dict[str, Any]:
            tags = {name: metadata[name.replace("_", "-")] for name in OWN_TAGS if name.replace("_", "-") in metadata}
            return _beside(given, dict(metadata), tags)

        await self._objects(given).rewrite(bucket, key + SUFFIX, lambda there: marked_manifest(there, mark), headers)

    async def read_back(self, receipt: Receipt, options: Mapping[str, str]) -> StoredCopy:
        """The newest version of the object and of its manifest, at the endpoint where it was delivered."""
        endpoint, url = reach.split_endpoint(receipt.location)
        _, manifest = reach.split_endpoint(receipt.manifest or receipt.location + SUFFIX)
        access = reach.access_of(options_.given(options, self._environ))
        return await read_stored(
            self._aws.through(replace(access, endpoint=endpoint)), s3_place(url), s3_place(manifest)
        )

    def faults(self, target: Target) -> list[str]:
        """Names, keys and options that S3 would refuse, and templates that could leave their prefix."""
        bucket, slash, key = target.url.removeprefix("s3://").partition("/")
        found = [*address_faults(bucket, key or slash), *options_.unknown(target.options, OPTIONS)]
        if unset := options_.unset(target.options, self._environ):
            return found + unset
        given = options_.given(target.options, self._environ)
        wrong = [*option_faults(bucket, given), *_host_of_a_bucket(bucket, given)]
        wrong += reach.reach_faults(target.options, self._environ)
        return [*found, *options_.without_values(wrong, target.options)]

    def doubts(self, target: Target) -> list[str]:
        """Buckets, keys and options that are probably a mistake."""
        bucket, _, key = target.url.removeprefix("s3://").partition("/")
        odd = doubts(bucket, options_.given(target.options, self._environ))
        found = options_.without_values(odd, target.options, says="may not hold")
        return [*found, *literal_signs(key), *(odd_parts(key) if key else ())]

    def taken(self, url: str) -> Taken:
        """The object, and its manifest beside it."""
        return Taken(place=url, beside=(url + SUFFIX,))

    def elsewhere(self, target: Target) -> str:
        """The target's endpoint, unless it is the usual one."""
        return reach.elsewhere(target.options, "s3", self._environ)

    async def probe(self, target: Target) -> list[str]:
        """Whether the bucket exists, we may write, and the store supports what a delivery needs.

        On AWS nothing is written: ``If-Match`` on a key that does not exist gives a 404, after the permissions were
        checked (S3 User Guide, conditional writes). At another store, an empty object is written create-only, then
        again, which the store must refuse, and deleted.
        """
        bucket, _, template = target.url.removeprefix("s3://").partition("/")
        literal = template.partition("{")[0]
        prefix = literal[: literal.rfind("/") + 1]
        try:
            given = options_.given(target.options, self._environ)
            on_aws = AWS_HOST.match(await self._aws.through(reach.access_of(given)).endpoint("s3"))
            tried = self._refused_write if on_aws else self._tried_write
            return await tried(bucket, prefix, given)
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]

    async def _refused_write(self, bucket: str, prefix: str, given: Mapping[str, str]) -> list[str]:
        await self._put(bucket, prefix, given, {"IfMatch": '"none"'})
        return []

    async def _tried_write(self, bucket: str, prefix: str, given: Mapping[str, str]) -> list[str]:
        condition = {} if given.get("conditions") == NONE else {"IfNoneMatch": "*"}
        await self._put(bucket, prefix, given, condition)
        overwritten = bool(condition) and await self._put(bucket, prefix, given, condition)
        with contextlib.suppress(AccessDenied):  # deliveries need no such right; the next check then finds the object
            await self._aws.through(reach.access_of(given)).call(
                "s3", "delete_object", what=f"s3://{bucket}/{prefix}", Bucket=bucket, Key=prefix + PROBE
            )
        if not overwritten:
            return []
        return [
            f"s3://{bucket} ignores conditions (If-None-Match: *), so two workers could overwrite each other; to "
            "accept that: `conditions: none` (docs/destinations.md)"
        ]

    async def _put(self, bucket: str, prefix: str, given: Mapping[str, str], condition: dict[str, str]) -> bool:
        """Writes the probe as a delivery would. False if the condition did not hold."""
        object_headers = _placed(given) | ({} if given.get("tags") == NONE else {"Tagging": "type=probe"})
        written = await self._aws.through(reach.access_of(given)).attempt(
            "s3", "put_object", what=f"s3://{bucket}/{prefix}", unless=_CONDITION_FAILED,
            Bucket=bucket, Key=prefix + PROBE, Body=b"", **condition, **object_headers,
        )  # fmt: skip
        return written is not None


def _host_of_a_bucket(bucket: str, given: Mapping[str, str]) -> Iterator[str]:
    """An endpoint that names the bucket: every request would name it twice. A VPC endpoint's host may."""
    host = reach.host_of(given)
    before, s3, behind = host.partition(".s3")
    if (
        s3
        and behind[:1] in (".", "-")
        and ".vpce" not in host
        and (before == bucket or AWS_HOST.match(f"https://{host}"))
    ):
        yield f"option endpoint: {host} is the host of a bucket: write that of the store, https://s3{behind}"


def s3_place(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; the key is taken literally. Raises Unroutable."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket or not key or any(part in {".", ".."} for part in key.split("/")):
        raise Unroutable(f"{url} does not name a bucket and a key inside it")
    return bucket, key


def described(request: DeliveryRequest, given: Mapping[str, str]) -> dict[str, Any]:
    """The object's headers: type, metadata, tags, storage class, encryption."""
    metadata = {
        name: ascii_safe(value)
        for name, value in ({"type": UNTYPED} | manifest_attributes(request)).items()
        if name in OWN_TAGS
    }
    own = {DELIVERY: request.delivery_id} | {name.replace("_", "-"): value for name, value in metadata.items()}
    extra = {k.lower(): ascii_safe(v, METADATA_BYTES) for k, v in options_.pairs(given.get("metadata", "")).items()}
    object_headers: dict[str, Any] = {
        "ContentType": request.content.media_type or "application/octet-stream",
        "Metadata": extra | own,
    }
    if (tags := given.get("tags", "")) != NONE:
        object_headers["Tagging"] = urlencode(metadata | options_.pairs(tags))
    return object_headers | _placed(given)


def _beside(given: Mapping[str, str], metadata: dict[str, str], tags: dict[str, str]) -> dict[str, Any]:
    """The headers of a manifest."""
    object_headers = {name: value for name, value in _placed(given).items() if name != "StorageClass"}
    if (own := given.get("tags", "")) != NONE:
        object_headers["Tagging"] = urlencode(tags | options_.pairs(own))
    return object_headers | {"ContentType": "application/json", "Metadata": metadata}


def _of_manifest(request: DeliveryRequest, given: Mapping[str, str]) -> dict[str, Any]:
    object_headers = {name: value for name, value in described(request, given).items() if name != "StorageClass"}
    return object_headers | {"ContentType": "application/json"}


def _placed(given: Mapping[str, str]) -> dict[str, Any]:
    """Storage class and encryption."""
    placed: dict[str, Any] = {}
    if "storage_class" in given:
        placed["StorageClass"] = given["storage_class"]
    if "kms_key" in given:
        placed |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": given["kms_key"]}
    return placed


_: type[Destination] = S3
