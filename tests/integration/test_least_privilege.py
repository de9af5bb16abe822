"""The permissions that docs/destinations.md lists are enough, and without them the message says what is missing."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from handlers.alerts.registry import open_channel
from handlers.demo.local_aws import REGION, LocalAws, local_aws
from handlers.destinations.registry import destinations
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import Sqs
from handlers.sources.s3 import DONE, Place, S3Source
from handlers.sources.s3_spool import S3Spool
from receiver.aws.boto import Aws
from receiver.core.errors import AccessDenied, FileGone
from receiver.core.plan import Target
from tests.builders import a_document
from tests.contracts.alert_channel import a_notice
from tests.delivery_requests import a_content, a_delivery_request

pytestmark = [pytest.mark.anyio, pytest.mark.aws]

S3_ACTIONS = ("s3:PutObject", "s3:PutObjectTagging", "s3:GetObject", "s3:AbortMultipartUpload")
SQS_ACTIONS = ("sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes")
INBOX_ACTIONS = ("s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion")
"""IntakeRole's, the last of them with inboxSource=moved."""
TAG_ACTIONS = (
    "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
)  # fmt: skip
"""IntakeRole's and SweepRole's."""
FORGET_ACTIONS: dict[str, str | tuple[str, ...]] = {
    "spool": "s3:DeleteObject",
    "spool_bucket": "s3:ListBucket",
    "sign": ("s3:GetObject", "s3:PutObject"),
}
"""SweepRole's, on the documents, the bucket and the sign of whose spool it is."""
DATA = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def strict() -> Iterator[LocalAws]:
    """A local AWS that checks policies."""
    with local_aws(enforce_iam=True) as aws:
        aws.make([Target(url="s3://mail/in/"), Target(url="sqs://invoices")], ["sns:arn:aws:sns:x:1:alarm"])
        aws.client("s3").put_object(Bucket="mail", Key="in/source.pdf", Body=DATA)
        trusting = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [trusting]})
        aws.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=trust)
        yield aws


