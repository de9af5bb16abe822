"""S3's limits: bucket names, lengths of keys, tags, metadata, storage classes, KMS keys.

S3 would only report a violation at the first delivery. Sources: S3 User Guide, "Bucket naming rules", "Naming Amazon
S3 objects", "Categorizing objects using tags", "Working with object metadata", "Directory buckets"; RFC 9110 for header
names; KMS Developer Guide, "Key identifiers". botocore's model has the storage classes and none of the other limits. A
test compares it with ours, so that the model need not be loaded at start.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping

from handlers.destinations import options as options_
from handlers.destinations.manifest import ascii_safe
from receiver.aws.regions import odd, partition_of
from receiver.core.length import most_bytes
from receiver.core.manifest import SUFFIX
from receiver.core.object_key import template_faults

NONE = "none"
STORAGE_CLASSES = (
    "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
)  # fmt: skip
"""Storage classes of ordinary buckets."""
EXPRESS = "EXPRESS_ONEZONE"
"""The storage class of directory buckets."""
ELSEWHERE = frozenset({"OUTPOSTS", "SNOW", "FSX_OPENZFS", "FSX_ONTAP", "AWS_BACKUP_WARM", "AWS_BACKUP_LOW_COST_WARM"})
"""Storage classes in botocore's model that a writer cannot choose in any bucket."""
KEY_BYTES = 1024
OWN_TAGS = ("type", "confidence", "document_id")
TAGS_MAX = 10
"""Maximum tags of an object, including ours."""
TAG_NAME, TAG_VALUE = 128, 256
"""Characters."""
OWN_METADATA = {"delivery-id": 28, "document-id": 28, "type": 256, "confidence": 6, "sha256": 64}
"""Name of our metadata -> maximum bytes of its value."""
METADATA_BYTES = 2048 - sum(len(name) + most for name, most in OWN_METADATA.items())
"""Bytes of names and values together that remain besides our own metadata."""
KMS_CHARACTERS = 2048
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_DIRECTORY = ("--x-s3", "--xa-s3")
"""Endings of the names of directory buckets and of their access points."""
_IN_A_ZONE = re.compile(r"[a-z0-9][a-z0-9-]*--[a-z0-9-]+-az\d+--xa?-s3")
_RESERVED = re.compile(r"(xn--|sthree-|amzn-s3-demo-).*|.*(\.mrap|--table-s3)")
"""Names that S3 reserves, and names of other resources."""
_ALIASES = ("-s3alias", "--ol-s3")
"""Endings that no bucket name has: aliases of access points, and of Object Lambda access points."""
_ALIAS = re.compile(r"[a-z0-9][a-z0-9-]*-[a-z0-9]{30,}(-ext-s3alias|-s3alias|--ol-s3)")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_KMS_ARN = re.compile(r"arn:(aws[a-z-]*):kms:([a-z0-9-]+):\d{12}:(key/[A-Za-z0-9_-]+|alias/[A-Za-z0-9/_-]+)")
_KMS_ALIAS = re.compile(r"alias/[A-Za-z0-9/_-]{1,250}")
_KMS_NAME = re.compile(r"(?!(key|alias)[/:])[A-Za-z0-9/_.:-]+", re.IGNORECASE)
"""The id of a key; stores of other vendors have their own names."""
_KMS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.IGNORECASE)


def address_faults(bucket: str, template: str) -> list[str]:
    """Faults of a bucket's name and a key's template."""
    found = _bucket_faults(bucket) + template_faults(template)
    if found:
        return found
    if template.endswith(SUFFIX):
        found.append(f"a key that ends in {SUFFIX} is that of a manifest; use another ending")
    if (size := most_bytes(template) + len(SUFFIX)) > KEY_BYTES:
        found.append(
            f"a long file name makes keys of {size} bytes, the manifest's {SUFFIX} among them; S3 takes {KEY_BYTES}: "
            "use fewer fields, or {document_id} in their place"
        )
    return found


def _bucket_faults(bucket: str) -> list[str]:
    if bucket.startswith("arn:"):
        return [f"{bucket!r} is an ARN: write the bucket's name, or the alias of the access point"]
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        return [f"{bucket!r} is not a valid bucket name: 3 to 63 of a-z, 0-9, `-` and `.`, and no fields"]
    if _is_address(bucket):
        return [f"{bucket!r} is not a valid bucket name: it must not look like an IP address"]
    if bucket.endswith(_DIRECTORY) and not _IN_A_ZONE.fullmatch(bucket):
        return [f"{bucket!r} is not a directory bucket: its name ends in --ZONE--x-s3, as in mail--euc1-az1--x-s3"]
    if bucket.endswith(_ALIASES) and not _ALIAS.fullmatch(bucket):
        return [
            f"{bucket!r} is not a valid bucket name: S3 reserves this ending for access point aliases; write "
            "the whole alias"
        ]
    if _RESERVED.fullmatch(bucket):
        return [f"{bucket!r} is a name that S3 reserves: use an ordinary bucket"]
    return []


def _is_address(bucket: str) -> bool:
    try:
        ipaddress.IPv4Address(bucket)
    except ValueError:
        return re.fullmatch(r"\d+(\.\d+){3}", bucket) is not None
    return True


def option_faults(bucket: str, options: Mapping[str, str]) -> list[str]:
    """Faults of the resolved options."""
    found = [*_storage(bucket, options.get("storage_class", "")), *_key(bucket, options.get("kms_key", ""))]
    if options.get("tags") != NONE:
        found += _tags(options.get("tags", ""))
        if bucket.endswith(_DIRECTORY):
            found.append("directory buckets do not support object tags: write `tags: none`")
    if options.get("conditions", NONE) != NONE:
        found.append(f"option conditions: {options['conditions']!r} is not {NONE!r}; remove it to use them")
    return found + _metadata(options.get("metadata", ""))


