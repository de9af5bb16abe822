"""The destinations, against the contract: a real folder, a local AWS over real HTTP, a real endpoint."""

import asyncio
import base64
import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from handlers.demo.local_aws import REGION, LocalAws
from handlers.destinations.events import EventBridge
from handlers.destinations.folder import Folder
from handlers.destinations.http import Http
from handlers.destinations.registry import destinations
from handlers.destinations.s3 import S3
from handlers.destinations.sns import SnsTopic
from handlers.destinations.sqs import Sqs
from handlers.destinations.states import StepFunctions
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, DeliveryConflict, DestinationBusy, MailroomError, Unroutable
from receiver.core.plan import Target
from tests.contracts.destination import HoldsBytes, Place, PointsToIt
from tests.delivery_requests import a_delivery_request
from tests.endpoints import Endpoint

_names = count(1)


class FolderPlace(Place):
    def __init__(self, root: Path) -> None:
        self.root = root
        self.destination: Folder = Folder()
        self.template = f"folder://{root}/mail/"
        root.joinpath("file").touch()
        self.absent = f"folder://{root}/file/mail/"

    async def count(self) -> int:
        return sum(1 for path in self.root.joinpath("mail").rglob("*") if path.is_file() and path.suffix != ".json")

    async def read(self, receipt: Receipt) -> bytes:
        return await asyncio.to_thread(_local(receipt).read_bytes)


class TestFolder(HoldsBytes):
    @pytest.fixture
    def place(self, tmp_path: Path) -> FolderPlace:
        return FolderPlace(tmp_path)

    async def remove(self, place: FolderPlace, receipt: Receipt) -> None:
        await asyncio.to_thread(_local(receipt).unlink)

    async def overwrite(self, place: FolderPlace, receipt: Receipt, data: bytes) -> None:
        await asyncio.to_thread(_local(receipt).write_bytes, data)

    async def test_what_is_no_file_is_not_taken_for_one(self, place: FolderPlace) -> None:
        receipt = await place.destination.deliver(a_delivery_request(f"{place.template}doc-1/letter.pdf"))
        await self.remove(place, receipt)
        _local(receipt).mkdir()
        with pytest.raises(DeliveryConflict, match="is not a file"):
            await place.destination.read_back(receipt, {})

    async def test_a_copy_is_read_back_also_beside_a_manifest_that_is_no_file(self, place: FolderPlace) -> None:
        receipt = await place.destination.deliver(a_delivery_request(f"{place.template}doc-1/letter.pdf"))
        beside = Path(receipt.manifest.removeprefix("folder://"))
        await asyncio.to_thread(beside.unlink)
        os.mkfifo(beside)
        stored = await place.destination.read_back(receipt, {})
        assert (f"sha256:{stored.sha256}", stored.manifest) == (receipt.checksum, None)
        assert isinstance(stored.manifest_error, DeliveryConflict)

    async def test_reading_back_ends_when_nobody_waits_for_it(self, place: FolderPlace) -> None:
        receipt = await place.destination.deliver(a_delivery_request(f"{place.template}doc-1/letter.pdf"))
        path = _local(receipt)
        with path.open("ab") as file:
            file.truncate(1 << 40)  # sparse: hours to read
        with ThreadPoolExecutor(1) as only:
            asyncio.get_running_loop().set_default_executor(only)
            try:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await place.destination.read_back(receipt, {})
                assert await asyncio.wait_for(asyncio.to_thread(path.exists), 5), "the thread is free again"
            finally:
                os.truncate(path, 0)

    async def test_what_cannot_be_read_is_no_matter_of_permission_unless_it_is(self, place: FolderPlace) -> None:
        receipt = await place.destination.deliver(a_delivery_request(f"{place.template}doc-1/letter.pdf"))
        await self.remove(place, receipt)
        _local(receipt).symlink_to(_local(receipt))  # leads to itself
        with pytest.raises(DeliveryConflict, match="cannot be read: Too many levels") as refused:
            await place.destination.read_back(receipt, {})
        assert "permission" not in refused.value.fix


def _local(receipt: Receipt) -> Path:
    return Path(receipt.location.removeprefix("folder://"))


