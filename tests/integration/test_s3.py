"""What only S3 can get wrong: parts, copies, races, checksums that are not there, memory."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.destinations.s3 import S3
from receiver.aws.boto import Aws
from receiver.core.delivery_request import Content, CopyMark
from receiver.core.errors import DeliveryConflict, DestinationBusy, FileGone, Misconfigured, Unroutable
from receiver.core.plan import Target
from tests.delivery_requests import a_content, a_delivery_request

pytestmark = [pytest.mark.anyio, pytest.mark.aws]

PART = 64 * 1024
"""Parts are small here, so that ten of them are a large document. AWS itself wants 5 MiB; ministack does not mind."""
LARGE = bytes(range(256)) * 2400
_names = count(1)


class Counted:
    """Clients of these tests alone, and what they asked of S3."""

    def __init__(self, local: LocalAws) -> None:
        self.aws = Aws(credentials=local.credentials, endpoint_url=local.endpoint)
        self.asked: list[str] = []
        self.aws.client("s3").meta.events.register("before-call.s3", self._note)

    def _note(self, model: Any, **_: Any) -> None:
        self.asked.append(model.name)


class Bucket:
    """A bucket of its own, and a destination with small parts."""

    def __init__(self, local: LocalAws, counted: Counted) -> None:
        self.name = f"s3-{next(_names)}"
        self.local = local
        local.make([Target(url=f"s3://{self.name}/")])
        self.asked = counted.asked
        self.asked.clear()
        self.s3 = S3(counted.aws, part_bytes=PART, multipart_copy_above=4 * PART, copy_part_bytes=PART)

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, body: bytes, **arguments: Any) -> Any:
        return self.local.client("s3").put_object(Bucket=self.name, Key=key, Body=body, **arguments)

    def head(self, key: str) -> Any:
        return self.local.client("s3").head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")

    def unfinished(self) -> int:
        return len(self.local.client("s3").list_multipart_uploads(Bucket=self.name).get("Uploads", []))


@pytest.fixture(scope="module")
def counted(local_aws: LocalAws) -> Iterator[Counted]:
    counted = Counted(local_aws)
    yield counted
    counted.aws.close()


@pytest.fixture
def bucket(local_aws: LocalAws, counted: Counted) -> Bucket:
    return Bucket(local_aws, counted)


async def test_the_object_says_what_it_is(bucket: Bucket) -> None:
    options = {"tags": "team=finance, cost=a/b", "metadata": "Site=Köln", "storage_class": "STANDARD_IA"}
    request = a_delivery_request(bucket.url("a.pdf"), options=options, id="doc-é")
    await bucket.s3.deliver(request)
    head = bucket.head("a.pdf")
    assert head["ContentType"] == "application/pdf"
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["Metadata"] == {
        "type": "invoice",
        "confidence": "0.9300",
        "document-id": "doc-e",
        "delivery-id": request.delivery_id,
        "sha256": request.content.sha256,
        "site": "Koln",
    }
    tags = bucket.local.client("s3").get_object_tagging(Bucket=bucket.name, Key="a.pdf")["TagSet"]
    assert {item["Key"]: item["Value"] for item in tags} == {
        "type": "invoice", "confidence": "0.9300", "document_id": "doc-e", "team": "finance", "cost": "a/b",
    }  # fmt: skip


async def test_a_manifest_that_is_marked_keeps_its_metadata_and_tags(bucket: Bucket) -> None:
    options = {"storage_class": "STANDARD_IA", "tags": "team=finance", "metadata": "site=Köln"}
    request = a_delivery_request(bucket.url("a.pdf"), options=options)
    await bucket.s3.deliver(request)
    key, client = "a.pdf.mailroom.json", bucket.local.client("s3")

    def about() -> tuple[object, ...]:
        head, tags = bucket.head(key), client.get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
        return head["Metadata"], head["ContentType"], head.get("StorageClass"), sorted(map(str, tags))

    before = about()
    says = {"at": "2027-01-15T08:00:00+00:00", "reason": "", "locations": []}
    mark = CopyMark(url=request.url, document_id=request.document.id, superseded=says, options=options)
    await bucket.s3.mark(mark)
    assert json.loads(bucket.local.object(bucket.url(key)))["superseded"] == says
    assert about() == before


@pytest.mark.parametrize("data", [b"%PDF a letter", LARGE], ids=["in one piece", "in parts"])
@pytest.mark.parametrize("above", [5 * 2**30, 1], ids=["copied at once", "copied in parts"])
async def test_other_options_are_given_to_what_lies_there_and_its_bytes_stay(
    bucket: Bucket, counted: Counted, data: bytes, above: int
) -> None:
    key = bucket.local.client("kms").create_key()["KeyMetadata"]["Arn"]
    before = {"tags": "team=sales", "metadata": "site=Bonn", "storage_class": "STANDARD_IA"}
    request = a_delivery_request(bucket.url("a.pdf"), data, options=before)
    await bucket.s3.deliver(request)
    manifest = bucket.local.object(bucket.url("a.pdf.mailroom.json"))
    after = {"tags": "team=finance", "kms_key": key, "storage_class": "GLACIER_IR"}
    s3 = S3(counted.aws, part_bytes=PART, multipart_copy_above=above, copy_part_bytes=PART)
    for _ in range(2):  # a crash before its record does it once more
        receipt = await s3.deliver(replace(request, options=after, again=True, options_changed=True))
        assert not receipt.fresh
        assert bucket.local.object(bucket.url("a.pdf")) == data
        assert bucket.local.object(bucket.url("a.pdf.mailroom.json")) == manifest
        head = bucket.head("a.pdf")
        assert (head["StorageClass"], head["SSEKMSKeyId"]) == ("GLACIER_IR", key)
        assert bucket.head("a.pdf.mailroom.json")["SSEKMSKeyId"] == key
        assert "site" not in head["Metadata"]
        assert head["Metadata"]["sha256"] == request.content.sha256
        tags = bucket.local.client("s3").get_object_tagging(Bucket=bucket.name, Key="a.pdf")["TagSet"]
        assert {item["Key"]: item["Value"] for item in tags}["team"] == "finance"
    other = a_delivery_request(bucket.url("a.pdf"), b"another", options=before)
    with pytest.raises(DeliveryConflict):
        await s3.deliver(replace(other, again=True, options_changed=True))
    assert bucket.head("a.pdf")["SSEKMSKeyId"] == key


async def test_the_key_of_kms_is_used_for_both_objects(bucket: Bucket) -> None:
    key = bucket.local.client("kms").create_key()["KeyMetadata"]["Arn"]
    await bucket.s3.deliver(a_delivery_request(bucket.url("a.pdf"), options={"kms_key": key}))
    for name in ("a.pdf", "a.pdf.mailroom.json"):
        assert bucket.head(name)["SSEKMSKeyId"] == key


async def test_a_large_document_goes_in_parts_and_arrives_whole(bucket: Bucket) -> None:
    receipt = await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), LARGE))
    assert bucket.local.object(receipt.location) == LARGE
    assert receipt.checksum == f"sha256:{hashlib.sha256(LARGE).hexdigest()}"
    assert bucket.asked.count("UploadPart") == -(-len(LARGE) // PART)
    assert bucket.head("large.pdf")["ChecksumSHA256"].endswith(f"-{-(-len(LARGE) // PART)}")


async def test_without_conditions_a_large_document_arrives_once_and_another_is_a_conflict(bucket: Bucket) -> None:
    options = {"conditions": "none", "tags": "none"}
    request = a_delivery_request(bucket.url("large.pdf"), LARGE, options=options)
    for fresh in (True, False):
        receipt = await bucket.s3.deliver(request)
        assert (receipt.fresh, bucket.local.object(receipt.location)) == (fresh, LARGE)
    with pytest.raises(DeliveryConflict):
        await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), LARGE + b"!", options=options))
    tags = bucket.local.client("s3").get_object_tagging(Bucket=bucket.name, Key="large.pdf")["TagSet"]
    assert tags == []


async def test_options_may_stand_in_the_environment(bucket: Bucket) -> None:
    environ = {"CLASS": "STANDARD_IA", "TEAM": "finance"}
    s3 = S3(bucket.local.aws, environ=environ)
    options = {"storage_class": "env:CLASS", "tags": "team=env:TEAM, cost=a", "metadata": "team=env:TEAM"}
    assert s3.faults(Target(url=bucket.url("in/"), options=options)) == []
    await s3.deliver(a_delivery_request(bucket.url("a.pdf"), options=options))
    head = bucket.local.client("s3").head_object(Bucket=bucket.name, Key="a.pdf")
    assert (head["StorageClass"], head["Metadata"]["team"]) == ("STANDARD_IA", "finance")
    tags = bucket.local.client("s3").get_object_tagging(Bucket=bucket.name, Key="a.pdf")["TagSet"]
    assert {item["Key"]: item["Value"] for item in tags} | {"team": "finance", "cost": "a"} == {
        item["Key"]: item["Value"] for item in tags
    }


async def test_a_variable_that_is_gone_parks_the_delivery_with_the_fix(bucket: Bucket) -> None:
    options = {"kms_key": "env:GONE"}
    request = a_delivery_request(bucket.url("a.pdf"), options=options)
    with pytest.raises(Misconfigured, match="kms_key: the variable GONE is not set") as error:
        await S3(bucket.local.aws, environ={}).deliver(request)
    assert "export GONE" in error.value.fix
    (fault,) = S3(bucket.local.aws, environ={}).faults(Target(url=bucket.url("in/"), options=options))
    assert "export GONE" in fault


async def test_without_conditions_and_tags_a_copy_is_made_all_the_same(bucket: Bucket) -> None:
    bucket.put("in/a.pdf", LARGE)
    content = replace(a_content(LARGE), s3=(bucket.name, "in/a.pdf", ""))
    request = a_delivery_request(bucket.url("a.pdf"), content=content, options={"conditions": "none", "tags": "none"})
    assert (await bucket.s3.deliver(request)).fresh
    assert not (await bucket.s3.deliver(request)).fresh
    assert bucket.local.object(bucket.url("a.pdf")) == LARGE


async def test_on_aws_the_check_writes_nothing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    async def aws(*_: object) -> str:
        return "https://s3.eu-central-1.amazonaws.com"

    monkeypatch.setattr(Aws, "endpoint", aws)
    assert await bucket.s3.probe(Target(url=bucket.url("in/{document_id}"))) == []
    assert bucket.asked == ["PutObject"]
    assert bucket.local.objects(bucket.name) == []


async def test_a_document_of_exactly_one_part_arrives_whole(bucket: Bucket) -> None:
    receipt = await bucket.s3.deliver(a_delivery_request(bucket.url("one.pdf"), LARGE[:PART]))
    assert bucket.local.object(receipt.location) == LARGE[:PART]


async def test_a_large_document_of_unknown_checksum_is_read_twice_and_arrives_whole(bucket: Bucket) -> None:
    content = a_content(LARGE, sha256="", size=0)
    receipt = await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), content=content))
    assert bucket.local.object(receipt.location) == LARGE
    assert receipt.checksum == f"sha256:{hashlib.sha256(LARGE).hexdigest()}"


async def test_a_repeat_of_a_large_document_moves_no_byte(bucket: Bucket) -> None:
    request = a_delivery_request(bucket.url("large.pdf"), LARGE)
    await bucket.s3.deliver(request)
    bucket.asked.clear()
    assert not (await bucket.s3.deliver(request)).fresh
    assert set(bucket.asked) == {"HeadObject", "PutObject", "GetObject"}
    assert bucket.asked.count("PutObject") == 1  # the manifest, refused by its condition


async def test_a_large_document_never_overwrites(bucket: Bucket) -> None:
    bucket.put("large.pdf", b"somebody's")
    with pytest.raises(DeliveryConflict, match=hashlib.sha256(b"somebody's").hexdigest()):
        await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), LARGE))
    assert bucket.local.object(bucket.url("large.pdf")) == b"somebody's"
    assert "UploadPart" not in bucket.asked


async def test_one_that_appears_while_a_large_document_is_sent_wins(bucket: Bucket) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(LARGE), PART):
            if start == 3 * PART:
                bucket.put("large.pdf", b"came first")
            yield LARGE[start : start + PART]

    with pytest.raises(DeliveryConflict):
        await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), content=a_content(LARGE, stream=stream)))
    assert bucket.local.object(bucket.url("large.pdf")) == b"came first"
    assert bucket.unfinished() == 0


@pytest.mark.parametrize("data", [b"small", LARGE])
async def test_many_workers_at_once_have_one_effect(bucket: Bucket, data: bytes) -> None:
    request = a_delivery_request(bucket.url("raced.pdf"), data)
    receipts = await asyncio.gather(*(bucket.s3.deliver(request) for _ in range(8)))
    assert [item.fresh for item in receipts].count(True) == 1
    assert {item.checksum for item in receipts} == {f"sha256:{request.content.sha256}"}
    assert bucket.local.object(request.url) == data
    assert bucket.unfinished() == 0


async def test_a_stream_that_breaks_leaves_nothing_behind(bucket: Bucket) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield LARGE[: 3 * PART]
        raise FileGone("the source closed the connection")

    with pytest.raises(FileGone):
        await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), content=a_content(LARGE, stream=stream)))
    assert bucket.unfinished() == 0
    assert bucket.local.objects(bucket.name) == []


async def test_a_large_document_that_changed_since_intake_is_not_delivered(bucket: Bucket) -> None:
    changed = a_content(LARGE, sha256="0" * 64)
    with pytest.raises(FileGone, match=hashlib.sha256(LARGE).hexdigest()):
        await bucket.s3.deliver(a_delivery_request(bucket.url("large.pdf"), content=changed))
    assert bucket.unfinished() == 0
    assert bucket.local.objects(bucket.name) == []


async def test_an_object_without_a_checksum_is_read_to_compare(bucket: Bucket) -> None:
    bucket.put("a.pdf", b"the same")
    assert not (await bucket.s3.deliver(a_delivery_request(bucket.url("a.pdf"), b"the same"))).fresh
    bucket.put("b.pdf", b"another")
    with pytest.raises(DeliveryConflict):
        await bucket.s3.deliver(a_delivery_request(bucket.url("b.pdf"), b"the same"))


def _in_s3(bucket: Bucket, key: str, data: bytes, version: str = "") -> Content:
    def never() -> AsyncIterator[bytes]:
        raise AssertionError("the bytes were read through this machine")

    return a_content(data, stream=never, s3=(bucket.name, key, version))


@pytest.mark.parametrize(("data", "asked"), [(b"small", "CopyObject"), (LARGE, "UploadPartCopy")])
@pytest.mark.parametrize("checksum", ["SHA256", "CRC32"])
async def test_from_s3_to_s3_it_is_a_copy_inside_s3(bucket: Bucket, data: bytes, asked: str, checksum: str) -> None:
    bucket.put("in/ä b.pdf", data, ChecksumAlgorithm=checksum)
    request = a_delivery_request(bucket.url("out/a.pdf"), content=_in_s3(bucket, "in/ä b.pdf", data))
    first = await bucket.s3.deliver(request)
    assert first.fresh
    assert asked in bucket.asked
    assert bucket.local.object(first.location) == data
    assert bucket.head("out/a.pdf")["Metadata"]["document-id"] == request.document.id
    assert bucket.head("out/a.pdf")["ContentType"] == "application/pdf"
    assert not (await bucket.s3.deliver(request)).fresh
    assert bucket.unfinished() == 0


async def test_a_copy_never_overwrites(bucket: Bucket) -> None:
    bucket.put("in.pdf", b"a letter")
    bucket.put("out.pdf", b"somebody's")
    with pytest.raises(DeliveryConflict):
        await bucket.s3.deliver(
            a_delivery_request(bucket.url("out.pdf"), content=_in_s3(bucket, "in.pdf", b"a letter"))
        )
    assert bucket.local.object(bucket.url("out.pdf")) == b"somebody's"


@pytest.mark.parametrize("checksum", ["SHA256", "CRC32"])
@pytest.mark.parametrize("size", [10, len(LARGE)])
async def test_a_source_that_was_overwritten_since_intake_is_not_delivered(
    bucket: Bucket, checksum: str, size: int
) -> None:
    bucket.put("in.pdf", b"x" * size, ChecksumAlgorithm=checksum)
    content = _in_s3(bucket, "in.pdf", b"y" * size)
    with pytest.raises(FileGone, match=content.sha256):
        await bucket.s3.deliver(a_delivery_request(bucket.url("out.pdf"), content=content))
    assert bucket.local.objects(bucket.name) == ["in.pdf"]
    assert bucket.unfinished() == 0


async def test_the_version_that_was_read_is_the_one_that_is_copied(bucket: Bucket) -> None:
    bucket.local.client("s3").put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    version = bucket.put("in.pdf", b"as it was")["VersionId"]
    bucket.put("in.pdf", b"as it is now")
    receipt = await bucket.s3.deliver(
        a_delivery_request(bucket.url("out.pdf"), content=_in_s3(bucket, "in.pdf", b"as it was", version))
    )
    assert bucket.local.object(receipt.location) == b"as it was"


async def test_a_source_that_is_gone_says_so(bucket: Bucket) -> None:
    with pytest.raises(FileGone, match=r"in\.pdf"):
        await bucket.s3.deliver(
            a_delivery_request(bucket.url("out.pdf"), content=_in_s3(bucket, "in.pdf", b"a letter"))
        )


async def test_a_bucket_that_is_gone_parks_the_delivery_with_the_fix(bucket: Bucket) -> None:
    with pytest.raises(Unroutable, match=r"s3://gone-bucket/a\.pdf does not exist") as error:
        await bucket.s3.deliver(a_delivery_request("s3://gone-bucket/a.pdf"))
    assert error.value.fix.startswith("aws s3 mb s3://gone-bucket")


async def test_s3_away_means_later(closed_port: int, local_aws: LocalAws) -> None:
    nobody = f"http://127.0.0.1:{closed_port}"
    away = S3(Aws(credentials=local_aws.credentials, endpoint_url=nobody, attempts=1))
    with pytest.raises(DestinationBusy, match=r"s3://mail/a\.pdf"):
        await away.deliver(a_delivery_request("s3://mail/a.pdf"))


@pytest.mark.parametrize(
    ("url", "options", "names"),
    [
        ("s3://Bad_Bucket/in/", {}, "bucket name"),
        ("s3://{type}/in/", {}, "bucket name"),
        ("s3://mail/in/{filename}", {}, "get the same key"),
        ("s3://mail/../{document_id}", {}, "leave the prefix"),
        ("s3://mail/in/", {"storage_class": "COLD"}, "STANDARD_IA"),
        ("s3://mail/in/", {"tags": "a"}, "name=value"),
        ("s3://mail/in/", {"tags": ",".join(f"t{n}=1" for n in range(8))}, "more than 7"),
        ("s3://mail/in/", {"kms": "x"}, "did you mean kms_key"),
    ],
)
async def test_a_target_that_cannot_work_is_a_fault(url: str, options: dict[str, str], names: str) -> None:
    (fault,) = S3(Aws()).faults(Target(url=url, options=options))
    assert names in fault


def test_a_whole_bucket_may_be_a_target() -> None:
    assert S3(Aws()).faults(Target(url="s3://archive/")) == []


MEASURED = """
import asyncio, hashlib, resource, sys
from receiver.aws.boto import Aws
from handlers.destinations.s3 import S3
from receiver.core.delivery_request import Content, CopyMark
from tests.delivery_requests import a_delivery_request

