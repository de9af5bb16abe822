"""Documents that lie in S3: pinned in their version, read and copied from there, tagged when nobody needs them."""

import hashlib
from itertools import count

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.destinations.s3 import S3
from handlers.sources.s3 import Place, S3Source, source_place
from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, FileGone
from receiver.core.header_block import HEAD_BYTES
from tests.builders import a_document
from tests.delivery_requests import a_delivery_request

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
        assert kept is not None
        assert (kept.sha256, kept.size, kept.head) == (SHA, len(PDF), PDF[:HEAD_BYTES])
        assert source_place(kept.location) == at

    async def test_a_notification_without_a_version_is_pinned_to_what_was_there(
        self, local_aws: LocalAws, bucket: str
    ) -> None:
        at = put(local_aws, bucket, "a.pdf")
        kept = await S3Source(local_aws.aws).look(at._replace(version=""), limit=LIMIT)
        assert kept is not None
        put(local_aws, bucket, "a.pdf", b"something else")
        document = the_document(source_place(kept.location))
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
    request = a_delivery_request(f"s3://{bucket}/out/a.pdf", content=content)
    receipt = await S3(local_aws.aws).deliver(request)
    assert receipt.checksum == f"sha256:{SHA}"
    assert local_aws.object(receipt.location) == PDF


class TestReleasing:
    """An object that was left in the inbox is not ours to delete: it is tagged, and a lifecycle rule may."""

    async def test_it_is_tagged_as_done_beside_its_own_tags(self, local_aws: LocalAws, bucket: str) -> None:
        at = put(local_aws, bucket, "a.pdf", Tagging="owner=finance")
        source = S3Source(local_aws.aws)
        for _ in range(2):
            await source.release(str(at))
        assert tags(local_aws, at) == {"owner": "finance", "mailroom": "done"}
        await source.reclaim(str(at))
        assert tags(local_aws, at) == {"owner": "finance"}

    async def test_it_is_the_version_that_the_document_is_and_no_other(self, local_aws: LocalAws, bucket: str) -> None:
        first, second = put(local_aws, bucket, "a.pdf"), put(local_aws, bucket, "a.pdf", b"another letter")
        await S3Source(local_aws.aws).release(str(first))
        assert (tags(local_aws, first), tags(local_aws, second)) == ({"mailroom": "done"}, {})

    async def test_one_that_is_gone_is_done(self, local_aws: LocalAws, bucket: str) -> None:
        at = put(local_aws, bucket, "a.pdf")
        local_aws.client("s3").delete_object(**at.arguments)
        await S3Source(local_aws.aws).release(str(at))
        await S3Source(local_aws.aws).release(str(at._replace(version="")))

    async def test_one_that_cannot_be_tagged_stays_and_that_is_told_once(
        self, local_aws: LocalAws, bucket: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        full = "&".join(f"tag{number}=x" for number in range(10))
        places = [put(local_aws, bucket, f"{number}.pdf", Tagging=full) for number in range(2)]
        source = S3Source(local_aws.aws)
        for at in places:
            await source.release(str(at))
        assert [record.message for record in caplog.records] == ["object.untagged"]
        assert "mailroom" not in tags(local_aws, places[0])


def tags(aws: LocalAws, at: Place) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in aws.client("s3").get_object_tagging(**at.arguments)["TagSet"]}
