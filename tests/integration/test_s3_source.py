"""Documents that lie in S3: pinned in their version, read and copied from there; and the spool in a bucket."""

import hashlib
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from handlers.destinations.s3 import S3
from handlers.local_aws import LocalAws
from handlers.sources.s3 import Place, S3Source, place
from handlers.sources.s3_spool import S3Spool
from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, FileGone
from receiver.core.parcel import Content
from tests.builders import a_document
from tests.parcels import a_parcel

pytestmark = [pytest.mark.anyio, pytest.mark.aws]
PDF = b"%PDF-1.7 " + bytes(range(256)) * 9000
SHA = hashlib.sha256(PDF).hexdigest()
LIMIT = 1 << 30
_names = count(1)


@pytest.fixture
def bucket(local_aws: LocalAws) -> str:
    """A new bucket with versions."""
    name = f"source-{next(_names)}"
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(aws: LocalAws, bucket: str, key: str, body: bytes = PDF, **more: str) -> Place:
    answer = aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **more)
    return Place(bucket, key, answer["VersionId"])


async def read(content: Content) -> bytes:
    return b"".join([chunk async for chunk in content.stream()])


def the_document(at: Place) -> Document:
    return a_document(content=str(at), sha256=SHA, size=len(PDF), media_type="application/pdf")


class TestLooking:
    @pytest.mark.parametrize("algorithm", ["SHA256", "CRC32"])
    async def test_checksum_size_and_head_are_those_of_the_bytes(
        self, local_aws: LocalAws, bucket: str, algorithm: str
    ) -> None:
        at = put(local_aws, bucket, "mail/Große Rechnung (1).pdf", ChecksumAlgorithm=algorithm)
        kept = await S3Source(local_aws.aws).look(at, limit=LIMIT)
        assert (kept.sha256, kept.size, kept.head) == (SHA, len(PDF), PDF[:1024])
        assert place(kept.location) == at

    async def test_a_notification_without_a_version_is_pinned_to_what_was_there(
        self, local_aws: LocalAws, bucket: str
    ) -> None:
        at = put(local_aws, bucket, "a.pdf")
        kept = await S3Source(local_aws.aws).look(at._replace(version=""), limit=LIMIT)
        put(local_aws, bucket, "a.pdf", b"something else")
        document = the_document(place(kept.location))
        assert await read(await S3Source(local_aws.aws).content(document)) == PDF

    async def test_what_is_gone_is_named(self, local_aws: LocalAws, bucket: str) -> None:
        with pytest.raises(FileGone, match="never\\.pdf"):
            await S3Source(local_aws.aws).look(Place(bucket, "never.pdf"), limit=LIMIT)

    async def test_what_is_too_large_is_refused_before_it_is_read(self, local_aws: LocalAws, bucket: str) -> None:
        at = put(local_aws, bucket, "large.pdf")
        with pytest.raises(DocumentRefused):
            await S3Source(local_aws.aws).look(at, limit=len(PDF) - 1)


async def test_a_document_is_delivered_by_a_copy_inside_s3(local_aws: LocalAws, bucket: str) -> None:

    at = put(local_aws, bucket, "in/a.pdf")
    document = the_document(at)
    content = await S3Source(local_aws.aws).content(document)
    assert content.s3 == at
    parcel = a_parcel(f"s3://{bucket}/out/a.pdf", content=content)
    receipt = await S3(local_aws.aws).deliver(parcel)
    assert receipt.checksum == f"sha256:{SHA}"
    assert local_aws.object(receipt.location) == PDF


class TestSpool:
    @pytest.fixture
    def spool(self, local_aws: LocalAws, bucket: str) -> S3Spool:
        return S3Spool(f"s3://{bucket}/documents/", local_aws.aws)

    async def test_what_is_kept_can_be_read_back(self, spool: S3Spool, tmp_path: Path) -> None:
        (tmp_path / "a.pdf").write_bytes(PDF)
        kept = await spool.keep(tmp_path / "a.pdf", limit=LIMIT)
        assert (kept.location, kept.sha256, kept.size, kept.head) == (f"spool:{SHA}", SHA, len(PDF), PDF[:1024])
        assert await read(await spool.content(a_document(content=kept.location, size=len(PDF), sha256=SHA))) == PDF

    async def test_the_same_bytes_twice_are_one_object(self, spool: S3Spool, local_aws: LocalAws, bucket: str) -> None:
        for _ in range(2):
            await spool.keep(chunks(PDF), limit=LIMIT)
        assert local_aws.objects(bucket) == [f"documents/{SHA}"]

    async def test_what_is_too_large_leaves_nothing(self, spool: S3Spool, local_aws: LocalAws, bucket: str) -> None:
        with pytest.raises(DocumentRefused):
            await spool.keep(chunks(PDF), limit=100)
        assert local_aws.objects(bucket) == []

    async def test_forgetting_is_left_to_the_buckets_lifecycle(self, spool: S3Spool) -> None:
        kept = await spool.keep(chunks(PDF), limit=LIMIT)
        assert not await spool.forget(kept.location, kept_before=2**40)
        assert await read(await spool.content(a_document(content=kept.location, size=len(PDF), sha256=SHA))) == PDF

    async def test_bytes_that_are_not_there_are_gone(self, spool: S3Spool) -> None:
        with pytest.raises(FileGone):
            await spool.content(a_document(content=f"spool:{SHA}"))


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 100_000):
        yield data[at : at + 100_000]
