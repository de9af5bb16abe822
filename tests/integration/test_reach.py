"""AWS destinations by a role of their own, and at an endpoint of their own: over real connections."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handlers.demo.local_aws import LocalAws
from handlers.destinations.queue_address import queue_name
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import Sqs
from handlers.sources.s3 import S3Source
from receiver.aws.assumed_role import session_in_role
from receiver.aws.boto import Aws, DestinationAccess
from receiver.core.delivery_request import Content
from receiver.core.document import Delivery, DeliveryState, Document, Receipt
from receiver.core.errors import AccessDenied
from receiver.core.plan import Target
from tests.builders import a_document
from tests.delivery_requests import a_content, a_delivery_request
from tests.odd_s3 import OddS3, odd_s3
from tests.servers import serve

pytestmark = [pytest.mark.anyio, pytest.mark.aws]
ROLE = "arn:aws:iam::000000000000:role/mail"
DATA = b"%PDF-1.7 a letter"
_names = count(1)


class Watched:
    """Clients of a test alone, and what was asked with which key."""

    def __init__(self, local: LocalAws) -> None:
        self.aws = Aws(credentials=local.credentials, endpoint_url=local.endpoint)
        self.asked: list[dict[str, Any]] = []
        self.aws.client("sts").meta.events.register("provide-client-params.sts.AssumeRole", self._note)

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(params)

    def keys_of(self, aws: Aws, service: str, *, region: str = "") -> list[str]:
        """The keys that sign what is asked of this service from now on."""
        keys: list[str] = []

        def note(request: Any, **_: Any) -> None:
            keys.append(str(request.headers["Authorization"]).partition("Credential=")[2].partition("/")[0])

        aws.client(service, region=region).meta.events.register(f"before-send.{service}", note)
        return keys


@pytest.fixture
def watched(local_aws: LocalAws) -> Iterator[Watched]:
    watched = Watched(local_aws)
    yield watched
    watched.aws.close()


@pytest.fixture
def bucket(local_aws: LocalAws) -> str:
    name = f"reach-{next(_names)}"
    local_aws.make([Target(url=f"s3://{name}/")])
    return name


@pytest.fixture
def store() -> Iterator[OddS3]:
    """A store that is not AWS's, on an address of its own."""
    with odd_s3() as store:
        yield store


def at(store: OddS3) -> str:
    return store.aws.client("s3").meta.endpoint_url  # type: ignore[no-any-return]


async def whole(content: Content) -> bytes:
    return b"".join([chunk async for chunk in content.stream()])


# --- a role


async def test_an_object_is_written_by_the_role_which_is_taken_on_once(
    watched: Watched, bucket: str, local_aws: LocalAws
) -> None:
    given = {"role": "env:ROLE", "external_id": "env:TOGETHER"}
    s3 = S3(watched.aws, environ={"ROLE": ROLE, "TOGETHER": "acme:4711"})
    keys = watched.keys_of(watched.aws.through(DestinationAccess(role=ROLE, external_id="acme:4711")), "s3")
    for name in ("a.pdf", "b.pdf"):
        receipt = await s3.deliver(a_delivery_request(f"s3://{bucket}/{name}", DATA, options=given))
        assert receipt.location == f"s3://{bucket}/{name}"
        assert local_aws.object(receipt.location) == DATA
    assert len(set(keys)) == 1
    assert keys[0].startswith("ASIA")
    assert watched.asked == [{"RoleArn": ROLE, "RoleSessionName": "mailroom", "ExternalId": "acme:4711"}]


async def test_a_queue_is_sent_to_by_the_role(watched: Watched, local_aws: LocalAws) -> None:
    name = f"reach-{next(_names)}"
    local_aws.make([Target(url=f"sqs://{name}")])
    address = f"sqs://https://sqs.us-east-1.amazonaws.com/000000000000/{name}"
    target, sqs = Target(url=address, options={"role": ROLE}), Sqs(watched.aws)
    keys = watched.keys_of(watched.aws.through(DestinationAccess(role=ROLE)), "sqs", region="us-east-1")
    assert sqs.faults(target) == []
    assert await sqs.probe(target) == []
    receipt = await sqs.deliver(a_delivery_request(address, options=target.options))
    assert local_aws.message(receipt.location)
    assert {key[:4] for key in keys} == {"ASIA"}


