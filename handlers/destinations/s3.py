"""S3: the document at ``s3://bucket/key``, and ``<key>.mailroom.json`` beside it.

Written create-only (``If-None-Match: *``; ``conditions: none`` is for stores without it) and verified by its SHA-256
afterwards. What lies there already with the same checksum is success, with another one a conflict that a person sees:
nothing is overwritten, so a repeat, a replay or two workers at once have one effect. Writing itself is in s3_object.py.
"""

import contextlib
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from handlers.aws import Aws
from handlers.destinations import options as options_
from handlers.destinations.s3_object import MULTIPART_BYTES, PART_BYTES, S3Objects
from handlers.destinations.story import DELIVERY, SUFFIX, ascii_safe, facts, manifest_file, same_story
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, DeliveryConflict, MailroomError, Unroutable
from receiver.core.naming import UNTYPED, template_faults
from receiver.core.parcel import Parcel
from receiver.core.plan import Target
from receiver.ports import Destination

OPTIONS = ("storage_class", "kms_key", "tags", "metadata", "conditions")
NONE = "none"
"""``tags: none`` and ``conditions: none`` are for stores that know no tags, or no conditional writes."""
STORAGE_CLASSES = (
    "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY", "EXPRESS_ONEZONE",
)  # fmt: skip
OWN_TAGS = ("type", "confidence", "document_id")
TAGS_MAX = 10
"""Tags that an object can have; ours are among them. Source: S3 User Guide, object tagging."""
PROBE = ".mailroom-probe"
AWS_HOST = re.compile(r"https?://[^/]*\.amazonaws\.com(\.cn)?(/|$)")
_CONDITION_FAILED = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")


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
    ) -> None:
        self._aws = aws
        self._conditional = S3Objects(
            aws, part_bytes=part_bytes, multipart_copy_above=multipart_copy_above, copy_part_bytes=copy_part_bytes
        )
        self._looking = self._conditional.without_conditions()

    def _objects(self, options: Mapping[str, str]) -> S3Objects:
        return self._looking if options.get("conditions") == NONE else self._conditional

    async def deliver(self, parcel: Parcel) -> Receipt:
        """The document and its manifest, written once in effect."""
        bucket, key = place(parcel.url)
        objects, location = self._objects(parcel.options), f"s3://{bucket}/{key}"
        sha256, fresh = await objects.write(bucket, key, parcel.content, _dress(parcel), look=parcel.again)
        await self._tell(bucket, key + SUFFIX, parcel, sha256)
        if parcel.options_changed and not fresh:
            await objects.restyle(bucket, key, _dress(parcel))
            await objects.restyle(bucket, key + SUFFIX, _manifest_dress(parcel))
        return Receipt(
            location=location, checksum=f"sha256:{sha256}", fresh=fresh, manifest=f"{location}{SUFFIX}"
        )  # fmt: skip

    async def _tell(self, bucket: str, key: str, parcel: Parcel, sha256: str) -> None:
        said, objects = manifest_file(parcel, sha256=sha256), self._objects(parcel.options)
        if not await objects.create(bucket, key, said, _manifest_dress(parcel)):
            there = await objects.read(bucket, key)
            if not same_story(there, parcel):
                raise DeliveryConflict(f"s3://{bucket}/{key} tells of another document than {parcel.document.id}")

    def faults(self, target: Target) -> list[str]:
        """Bad bucket names, templates that could leave their prefix, unknown or wrong options."""
        bucket, slash, key = target.url.removeprefix("s3://").partition("/")
        found = template_faults(key or slash)  # the whole bucket is a fine prefix
        if not _BUCKET.fullmatch(bucket) or ".." in bucket:
            found.insert(0, f"{bucket!r} is no bucket name: 3 to 63 of a-z, 0-9, `-` and `.`, and no fields")
        return [*found, *_option_faults(target.options)]

    async def probe(self, target: Target) -> list[str]:
        """Whether the bucket is there, we may write, and the store does what a delivery asks of it.

        On AWS nothing is written: ``If-Match`` on a key that does not exist is answered 404 after the permissions were
        checked (S3 User Guide, conditional writes). Another store is put to the test: an empty object is written
        create-only, a second time too, which must be refused, and deleted.
        """
        bucket, _, template = target.url.removeprefix("s3://").partition("/")
        literal = template.partition("{")[0]
        prefix = literal[: literal.rfind("/") + 1]
        try:
            on_aws = AWS_HOST.match(await self._aws.endpoint("s3"))
            tried = self._refused_write if on_aws else self._tried_write
            return await tried(bucket, prefix, target.options)
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]

    async def _refused_write(self, bucket: str, prefix: str, given: Mapping[str, str]) -> list[str]:
        await self._put(bucket, prefix, given, {"IfMatch": '"none"'})
        return []

    async def _tried_write(self, bucket: str, prefix: str, given: Mapping[str, str]) -> list[str]:
        condition = {} if given.get("conditions") == NONE else {"IfNoneMatch": "*"}
        await self._put(bucket, prefix, given, condition)
        overwritten = bool(condition) and await self._put(bucket, prefix, given, condition)
        with contextlib.suppress(AccessDenied):  # deliveries need not delete; then the next check finds it there
            await self._aws.call(
                "s3", "delete_object", what=f"s3://{bucket}/{prefix}", Bucket=bucket, Key=prefix + PROBE
            )
        if not overwritten:
            return []
        return [
            f"s3://{bucket} ignores conditions (If-None-Match: *), so two workers at once could write over each other; "
            "if that is to be accepted: `conditions: none` (docs/destinations.md)"
        ]

    async def _put(self, bucket: str, prefix: str, given: Mapping[str, str], condition: dict[str, str]) -> bool:
        """Writes the probe as a delivery would write; False when the condition did not hold."""
        dress = _placed(given) | ({} if given.get("tags") == NONE else {"Tagging": "type=probe"})
        written = await self._aws.attempt(
            "s3", "put_object", what=f"s3://{bucket}/{prefix}", unless=_CONDITION_FAILED,
            Bucket=bucket, Key=prefix + PROBE, Body=b"", **condition, **dress,
        )  # fmt: skip
        return written is not None