def _storage(bucket: str, wanted: str) -> list[str]:
    if not wanted:
        return []
    if bucket.endswith(_DIRECTORY):
        return [] if wanted == EXPRESS else [f"option storage_class: a directory bucket has {EXPRESS} only"]
    if wanted == EXPRESS:
        return [f"option storage_class: only directory buckets (…{_DIRECTORY[0]}) have {EXPRESS}; leave it out"]
    if wanted not in STORAGE_CLASSES:
        return [f"option storage_class: {wanted!r} is not one of {', '.join(STORAGE_CLASSES)}"]
    return []


def _key(bucket: str, key: str) -> list[str]:
    if not key.strip():
        return []  # an empty option is reported as empty
    arn, alias = _KMS_ARN.fullmatch(key), key.startswith("alias/")
    form = _KMS_ARN if key.startswith("arn:") else _KMS_ALIAS if alias else _KMS_NAME
    if len(key) > KMS_CHARACTERS or not form.fullmatch(key):
        return [
            f"option kms_key: {key!r} is not a KMS key: write its id, alias/NAME, or its ARN "
            "arn:aws:kms:REGION:ACCOUNT:key/ID"
        ]
    if arn and (partition := partition_of(arn[2])) is None:
        return [f"option kms_key: {arn[2]!r} is not an AWS region"]
    if arn and partition and partition.id != arn[1]:
        return [f"option kms_key: {arn[2]} is in another partition: write arn:{partition.id}:kms:{arn[2]}:…"]
    if bucket.endswith(_DIRECTORY) and (alias or (arn and arn[3].startswith("alias/"))):
        return ["option kms_key: a directory bucket does not accept an alias: write the key's id or ARN"]
    return []


def doubts(bucket: str, options: Mapping[str, str]) -> Iterator[str]:
    """Warnings about a target without faults: probably a mistake, but possible."""
    if bucket.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        yield f"{bucket} looks like an S3 host: write only the bucket's name"
    if any(name.lower().startswith("x-amz-") for name in options_.pairs(options.get("metadata", ""))):
        yield "option metadata: S3 puts x-amz-meta- before each name itself: leave it out"
    key = options.get("kms_key", "")
    arn = _KMS_ARN.fullmatch(key)
    if bucket.endswith(_ALIASES[1]):
        yield "an Object Lambda access point may return other bytes than were written: use the bucket"
    if arn and odd(arn[2]):
        yield f"option kms_key: {arn[2]!r} is not a known region: check the spelling"
    if re.search(r"(^|:)alias/aws/(?!s3$)", key):
        yield "option kms_key: it is an AWS managed key of another service, which S3 cannot use"
    name = arn[3].partition("/")[2] if arn else key
    if re.match(r"[0-9a-f]{8}-|mrk-", name) and not _KMS_ID.fullmatch(name):
        yield f"option kms_key: the id {name!r} has the wrong length"


def _tags(value: str) -> list[str]:
    if faults := options_.pairs_faults("tags", value):
        return faults
    found, most = options_.pairs(value), TAGS_MAX - len(OWN_TAGS)
    if len(found) > most:
        faults = [
            f"option tags: {len(found)} pairs are more than {most}: S3 accepts {TAGS_MAX}, including Mailroom's own"
        ]
    return [*faults, *(f"option tags: {fault}" for name, content in found.items() for fault in _tag(name, content))]


def _tag(name: str, value: str) -> Iterator[str]:
    if name in OWN_TAGS:
        yield f"{name!r} is reserved for Mailroom ({', '.join(OWN_TAGS)}); choose another name"
    if name.lower().startswith("aws:"):
        yield f"{name!r}: names that begin with aws: are reserved for AWS; choose another name"
    for what, text, most in (("name", name, TAG_NAME), ("value", value, TAG_VALUE)):
        if len(text) > most:
            yield f"the {what} {text[:20]!r}… has {len(text)} characters; S3 takes {most}"
        if odd := sorted({item for item in text if not _fits_a_tag(item)}):
            yield f"{text!r} holds {' '.join(odd)}: S3 takes letters, digits, spaces and + - = . _ : / @ in a {what}"


def _fits_a_tag(character: str) -> bool:
    return character.isalpha() or character.isdigit() or character in " +-=._:/@"


def _metadata(value: str) -> list[str]:
    if faults := options_.pairs_faults("metadata", value):
        return faults
    found = [(name.lower(), ascii_safe(raw, len(value))) for name, raw in options_.pairs(value).items()]
    names = [name for name, _ in found]
    faults = [f"option metadata: {fault}" for name in dict.fromkeys(names) for fault in _header(name, names)]
    if (size := sum(len(name.encode()) + len(raw) for name, raw in found)) > METADATA_BYTES:
        faults.append(
            f"option metadata: {size} bytes of names and values are more than {METADATA_BYTES}: S3 takes 2048 in all"
        )
    return faults


def _header(name: str, names: list[str]) -> Iterator[str]:
    if not _TOKEN.fullmatch(name):
        yield f"{name!r} becomes a header name: letters, digits and - . _ only, without spaces"
    if name in OWN_METADATA:
        yield f"{name!r} is reserved for Mailroom ({', '.join(OWN_METADATA)}); choose another name"
    if names.count(name) > 1:
        yield f"{name!r} is given {names.count(name)} times, ignoring case; keep one"