async def test_credentials_that_are_nearly_over_are_renewed_as_they_are_used(local_aws: LocalAws) -> None:
    class Source(Aws):
        times = 0

        def client(self, service: str, *, region: str = "") -> Any:
            assert service == "sts"
            return self

        def assume_role(self, **given: Any) -> dict[str, Any]:
            self.times += 1
            made = local_aws.client("sts").assume_role(**given)["Credentials"]
            return {"Credentials": made | {"Expiration": datetime.now(UTC) + timedelta(seconds=30)}}

    source = Source()
    s3 = session_in_role(lambda: source.client("sts"), ROLE, region="us-east-1").client(
        "s3", endpoint_url=local_aws.endpoint
    )
    for _ in range(3):
        s3.list_buckets()
    s3.close()
    assert source.times >= 3


async def test_one_client_serves_all_that_is_asked_of_a_service_in_a_region_by_a_role_at_an_endpoint(
    watched: Watched,
) -> None:
    accesses = [
        DestinationAccess(), DestinationAccess(role=ROLE), DestinationAccess(role=ROLE, external_id="ab"), DestinationAccess(endpoint="https://a.example"),
        DestinationAccess(role=ROLE, endpoint="https://a.example"), DestinationAccess(endpoint="https://b.example"),
    ]  # fmt: skip
    asked = [
        (access, service, region) for access in accesses for service in ("s3", "sqs") for region in ("", "eu-west-3")
    ]
    clients = {item: watched.aws.through(item[0]).client(item[1], region=item[2]) for item in asked}
    assert len(set(map(id, clients.values()))) == len(asked)
    for (access, service, region), client in clients.items():
        again = watched.aws.through(replace(access)).client(service, region=region)
        assert again is client
        assert not access.endpoint or client.meta.endpoint_url == access.endpoint
    assert watched.asked == []


async def test_a_role_that_is_refused_is_told_with_what_must_be_allowed(local_aws: LocalAws, bucket: str) -> None:
    async def no(scope: Scope, receive: Receive, send: Send) -> None:
        said = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
        await Response(said, 403, media_type="text/xml")(scope, receive, send)

    given = {"role": ROLE, "endpoint": local_aws.endpoint}
    address = "https://sqs.us-east-1.amazonaws.com/000000000000/invoices"
    with serve(no) as refusing:
        aws = Aws(credentials=local_aws.credentials, endpoint_url=refusing, attempts=1)
        with pytest.raises(AccessDenied, match="AssumeRole returned AccessDenied: not you") as error:
            await S3(aws).deliver(a_delivery_request(f"s3://{bucket}/a.pdf", options=given))
        assert "sts:AssumeRole" in error.value.fix
        for found in (
            await S3(aws).probe(Target(url=f"s3://{bucket}/", options=given)),
            await Sqs(aws).probe(Target(url=f"sqs://{address}", options=given)),
        ):
            (fault,) = found
            assert "AssumeRole returned AccessDenied" in fault
        aws.close()


# --- an endpoint


async def test_the_same_bucket_and_key_at_two_endpoints_are_two_objects(
    watched: Watched, bucket: str, local_aws: LocalAws, store: OddS3
) -> None:
    s3, url = S3(watched.aws, environ={"STORE": at(store)}), f"s3://{bucket}/a.pdf"
    here = await s3.deliver(a_delivery_request(url, DATA))
    there = await s3.deliver(a_delivery_request(url, b"another", options={"endpoint": "env:STORE"}))
    assert (here.location, there.location) == (url, f"{at(store)}/{bucket}/a.pdf")
    assert there.manifest == f"{there.location}.mailroom.json"
    assert local_aws.object(here.location) == DATA
    assert store.objects["a.pdf"] == b"another"
    assert "a.pdf.mailroom.json" in store.objects


async def test_a_store_at_an_endpoint_is_put_to_the_test(watched: Watched, bucket: str, store: OddS3) -> None:
    target = Target(url=f"s3://{bucket}/in/", options={"endpoint": at(store)})
    assert await S3(watched.aws).probe(target) == []
    store.careless = True
    (fault,) = await S3(watched.aws).probe(target)
    assert "ignores conditions" in fault


