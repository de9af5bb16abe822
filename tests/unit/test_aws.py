"""botocore's errors, as the ones that say what to do next."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)

from handlers.aws import Aws, making, translated
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Unroutable


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
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), DestinationBusy),
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
