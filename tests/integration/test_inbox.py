"""The S3 inbox, polled: an object becomes a document, and is left, copied or moved; what fails comes again."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from handlers.app import open_inbox
from handlers.demo.local_aws import LocalAws
from handlers.destinations.s3 import S3
from handlers.sources.inbox import InboxFeed
from handlers.sources.s3 import S3Source
from receiver.bootstrap import App
from receiver.core.change import Query, Replace
from receiver.core.delivery_request import Content, DeliveryRequest
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Misconfigured
from receiver.core.plan import Plan, Target, Way
from receiver.operations.expired_content import delete_content
from tests.builders import NOW, a_document
from tests.mail_fixtures import a_mail
from tests.receivers import an_app, settings_with

pytestmark = [pytest.mark.aws, pytest.mark.anyio]

PDF = b"%PDF-1.7 a letter"
_numbers = count(1)


class Bucket:
    """An inbox with its queue."""

    def __init__(self, aws: LocalAws, folder: Path, *, prefix: str = "", **settings: Any) -> None:
        self.aws = aws
        self.name = f"inbox-{next(_numbers)}"
        aws.make([Target(url=f"s3://{self.name}/"), Target(url=f"sqs://{self.name}")])
        aws.client("s3").put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.feed = InboxFeed(f"sqs://{self.name}", aws.aws)
        place = f"{self.name}/{prefix}" if prefix else self.name
        app = an_app(folder, inbox=f"sqs://{self.name}", inbox_buckets=f"another-inbox, {place}", **settings)
        self.app: App = replace(app, context=replace(app.context, sources={"s3": S3Source(aws.aws)}))

    def put(self, key: str, content: bytes = PDF) -> dict[str, Any]:
        """The record that S3 tells of it."""
        return self.told(key, self.aws.client("s3").put_object(Bucket=self.name, Key=key, Body=content)["VersionId"])

    def told(self, key: str, version: str = "") -> dict[str, Any]:
        """The record that S3 tells of what lies there."""
        return {
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AWS:scanner"},
            "s3": {
                "bucket": {"name": self.name},
                "object": {"key": quote_plus(key)} | ({"versionId": version} if version else {}),
            },
        }

    def tell(self, *records: dict[str, Any]) -> None:
        self.send(json.dumps({"Records": records}))

    def send(self, body: str) -> None:
        url = self.aws.client("sqs").get_queue_url(QueueName=self.name)["QueueUrl"]
        self.aws.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    async def take(self) -> int:
        return await self.feed.poll(self.app, wait_seconds=1)

    async def documents(self) -> list[Document]:
        found: list[Document] = (await self.app.context.store.find(Document, Query(limit=100))).records
        return found

    def tagged(self) -> list[tuple[str, bool]]:
        """The key of each version in the bucket, and whether it says that nobody needs it."""
        s3, found = self.aws.client("s3"), []
        for item in s3.list_object_versions(Bucket=self.name).get("Versions", []):
            tags = s3.get_object_tagging(Bucket=self.name, Key=item["Key"], VersionId=item["VersionId"])["TagSet"]
            found.append((item["Key"], {"Key": "mailroom", "Value": "done"} in tags))
        return sorted(found)

    async def read(self, document: Document) -> bytes:
        content = await self.app.context.content(document)
        return b"".join([chunk async for chunk in content.stream()])


@pytest.fixture
async def inbox(local_aws: LocalAws, tmp_path: Path) -> AsyncIterator[Bucket]:
    yield Bucket(local_aws, tmp_path)


async def test_an_object_is_a_document_that_stays_where_it_lies(inbox: Bucket) -> None:
    inbox.tell(inbox.put("mail/May invoice + 100%.pdf"))
    assert await inbox.take() == 1
    (document,) = await inbox.documents()
    assert (document.name, document.origin.kind) == ("May invoice + 100%.pdf", "s3")
    assert document.origin.sender == "AWS:scanner"
    assert document.content.startswith(f"s3://{inbox.name}/mail/")
    assert inbox.aws.messages(inbox.name) == []


async def test_it_is_the_version_that_was_put(inbox: Bucket) -> None:
    record = inbox.put("letter.pdf")
    inbox.put("letter.pdf", b"%PDF-1.7 overwritten meanwhile")
    inbox.tell(record)
    await inbox.take()
    (document,) = await inbox.documents()
    assert await inbox.read(document) == PDF


async def test_the_same_notice_twice_is_one_document(inbox: Bucket) -> None:
    record = inbox.put("letter.pdf")
    inbox.tell(record)
    inbox.tell(record)
    assert await inbox.take() + await inbox.take() >= 2
    assert len(await inbox.documents()) == 1


async def test_what_lies_under_packets_is_a_packet(inbox: Bucket) -> None:
    inbox.tell(inbox.put("packets/morning.pdf"))
    await inbox.take()
    assert [item.packet for item in await inbox.documents()] == [True]


async def test_an_email_from_ses_becomes_its_attachments(inbox: Bucket) -> None:
    mail = a_mail(("invoice.pdf", PDF, "application/pdf"), ("terms.txt", b"our terms", "text/plain"))
    inbox.tell(inbox.put("ses/0a1b2c", mail.as_bytes()))
    assert await inbox.take() == 1
    documents = {item.name: item for item in await inbox.documents()}
    assert set(documents) == {"0a1b2c", "Our invoice.txt", "invoice.pdf", "terms.txt"}
    assert {item.origin.sender for item in documents.values()} == {"anna@example.com"}
    assert len({item.batch_id for item in documents.values()}) == 1
    assert await inbox.read(documents["0a1b2c"]) == mail.as_bytes()
    assert [await inbox.read(documents[name]) for name in ("invoice.pdf", "terms.txt")] == [PDF, b"our terms"]


async def test_what_is_refused_stays_in_the_queue_for_its_dead_letters(inbox: Bucket) -> None:
    inbox.tell(inbox.put("photos.zip", b"PK\x03\x04" + bytes(100)))
    assert await inbox.take() == 0
    assert len(inbox.aws.messages(inbox.name)) == 1
    assert await inbox.documents() == []


async def test_a_notice_that_is_none_of_s3s_comes_again(inbox: Bucket) -> None:
    inbox.tell({"eventName": "who knows"})
    inbox.tell(inbox.put("letter.pdf"))
    assert await inbox.take() + await inbox.take() >= 1
    assert len(await inbox.documents()) == 1


@pytest.mark.parametrize(("afterwards", "left"), [("copied", ["letter.pdf"]), ("moved", [])])
async def test_an_object_is_copied_or_moved_when_asked(
    afterwards: str, left: list[str], local_aws: LocalAws, tmp_path: Path
) -> None:
    inbox = Bucket(local_aws, tmp_path, inbox_source=afterwards)
    record = inbox.put("letter.pdf")
    inbox.tell(record)
    assert await inbox.take() == 1
    (document,) = await inbox.documents()
    assert document.content.startswith("spool:")
    assert await inbox.read(document) == PDF
    assert inbox.aws.objects(inbox.name) == left


async def test_a_second_notice_of_what_was_moved_is_done_with(local_aws: LocalAws, tmp_path: Path) -> None:
    inbox = Bucket(local_aws, tmp_path, inbox_source="moved")
    record = inbox.put("letter.pdf")
    inbox.tell(record)
    await inbox.take()
    inbox.tell(record)
    assert await inbox.take() == 1
    assert len(await inbox.documents()) == 1


async def test_what_no_document_is_read_from_is_tagged_as_done(inbox: Bucket) -> None:
    mail = a_mail(("invoice.pdf", PDF, "application/pdf"))
    inbox.tell(inbox.put("letter.pdf"), inbox.put("ses/0a1b2c", mail.as_bytes()), inbox.put("letter.pdf"))
    await inbox.take()
    assert inbox.tagged() == [("letter.pdf", False), ("letter.pdf", True), ("ses/0a1b2c", False)]
    left = {item.name: await inbox.read(item) for item in await inbox.documents() if item.content.startswith("s3://")}
    assert left == {"letter.pdf": PDF, "0a1b2c": mail.as_bytes()}


@pytest.mark.parametrize("afterwards", ["left", "copied"])
async def test_an_object_is_tagged_when_nobody_needs_it_any_more_and_not_by_its_age(
    afterwards: str, local_aws: LocalAws, tmp_path: Path
) -> None:
    inbox = Bucket(local_aws, tmp_path, inbox_source=afterwards)
    inbox.tell(inbox.put("routed.pdf", PDF + b" routed"), inbox.put("waiting.pdf", PDF + b" waiting"))
    await inbox.take()
    copied = afterwards == "copied"
    assert inbox.tagged() == [("routed.pdf", copied), ("waiting.pdf", copied)]
    for item in await inbox.documents():
        state = DocumentState.ROUTED if item.name == "routed.pdf" else DocumentState.REVIEW
        await inbox.app.context.store.apply(Replace(replace(item, state=state)))
    context = replace(inbox.app.context, clock=lambda: NOW + 1000 * 86400)
    assert await delete_content(context) == (1, [])
    assert inbox.tagged() == [("routed.pdf", True), ("waiting.pdf", copied)]


async def test_an_object_whose_notice_comes_again_is_needed_again(inbox: Bucket) -> None:
    record = inbox.put("letter.pdf")
    inbox.tell(record)
    await inbox.take()
    (document,) = await inbox.documents()
    await inbox.app.context.store.apply(Replace(replace(document, state=DocumentState.ROUTED)))
    assert await delete_content(replace(inbox.app.context, clock=lambda: NOW + 1000 * 86400)) == (1, [])
    assert inbox.tagged() == [("letter.pdf", True)]
    inbox.tell(record)
    await inbox.take()
    assert inbox.tagged() == [("letter.pdf", False)]
    (again,) = await inbox.documents()
    assert await inbox.read(again) == PDF


@pytest.mark.parametrize("with_one_of_ours", [False, True])
async def test_a_message_that_names_another_bucket_takes_nothing_and_deletes_nothing(
    with_one_of_ours: bool, local_aws: LocalAws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inbox, theirs = Bucket(local_aws, tmp_path, inbox_source="moved"), Bucket(local_aws, tmp_path / "theirs")
    inbox.tell(*([inbox.put("ours.pdf")] if with_one_of_ours else []), theirs.put("payroll.pdf"))
    assert await inbox.take() == 0
    assert await inbox.documents() == []
    assert inbox.aws.objects(theirs.name) == ["payroll.pdf"]
    assert inbox.aws.objects(inbox.name) == ["ours.pdf"] * with_one_of_ours
    assert len(inbox.aws.messages(inbox.name)) == 1  # until the queue's redrive policy has it among the dead letters
    assert f"the message is about bucket {theirs.name}" in str([record.__dict__ for record in caplog.records])


HOSTILE = [
    "[" * 100_000,
    '{"Records":' * 20_000,
    "null",
    "1" * 5000,
    '{"Records": [null]}',
    '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": 7}, "object": {"key": ["a"]}}}]}',
    '{"detail-type": "Object Created", "detail": {"bucket": {"name": "BUCKET"}, "object": {"key": 7}}}',
    '{"detail-type": "Object Created", "detail": {"bucket": {"name": "BUCKET"}, "object": {"key": "a\\u0000"}}}',
    '{"detail-type": "Object Created", "detail": {"bucket": {"name": "BUCKET"}, "object": {"key": "KEY"}}}',
    '{"detail-type": "Object Created", "detail": {"bucket": {"name": "BUCKET"}, '
    '"object": {"key": "a", "version-id": "\\r\\nx"}}}',
]


async def test_no_message_ends_the_taking_in_of_the_others(inbox: Bucket) -> None:
    for body in HOSTILE:
        inbox.send(body.replace("BUCKET", inbox.name).replace("KEY", "k" * 2000))
    inbox.tell(inbox.put("letter.pdf"))
    for _ in range(4):
        await inbox.take()
    assert [document.name for document in await inbox.documents()] == ["letter.pdf"]
    assert len(inbox.aws.messages(inbox.name)) == len(HOSTILE)


async def test_a_fault_of_ours_over_one_message_ends_nothing_either(
    inbox: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("handlers.sources.inbox.take_object", broken)
    inbox.tell(inbox.put("letter.pdf"))
    assert await inbox.take() == 0
    assert len(inbox.aws.messages(inbox.name)) == 1


def test_an_inbox_without_a_bucket_does_not_start(local_aws: LocalAws) -> None:
    with pytest.raises(Misconfigured, match="MAILROOM_INBOX_BUCKETS is empty"):
        open_inbox(settings_with(inbox="sqs://inbox", inbox_buckets=" , "), local_aws.aws)


async def test_what_mailroom_itself_delivered_is_never_taken_in(inbox: Bucket) -> None:
    document = a_document(sha256=hashlib.sha256(PDF).hexdigest(), size=len(PDF))
    plan = Plan(way=Way.MATCHED, route="invoice", reason="it fits")
    url = f"s3://{inbox.name}/sorted/letter.pdf"
    content = Content(size=len(PDF), sha256=document.sha256, media_type="application/pdf", stream=lambda: chunks(PDF))
    request = DeliveryRequest(
        delivery_id="dlv_1", document=document, plan=plan, url=url, content=content, manifest={"mailroom": 1}
    )
    await S3(inbox.aws.aws).deliver(request)
    inbox.tell(inbox.told("sorted/letter.pdf"), inbox.told("sorted/letter.pdf.mailroom.json"))
    assert await inbox.take() == 1
    assert await inbox.documents() == []


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_only_the_prefix_that_is_named_is_taken_from(local_aws: LocalAws, tmp_path: Path) -> None:
    inbox = Bucket(local_aws, tmp_path, prefix="inbox/")
    inbox.tell(inbox.put("sorted/letter.pdf"))
    assert await inbox.take() == 0
    inbox.tell(inbox.put("inbox/letter.pdf"))
    await inbox.take()
    assert [item.name for item in await inbox.documents()] == ["letter.pdf"]