CHUNK, CHUNKS = b"0123456789abcdef" * 4096, int(sys.argv[1])

async def stream():
    for _ in range(CHUNKS):
        yield CHUNK

async def main():
    running = hashlib.sha256()
    for _ in range(CHUNKS):
        running.update(CHUNK)
    s3 = S3(Aws())
    await s3.deliver(a_delivery_request(sys.argv[2] + "small.pdf"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content = Content(size=CHUNKS * len(CHUNK), sha256=running.hexdigest(), media_type="application/pdf", stream=stream)
    receipt = await s3.deliver(a_delivery_request(sys.argv[2] + "large.pdf", content=content))
    assert receipt.checksum == "sha256:" + running.hexdigest()
    print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_memory_stays_flat_however_large_the_document_is(
    bucket: Bucket, record_property: Callable[[str, object], None]
) -> None:
    def measured() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MEASURED, "3200", bucket.url("")],
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "", **bucket.local.env},
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip

    done = await asyncio.to_thread(measured)
    assert done.returncode == 0, done.stderr
    before, after = (int(number) for number in done.stdout.split())
    record_property("peak_rss_kb", after)
    grown = (after - before) / 1024
    print(f"200 MiB to S3: peak {after / 1024:.0f} MiB, {grown:.0f} MiB above a small delivery")  # noqa: T201
    assert grown < 120