class S3Place(Place):
    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.bucket = f"mail-{next(_names)}"
        self.destination: S3 = S3(aws.aws)
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

    async def overwrite(self, place: S3Place, receipt: Receipt, data: bytes) -> None:
        bucket, _, key = receipt.location.removeprefix("s3://").partition("/")
        place.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=data)

    async def test_a_versioned_bucket_says_which_version_is_read(self, place: S3Place) -> None:
        s3 = place.aws.client("s3")
        s3.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
        receipt = await place.destination.deliver(a_delivery_request(f"{place.template}doc-1/letter.pdf"))
        first = await place.destination.read_back(receipt, {})
        await self.overwrite(place, receipt, b"%PDF-1.7 a letter")
        second = await place.destination.read_back(receipt, {})
        assert first.version
        assert second.version not in ("", first.version)
        await self.remove(place, receipt)  # leaves a marker: the versions are still there
        assert (await place.destination.read_back(receipt, {})).sha256 == ""

    async def test_a_bucket_that_is_gone_is_not_an_object_that_is_gone(self, place: S3Place) -> None:
        with pytest.raises(Unroutable, match="no-such-bucket"):
            await place.destination.read_back(Receipt(location="s3://no-such-bucket/in/letter.pdf"), {})


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


class TopicPlace(Place):
    """A topic, with a queue that is subscribed to it."""

    def __init__(self, aws: LocalAws, *, fifo: bool) -> None:
        self.aws, self.name = aws, f"topic-{next(_names)}{'.fifo' if fifo else ''}"
        self.destination = SnsTopic(aws.aws, environ={})
        self.template = f"sns://{self.name}"
        self.absent = "sns://no-such-topic"
        self.exactly_once = False
        aws.make([Target(url=self.template)])

    @property
    def notifications(self) -> list[dict[str, Any]]:
        return self.aws.alerts(f"sns:{self.name}")

    async def count(self) -> int:
        return len(self.notifications)

    async def read(self, receipt: Receipt) -> bytes:
        wanted = receipt.location.partition("#")[2]
        (body,) = {item["Message"] for item in self.notifications if item["MessageId"] == wanted}
        assert isinstance(body, str)
        return body.encode()


@pytest.mark.aws
class TestTopic(PointsToIt):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> TopicPlace:
        return TopicPlace(local_aws, fifo=False)


@pytest.mark.aws
class TestFifoTopic(PointsToIt):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> TopicPlace:
        return TopicPlace(local_aws, fifo=True)


