"""The destinations, against the contract: a real folder, and a local AWS over real HTTP."""

import asyncio
from itertools import count
from pathlib import Path

import pytest

from handlers.destinations.folder import Folder
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import Sqs
from handlers.local_aws import LocalAws
from receiver.core.document import Receipt
from receiver.core.plan import Target
from tests.contracts.destination import HoldsBytes, Place, PointsToIt

_names = count(1)


class FolderPlace(Place):
    def __init__(self, root: Path) -> None:
        self.root = root
        self.destination = Folder()
        self.template = f"folder://{root}/mail/"
        root.joinpath("file").touch()
        self.absent = f"folder://{root}/file/mail/"

    async def count(self) -> int:
        return sum(1 for path in self.root.joinpath("mail").rglob("*") if path.is_file() and path.suffix != ".json")

    async def read(self, receipt: Receipt) -> bytes:
        return await asyncio.to_thread(Path(receipt.location).read_bytes)


class TestFolder(HoldsBytes):
    @pytest.fixture
    def place(self, tmp_path: Path) -> FolderPlace:
        return FolderPlace(tmp_path)

    async def remove(self, place: FolderPlace, receipt: Receipt) -> None:
        await asyncio.to_thread(Path(receipt.location).unlink)


class S3Place(Place):
    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.bucket = f"mail-{next(_names)}"
        self.destination = S3(aws.aws)
        self.template = f"s3://{self.bucket}/in/"
        self.absent = "s3://no-such-bucket/in/"
        aws.make([Target(url=self.template)])

    async def count(self) -> int:
        return sum(1 for key in self.aws.objects(self.bucket) if not key.endswith(".mailroom.json"))

    async def read(self, receipt: Receipt) -> bytes:
        return self.aws.object(receipt.location)


@pytest.mark.aws
class TestS3(HoldsBytes):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> S3Place:
        return S3Place(local_aws)

    async def remove(self, place: S3Place, receipt: Receipt) -> None:
        bucket, _, key = receipt.location.removeprefix("s3://").partition("/")
        place.aws.client("s3").delete_object(Bucket=bucket, Key=key)


class SqsPlace(Place):
    def __init__(self, aws: LocalAws, *, fifo: bool) -> None:
        self.aws = aws
        self.destination = Sqs(aws.aws)
        self.template = f"sqs://queue-{next(_names)}{'.fifo' if fifo else ''}"
        self.absent = "sqs://no-such-queue"
        self.exactly_once = fifo
        aws.make([Target(url=self.template)])

    async def count(self) -> int:
        return len(self.aws.messages(self.template))

    async def read(self, receipt: Receipt) -> bytes:
        body: str = self.aws.message(receipt.location)["Body"]
        return body.encode()


@pytest.mark.aws
class TestStandardQueue(PointsToIt):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> SqsPlace:
        return SqsPlace(local_aws, fifo=False)


@pytest.mark.aws
class TestFifoQueue(PointsToIt):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> SqsPlace:
        return SqsPlace(local_aws, fifo=True)
