"""botocore's errors, as the ones that say what to do next."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)

from handlers.demo.local_aws import LocalAws
from handlers.destinations.s3 import S3
from handlers.destinations.s3_object import S3Objects
from handlers.sources.s3 import Place, S3Source
from receiver.aws.boto import Aws
from receiver.aws.errors import making, translated
from receiver.aws.service import botocore_client
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Unanswered, Unroutable
from receiver.core.plan import Target
from tests.delivery_requests import a_delivery_request


def _answer(code: str, operation: str, status: int = 400, **headers: str) -> ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}, operation)  # type: ignore[arg-type,unused-ignore]


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (_answer("SlowDown", "PutObject", 503), DestinationBusy),
        (_answer("ConditionalRequestConflict", "PutObject", 409), DestinationBusy),
        (_answer("OperationAborted", "CompleteMultipartUpload", 409), DestinationBusy),
        (_answer("ThrottlingException", "SendMessage"), DestinationBusy),
        (_answer("WhatEver", "SendMessage", 500), DestinationBusy),
        (_answer("AccessDenied", "PutObject", 403), AccessDenied),
        (_answer("403", "HeadObject", 403), AccessDenied),
        (_answer("InvalidClientTokenId", "Publish", 403), AccessDenied),
        (_answer("ExpiredToken", "PutObject"), AccessDenied),
        (_answer("NoSuchBucket", "PutObject", 404), Unroutable),
        (_answer("404", "HeadBucket", 404), Unroutable),
        (_answer("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl"), Unroutable),
        (_answer("InvalidStorageClass", "PutObject"), Unroutable),
        (_answer("KMS.NotFoundException", "PutObject"), Unroutable),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), DestinationBusy),
        (ConnectTimeoutError(endpoint_url="http://127.0.0.1:1"), DestinationBusy),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), Unanswered),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), Unanswered),
        (FlexibleChecksumError(error_msg="other"), Unanswered),
        (NoCredentialsError(), AccessDenied),
        (NoRegionError(), Unroutable),
        (ParamValidationError(report="Key is too long"), Unroutable),
    ],
)
def test_each_error_says_whether_to_try_again(error: Exception, becomes: type[MailroomError]) -> None:
    ours = translated(error, "s3://mail/a.pdf")
    assert type(ours) is becomes
    assert "s3://mail/a.pdf" in str(ours)


@pytest.mark.parametrize(
    ("operation", "what", "permission"),
    [
        ("PutObject", "s3://mail/a.pdf", "s3:PutObject and s3:PutObjectTagging"),
        ("HeadObject", "s3://mail/a.pdf", "s3:GetObject"),
        ("SendMessage", "sqs://invoices", "sqs:SendMessage"),
        ("Publish", "sns:arn:aws:sns:us-east-1:1:alarm", "sns:Publish"),
    ],
)
def test_a_refusal_names_the_permission_that_is_missing(operation: str, what: str, permission: str) -> None:
    fix = translated(_answer("AccessDenied", operation, 403), what).fix
    assert f"{permission} on {what}" in fix


def test_a_time_that_aws_names_is_kept() -> None:
    busy = translated(_answer("SlowDown", "PutObject", 503, **{"retry-after": "12"}), "s3://mail/a")
    assert isinstance(busy, DestinationBusy)
    assert busy.retry_after == 12


@pytest.mark.parametrize(
    ("what", "command"),
    [
        ("s3://mail/in/a.pdf", "aws s3 mb s3://mail"),
        ("sqs://invoices", "aws sqs create-queue --queue-name invoices"),
        ("sqs://legal.fifo", "aws sqs create-queue --queue-name legal.fifo --attributes FifoQueue=true"),
        ("sns:arn:aws:sns:us-east-1:1:alarm", "aws sns create-topic --name alarm"),
        ("sns:arn:aws:sns:us-east-1:1:a.fifo", "aws sns create-topic --name a.fifo --attributes FifoTopic=true"),
    ],
)
def test_what_is_missing_comes_with_the_command_that_makes_it(what: str, command: str) -> None:
    assert making(what) == command


def test_a_client_is_made_once_per_service() -> None:
    aws = Aws(credentials={"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"})
    assert aws.client("sqs") is aws.client("sqs")
    aws.close()


def test_a_missing_region_is_named_with_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(Unroutable, match="region") as error:
        Aws().client("sqs")
    assert "AWS_DEFAULT_REGION" in error.value.fix


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_that_either_variable_names_is_that_of_every_client(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv(variable, "eu-south-2")
    aws = Aws()
    assert aws.client("s3").meta.region_name == botocore_client("sqs").meta.region_name == "eu-south-2"
    aws.close()


ANSWER = b"HTTP/1.1 200 OK\r\nx-amz-checksum-sha256: n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\r\ncontent-length"


@contextmanager
def _answering(*answers: bytes) -> Iterator[str]:
    """The address of a server that gives these answers, the last one for ever, and hangs up after each."""
    left = list(answers)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(left.pop(0) if len(left) > 1 else left[0])

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _aws(url: str, *, attempts: int = 1) -> Aws:
    credentials = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    return Aws(credentials=credentials, endpoint_url=url, attempts=attempts)


@pytest.mark.anyio
@pytest.mark.parametrize("there", [len(ANSWER), 70, 30, 17])
async def test_an_answer_that_breaks_off_inside_its_headers_is_no_answer(there: int) -> None:
    with _answering(ANSWER[:there]) as url, closing(_aws(url)) as aws, pytest.raises(DestinationBusy, match="s3://a/b"):
        await aws.call("s3", "head_object", what="s3://a/b", Bucket="a", Key="b")


BUSY = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<Unclosed"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answers", "becomes"),
    [
        ([BUSY, BUSY], DestinationBusy),
        ([b"", BUSY], Unanswered),
        ([BUSY, b""], Unanswered),
        ([b"HTTP/1.1 200 OK"], Unanswered),
        ([TAKEN], Unanswered),
    ],
)
async def test_what_was_sent_may_have_been_done_whatever_the_attempts_after_it_were_answered(
    answers: list[bytes], becomes: type[MailroomError]
) -> None:
    topic = "arn:aws:sns:us-east-1:1:alarm"
    with _answering(*answers) as url, closing(_aws(url, attempts=len(answers))) as aws:
        with pytest.raises(MailroomError) as raised:
            await aws.call("sns", "publish", what=f"sns:{topic}", TopicArn=topic, Message="m")
        assert type(raised.value) is becomes


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["hidden\nkey", "hidden\r"])
async def test_a_key_that_no_header_takes_is_no_matter_of_time_and_is_not_shown(key: str) -> None:
    keys = {"aws_access_key_id": key, "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with (
        _answering(BUSY) as url,
        closing(Aws(credentials=keys, endpoint_url=url, attempts=1)) as aws,
        pytest.raises(AccessDenied) as error,
    ):
        await aws.call("s3", "head_bucket", what="s3://mail", Bucket="mail")
    assert "hidden" not in f"{error.value} {error.value.fix}"
    assert "no request can be sent with these credentials" in str(error.value)


@pytest.mark.anyio
async def test_an_answer_that_is_no_answer_of_aws_means_later() -> None:
    broken = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<Unclosed"
    with _answering(broken) as url, closing(_aws(url)) as aws, pytest.raises(DestinationBusy, match="s3://mail"):
        await aws.call("s3", "list_objects_v2", what="s3://mail", Bucket="mail")


@pytest.mark.anyio
@pytest.mark.parametrize("there", [b"", b"half of"])
async def test_half_an_object_is_not_taken_for_a_whole_one(there: bytes) -> None:
    """Otherwise a cut connection would make another story of the one that lies there: a conflict, for good."""
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + there
    with _answering(cut) as url, closing(_aws(url)) as aws, pytest.raises(DestinationBusy, match="s3://a/b"):
        await S3Objects(aws, part_bytes=1000, multipart_copy_above=1000).read("a", "b")


@pytest.mark.anyio
@pytest.mark.parametrize("there", [b"", b"half of"])
async def test_a_document_that_breaks_off_while_it_is_read_means_later(there: bytes) -> None:
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + there
    with _answering(cut) as url, closing(_aws(url)) as aws:
        source = S3Source(aws)
        with pytest.raises(DestinationBusy, match="s3://a/b"):
            [chunk async for chunk in source.stream(Place("a", "b"), size=1)]
        with pytest.raises(DestinationBusy, match="s3://a/b"):
            await source.look(Place("a", "b"), limit=1000)


@pytest.mark.anyio
@pytest.mark.aws
async def test_half_a_checksum_is_not_taken_for_another_content(local_aws: LocalAws) -> None:
    """Otherwise a connection that is cut inside an answer would park a delivery as a conflict, for good."""
    local_aws.make([Target(url="s3://half-a-checksum/")])
    aws = _Halving(credentials=local_aws.credentials, endpoint_url=local_aws.endpoint)
    with closing(aws):
        receipt = await S3(aws).deliver(a_delivery_request("s3://half-a-checksum/a.pdf"))
    assert receipt.fresh


class _Halving(Aws):
    """Cuts each checksum in half, as a cut connection does."""

    async def attempt(self, service: str, operation: str, **arguments: Any) -> dict[str, Any] | None:
        answer = await super().attempt(service, operation, **arguments)
        if answer and "ChecksumSHA256" in answer:
            answer["ChecksumSHA256"] = answer["ChecksumSHA256"][:16]
        return answer