async def test_what_lies_in_aws_is_carried_to_another_endpoint_and_by_a_role(
    watched: Watched, bucket: str, local_aws: LocalAws, store: OddS3
) -> None:
    local_aws.client("s3").put_object(Bucket=bucket, Key="inbox", Body=DATA)
    document = a_document(content=f"s3://{bucket}/inbox", size=len(DATA), sha256=a_content(DATA).sha256, deliveries=())
    content = await S3Source(watched.aws).content(document)
    assert content.s3 is not None
    s3 = S3(watched.aws)
    await s3.deliver(a_delivery_request(f"s3://{bucket}/a.pdf", content=content, options={"endpoint": at(store)}))
    assert store.objects["a.pdf"] == DATA
    by_role = await s3.deliver(a_delivery_request(f"s3://{bucket}/b.pdf", content=content, options={"role": ROLE}))
    assert local_aws.object(by_role.location) == DATA


def delivered(receipt: Receipt, **options: str) -> Document:
    """A document that the spool has forgotten, and whose copy is to be read where this receipt says."""
    to = Target(url="s3://mail/a.pdf", options=options)
    copy = Delivery(id="dlv_1", to=to, route="invoice", state=DeliveryState.DELIVERED, receipt=receipt)
    sha256 = a_content(DATA).sha256
    return a_document(content=receipt.location, size=len(DATA), sha256=sha256, deliveries=(copy,))


async def test_a_copy_is_read_back_where_and_as_it_was_delivered(watched: Watched, bucket: str, store: OddS3) -> None:
    s3, source = S3(watched.aws), S3Source(watched.aws, environ={"ROLE": ROLE})
    there = await s3.deliver(a_delivery_request(f"s3://{bucket}/a.pdf", DATA, options={"endpoint": at(store)}))
    content = await source.content(delivered(there, endpoint=at(store)))
    assert await whole(content) == DATA
    assert content.s3 is None
    assert content.download is not None
    assert (await content.download("a.pdf")).startswith(f"{at(store)}/{bucket}/a.pdf?")
    here = await s3.deliver(a_delivery_request(f"s3://{bucket}/b.pdf", DATA, options={"role": ROLE}))
    keys = watched.keys_of(watched.aws.through(DestinationAccess(role=ROLE)), "s3")
    assert await whole(await source.content(delivered(here, role="env:ROLE"))) == DATA
    assert {key[:4] for key in keys} == {"ASIA"}


async def test_a_store_is_asked_with_its_own_keys_where_it_has_some(
    watched: Watched, bucket: str, store: OddS3
) -> None:
    given = {"endpoint": at(store), "access_key": "env:KEY", "secret_key": "env:SECRET"}
    access = DestinationAccess(endpoint=at(store), key_id="the-stores-key", secret="hush")
    keys = watched.keys_of(watched.aws.through(access), "s3")
    s3 = S3(watched.aws, environ={"KEY": "the-stores-key", "SECRET": "hush"})
    await s3.deliver(a_delivery_request(f"s3://{bucket}/a.pdf", DATA, options=given))
    assert set(keys) == {"the-stores-key"}
    assert store.objects["a.pdf"] == DATA
    assert "hush" not in repr(access)


async def test_a_queue_at_an_endpoint_is_asked_for_there(local_aws: LocalAws, closed_port: int) -> None:
    name = f"reach-{next(_names)}"
    aws = Aws(credentials=local_aws.credentials, endpoint_url=f"http://127.0.0.1:{closed_port}", attempts=1)
    target, sqs = Target(url=f"sqs://{name}", options={"endpoint": local_aws.endpoint}), Sqs(aws)
    (fault,) = await sqs.probe(target)
    assert "does not exist" in fault
    local_aws.make([Target(url=target.url)])
    assert await sqs.probe(target) == []
    receipt = await sqs.deliver(a_delivery_request(target.url, options=target.options))
    assert local_aws.message(receipt.location)
    assert queue_name(receipt.location) == name
    aws.close()