def place(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; the key is taken literally. Raises Unroutable."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket or not key or any(part in {".", ".."} for part in key.split("/")):
        raise Unroutable(f"{url} does not name a bucket and a key inside it")
    return bucket, key


def _dress(parcel: Parcel) -> dict[str, object]:
    """Everything about the object but its bytes: type, metadata, tags, storage class, encryption."""
    given = parcel.options
    said = {name: ascii_safe(value) for name, value in ({"type": UNTYPED} | facts(parcel)).items() if name in OWN_TAGS}
    own = {DELIVERY: parcel.delivery_id} | {name.replace("_", "-"): value for name, value in said.items()}
    extra = {ascii_safe(k).lower(): ascii_safe(v) for k, v in options_.pairs(given.get("metadata", "")).items()}
    dress: dict[str, object] = {
        "ContentType": parcel.content.media_type or "application/octet-stream",
        "Metadata": extra | own,
    }
    if (tags := given.get("tags", "")) != NONE:
        dress["Tagging"] = urlencode(said | options_.pairs(tags))
    return dress | _placed(given)


def _manifest_dress(parcel: Parcel) -> dict[str, object]:
    dress = {name: value for name, value in _dress(parcel).items() if name != "StorageClass"}
    return dress | {"ContentType": "application/json"}


def _placed(given: Mapping[str, str]) -> dict[str, object]:
    """Storage class and encryption."""
    placed: dict[str, object] = {}
    if "storage_class" in given:
        placed["StorageClass"] = given["storage_class"]
    if "kms_key" in given:
        placed |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": given["kms_key"]}
    return placed


def _option_faults(given: dict[str, str]) -> list[str]:
    found = options_.unknown(given, OPTIONS)
    if (wanted := given.get("storage_class", "STANDARD")) not in STORAGE_CLASSES:
        found.append(f"option storage_class: {wanted!r} is none of {', '.join(STORAGE_CLASSES)}")
    if given.get("tags") != NONE:
        found += options_.pairs_faults("tags", given.get("tags", ""), limit=TAGS_MAX - len(OWN_TAGS))
    if given.get("conditions", NONE) != NONE:
        found.append(f"option conditions: {given['conditions']!r} is not {NONE!r}; leave it out to have them")
    found += options_.pairs_faults("metadata", given.get("metadata", ""), limit=20)
    return found


_: type[Destination] = S3