class BusPlace(Place):
    """A bus, with a rule that leads to a queue."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws, self.name = aws, f"destination-bus-{next(_names)}"
        self.destination = EventBridge(aws.aws, environ={})
        self.template = f"events://{self.name}"
        self.absent = "events://no-such-bus"
        self.exactly_once = False
        aws.make([Target(url=self.template)])

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(item["Body"]) for item in self.aws.messages(self.name)]

    async def count(self) -> int:
        return len(self.events)

    async def read(self, receipt: Receipt) -> bytes:
        wanted = receipt.location.partition("#")[2]
        (detail,) = (item["detail"] for item in self.events if item["id"] == wanted)
        return json.dumps(detail).encode()


@pytest.mark.aws
class TestBus(PointsToIt):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> BusPlace:
        return BusPlace(local_aws)


class MachinePlace(Place):
    def __init__(self, aws: LocalAws) -> None:
        self.client, self.name, self.account = aws.client("stepfunctions"), f"machine-{next(_names)}", aws.account
        self.destination = StepFunctions(aws.aws, environ={})
        self.template = f"states://{self.name}"
        self.absent = "states://no-such-machine"
        aws.make([Target(url=self.template)])

    async def count(self) -> int:
        arn = f"arn:aws:states:{REGION}:{self.account}:stateMachine:{self.name}"
        return len(self.client.list_executions(stateMachineArn=arn)["executions"])

    async def read(self, receipt: Receipt) -> bytes:
        machine, _, name = receipt.location.removeprefix("states://").partition("#")
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        body: str = self.client.describe_execution(executionArn=arn)["input"]
        return body.encode()


@pytest.mark.aws
class TestStateMachine(PointsToIt):
    @pytest.fixture
    def place(self, local_aws: LocalAws) -> MachinePlace:
        return MachinePlace(local_aws)


SECRET = "whsec_" + base64.b64encode(b"a secret of at least 24 bytes").decode()


class HttpPlace(Place):
    def __init__(self, endpoint: Endpoint, closed_port: int) -> None:
        self.endpoint = endpoint
        self.destination = Http({"HOOK_SECRET": SECRET})
        self.template = f"{endpoint.url}/hook"
        self.options = {"secret": "env:HOOK_SECRET"}
        self.absent = f"http://127.0.0.1:{closed_port}/hook"
        self.exactly_once = False
        self._read = 0

    async def count(self) -> int:
        return len(self.endpoint.posts)

    async def read(self, receipt: Receipt) -> bytes:
        """The messages in the order in which they came: each receipt names only the address."""
        assert receipt.location == self.template
        self._read += 1
        return self.endpoint.posts[self._read - 1].body


class TestHttp(PointsToIt):
    @pytest.fixture
    def place(self, endpoint: Endpoint, closed_port: int) -> HttpPlace:
        return HttpPlace(endpoint, closed_port)

    async def test_the_published_library_verifies_the_message(self, place: HttpPlace) -> None:
        request = a_delivery_request(place.template, options=place.options, reasoning="it says “Rechnung”")
        await place.destination.deliver(request)
        (got,) = place.endpoint.posts
        assert Webhook(SECRET).verify(got.body, got.headers)["id"] == request.delivery_id
        assert got.headers["webhook-id"] == request.delivery_id
        assert got.headers["content-type"] == "application/cloudevents+json"
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(got.body + b" ", got.headers)

    @pytest.mark.parametrize(
        ("status", "error"),
        [(408, DestinationBusy), (429, DestinationBusy), (500, DestinationBusy), (503, DestinationBusy),
         (401, AccessDenied), (403, AccessDenied), (400, Unroutable), (410, Unroutable), (301, Unroutable)],
    )  # fmt: skip
    async def test_each_answer_says_what_to_do_next(
        self, place: HttpPlace, status: int, error: type[MailroomError]
    ) -> None:
        place.endpoint.status, place.endpoint.headers = status, {"retry-after": "30", "location": "/elsewhere"}
        with pytest.raises(error, match=str(status)) as raised:
            await place.destination.deliver(a_delivery_request(place.template, options=place.options))
        assert len(place.endpoint.posts) == 1
        if isinstance(raised.value, DestinationBusy):
            assert raised.value.retry_after == 30

    async def test_nobody_there_means_later(self, place: HttpPlace) -> None:
        with pytest.raises(DestinationBusy):
            await place.destination.deliver(a_delivery_request(place.absent, options=place.options))

    async def test_keys_in_the_address_are_not_shown(self, place: HttpPlace) -> None:
        secret = a_delivery_request(
            place.template.replace("//", "//user:hidden@") + "?key=hidden", options=place.options
        )
        assert "hidden" not in (await place.destination.deliver(secret)).location
        place.endpoint.status = 500
        with pytest.raises(DestinationBusy) as error:
            await place.destination.deliver(secret)
        assert "hidden" not in str(error.value)

    async def test_an_unsigned_message_must_be_asked_for_by_name(self, place: HttpPlace) -> None:
        await place.destination.deliver(a_delivery_request(place.template, options={"unsigned": "true"}))
        assert "webhook-signature" not in place.endpoint.posts[0].headers
        (fault,) = place.destination.faults(Target(url=place.template))
        assert "secret: env:NAME" in fault

    @pytest.mark.parametrize(
        ("url", "options", "names"),
        [
            ("https://example.com/hook", {"secret": "env:MISSING"}, "MISSING"),
            ("https://example.com/hook", {"secret": "env:BAD"}, "base64"),
            ("https://example.com/hook", {"secret": SECRET}, "env:NAME"),
            ("http://example.com/hook", {"secret": "env:HOOK_SECRET"}, "https"),
            ("https://{sender}/hook", {"secret": "env:HOOK_SECRET"}, "host"),
            ("https://example.com/{nonsense}", {"secret": "env:HOOK_SECRET"}, "nonsense"),
        ],
    )
    def test_a_target_that_cannot_work_is_a_fault(self, url: str, options: dict[str, str], names: str) -> None:
        (fault,) = Http({"HOOK_SECRET": SECRET, "BAD": "whsec_é"}).faults(Target(url=url, options=options))
        assert names in fault
        assert SECRET not in fault


def test_every_destination_is_tested_here() -> None:
    tested = {
        "folder": TestFolder, "s3": TestS3, "sqs": TestStandardQueue, "sns": TestTopic, "events": TestBus,
        "states": TestStateMachine, "https": TestHttp, "http": TestHttp,
    }  # fmt: skip
    assert set(tested) == set(destinations(environ={}))