def _user(aws: LocalAws, name: str, **actions: str | tuple[str, ...]) -> dict[str, str]:
    """A user's credentials who may do this on s3://mail/in/*, sqs://invoices and the topic alarm, and nothing else."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    resources = {
        "s3": "arn:aws:s3:::mail/in/*",
        "inbox": "arn:aws:s3:::inbox/*",
        "spool": "arn:aws:s3:::spool/documents/*",
        "spool_bucket": "arn:aws:s3:::spool",
        "sign": "arn:aws:s3:::spool/documents/.installation",
        "sqs": f"arn:aws:sqs:{REGION}:000000000000:invoices",
        "sns": f"arn:aws:sns:{REGION}:000000000000:alarm",
        "events": f"arn:aws:events:{REGION}:000000000000:event-bus/letters",
        "states": f"arn:aws:states:{REGION}:000000000000:stateMachine:letters",
    }
    allowed = [{"Effect": "Allow", "Action": what, "Resource": resources[service]} for service, what in actions.items()]
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_user_policy(UserName=name, PolicyName="mailroom", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
        "region_name": REGION,
    }


async def test_what_the_docs_list_is_enough(strict: LocalAws) -> None:
    mailroom = _user(strict, "mailroom", s3=S3_ACTIONS, sqs=SQS_ACTIONS, sns="sns:Publish")
    aws = Aws(credentials=mailroom, endpoint_url=strict.endpoint)
    s3 = S3(aws, part_bytes=64 * 1024)
    for place, content in (
        ("small.pdf", a_content(b"small")),
        ("large.pdf", a_content(DATA)),
        ("copy.pdf", a_content(DATA, s3=("mail", "in/source.pdf", ""))),
    ):
        request = a_delivery_request(f"s3://mail/in/{place}", content=content)
        assert (await s3.deliver(request)).fresh
        assert not (await s3.deliver(request)).fresh
    await Sqs(aws).deliver(a_delivery_request("sqs://invoices"))
    await open_channel(f"sns:arn:aws:sns:{REGION}:000000000000:alarm", aws=aws).notify(a_notice())
    assert await s3.probe(Target(url="s3://mail/in/{type}/")) == []
    assert "in/.mailroom-probe" in strict.objects("mail"), "of a store that is not AWS: who may not delete leaves it"
    assert await Sqs(aws).probe(Target(url="sqs://invoices")) == []
    aws.close()


async def test_archiving_records_needs_to_write_and_nothing_else(strict: LocalAws) -> None:
    target = Target(url="s3://mail/in/records/")
    writer = Aws(credentials=_user(strict, "archive", s3="s3:PutObject"), endpoint_url=strict.endpoint)
    for _ in range(2):
        assert await S3(writer).keep(target, "4f/doc_4f.v1.json.gz", b"records") == f"{target.url}4f/doc_4f.v1.json.gz"
    nobody = Aws(credentials=_user(strict, "no-archive", s3="s3:GetObject"), endpoint_url=strict.endpoint)
    with pytest.raises(AccessDenied, match="records/5f"):
        await S3(nobody).keep(target, "5f/doc_5f.v1.json.gz", b"records")
    assert [key for key in strict.objects("mail") if "records" in key] == ["in/records/4f/doc_4f.v1.json.gz"]
    writer.close()
    nobody.close()


NAMED: dict[str, tuple[str, str | tuple[str, ...]]] = {
    "sns": ("sns://alarm", "sns:Publish"),
    "events": ("events://letters", ("events:PutEvents", "events:DescribeEventBus")),
    "states": ("states://letters", "states:StartExecution"),
}


@pytest.mark.parametrize("service", NAMED)
async def test_what_the_docs_list_is_enough_for_topics_buses_and_machines(strict: LocalAws, service: str) -> None:
    url, actions = NAMED[service]
    strict.make([Target(url=url)])
    allowed, denied = (
        _user(strict, f"{service}-allowed", **{service: actions}),
        _user(strict, f"{service}-denied", s3="s3:GetObject"),
    )
    aws, nobody = (Aws(credentials=keys, endpoint_url=strict.endpoint) for keys in (allowed, denied))
    assert (await destinations(aws, environ={})[service].deliver(a_delivery_request(url))).location
    assert await destinations(aws, environ={})[service].probe(Target(url=url)) == [], "looking is not needed"
    with pytest.raises(AccessDenied) as error:
        await destinations(nobody, environ={})[service].deliver(a_delivery_request(url))
    assert (actions if isinstance(actions, str) else actions[0]) in error.value.fix
    aws.close()
    nobody.close()


async def test_without_them_the_message_says_what_is_missing(strict: LocalAws) -> None:
    aws = Aws(credentials=_user(strict, "nobody", s3="s3:GetObject"), endpoint_url=strict.endpoint)
    with pytest.raises(AccessDenied, match="PutObject") as s3_error:
        await S3(aws).deliver(a_delivery_request("s3://mail/in/denied.pdf"))
    assert "s3:PutObject" in s3_error.value.fix
    (said,) = await S3(aws).probe(Target(url="s3://mail/in/{type}/"))
    assert "s3:PutObject and s3:PutObjectTagging on s3://mail/in/" in said
    with pytest.raises(AccessDenied) as sqs_error:
        await Sqs(aws).deliver(a_delivery_request("sqs://invoices"))
    assert "sqs:GetQueueUrl" in sqs_error.value.fix
    (said,) = await Sqs(aws).probe(Target(url="sqs://invoices"))
    assert "sqs:GetQueueUrl" in said
    with pytest.raises(AccessDenied) as sns_error:
        await open_channel(f"sns:arn:aws:sns:{REGION}:000000000000:alarm", aws=aws).notify(a_notice())
    assert "sns:Publish" in sns_error.value.fix
    aws.close()


async def test_a_wrong_key_is_refused(strict: LocalAws) -> None:
    right = _user(strict, "somebody", s3=S3_ACTIONS)
    aws = Aws(credentials={**right, "aws_secret_access_key": "wr0ng"}, endpoint_url=strict.endpoint)
    with pytest.raises(AccessDenied) as error:
        await S3(aws).deliver(a_delivery_request("s3://mail/in/a.pdf"))
    assert "wr0ng" not in str(error.value)
    aws.close()


async def test_an_inbox_is_emptied_by_versions_and_by_nothing_else(strict: LocalAws) -> None:
    s3 = strict.client("s3")
    s3.create_bucket(Bucket="inbox")
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    there = Place("inbox", "in/a.pdf", s3.put_object(Bucket="inbox", Key="in/a.pdf", Body=DATA)["VersionId"])
    reader = Aws(credentials=_user(strict, "reader", inbox=INBOX_ACTIONS[:-1]), endpoint_url=strict.endpoint)
    with pytest.raises(AccessDenied):
        await S3Source(reader).remove(there)
    mover = Aws(credentials=_user(strict, "mover", inbox=INBOX_ACTIONS), endpoint_url=strict.endpoint)
    await S3Source(mover).remove(there)
    with pytest.raises(AccessDenied):
        await S3Source(mover).remove(there._replace(version=""))
    assert strict.objects("inbox") == []
    reader.close()
    mover.close()


async def test_an_inbox_is_tagged_by_who_may_and_otherwise_left_as_it_is(
    strict: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    s3 = strict.client("s3")
    s3.create_bucket(Bucket="inbox")
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    there = Place("inbox", "in/tag.pdf", s3.put_object(Bucket="inbox", Key="in/tag.pdf", Body=DATA)["VersionId"])
    only_reads = Aws(credentials=_user(strict, "looker", inbox=INBOX_ACTIONS[:2]), endpoint_url=strict.endpoint)
    await S3Source(only_reads).release(str(there))
    assert [record.message for record in caplog.records] == ["object.untagged"]
    assert "s3:GetObjectVersionTagging" in str(caplog.records[0].__dict__)
    assert s3.get_object_tagging(**there.arguments)["TagSet"] == []
    tagger = Aws(credentials=_user(strict, "tagger", inbox=TAG_ACTIONS), endpoint_url=strict.endpoint)
    await S3Source(tagger).release(str(there))
    assert s3.get_object_tagging(**there.arguments)["TagSet"] == [DONE]
    s3.delete_object(**there.arguments)
    only_reads.close()
    tagger.close()


async def test_the_sweep_may_look_through_the_spool_and_forget_but_read_no_document(strict: LocalAws) -> None:
    strict.client("s3").create_bucket(Bucket="spool")
    url = "s3://spool/documents/"
    at = await S3Spool(url, strict.aws).keep(_once(DATA), limit=len(DATA), owner=lambda _: "doc_abc")
    aws = Aws(credentials=_user(strict, "sweeper", **FORGET_ACTIONS), endpoint_url=strict.endpoint)
    spool = S3Spool(url, aws)
    assert [location for location, _ in await spool.listed(after="", limit=10)] == [at.location]
    assert await spool.claim("ours") == await spool.claim("theirs") == "ours"
    with pytest.raises(AccessDenied):
        await spool.keep(_once(DATA), limit=len(DATA), owner=lambda _: "doc_abc")
    with pytest.raises(FileGone):  # a HEAD is answered 403 alike for what may not be read and what is not there
        await spool.content(a_document(content=at.location))
    await spool.release(at.location)
    assert strict.objects("spool") == ["documents/.installation"]
    aws.close()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def test_the_permissions_used_here_are_those_of_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "destinations.md").read_text()
    named = [item for _, actions in NAMED.values() for item in ((actions,) if isinstance(actions, str) else actions)]
    assert [action for action in (*S3_ACTIONS, *SQS_ACTIONS, *named) if f"`{action}`" not in docs] == []
