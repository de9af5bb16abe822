"""Create-only writes with a botocore that is older than their parameter, as a Lambda runtime may have it."""

import copy
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.session import get_session

from handlers.demo.local_aws import LocalAws
from handlers.destinations.s3 import S3
from receiver.aws.boto import Aws
from receiver.aws.s3_conditions import OPERATIONS, PARAMETER, lacking
from receiver.core.errors import DeliveryConflict
from receiver.core.plan import Target
from tests.delivery_requests import a_content, a_delivery_request

pytestmark = [pytest.mark.anyio, pytest.mark.aws]

_names = count(1)


def _older_session() -> Any:
    """A boto3 session whose model of S3 lacks the parameter."""
    import boto3

    session = get_session()
    loader = session.get_component("data_loader")
    newest = loader.load_service_model

    def older(service_name: str, type_name: str, api_version: str | None = None) -> Any:
        model = newest(service_name, type_name, api_version)
        if service_name == "s3" and type_name == "service-2":
            model = copy.deepcopy(model)
            for name in OPERATIONS:
                del model["shapes"][model["operations"][name]["input"]["shape"]]["members"][PARAMETER]
        return model

    loader.load_service_model = older
    return boto3.session.Session(
        botocore_session=session, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )


@pytest.fixture
def older(local_aws: LocalAws) -> Aws:
    aws = Aws(endpoint_url=local_aws.endpoint)
    aws._session = _older_session()
    return aws


def test_the_botocore_of_these_tests_knows_the_parameter() -> None:
    assert lacking(get_session().get_service_model("s3")) == []


def test_an_older_botocore_is_known_by_what_it_lacks(older: Aws) -> None:
    client = older._session.client("s3")
    assert lacking(client.meta.service_model) == list(OPERATIONS)
    with pytest.raises(ParamValidationError, match=PARAMETER):
        client.put_object(Bucket="any", Key="any", IfNoneMatch="*")


def test_its_writes_are_create_only_all_the_same(local_aws: LocalAws, older: Aws) -> None:
    bucket, client = f"older-{next(_names)}", older.client("s3")
    local_aws.make([Target(url=f"s3://{bucket}/")])
    client.put_object(Bucket=bucket, Key="a", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=bucket, Key="a", Body=b"second", IfNoneMatch="*")
    client.put_object(Bucket=bucket, Key="a", Body=b"third")
    assert local_aws.object(f"s3://{bucket}/a") == b"third"


def test_each_operation_carries_the_condition_in_its_signed_headers(local_aws: LocalAws, older: Aws) -> None:
    """ministack ignores the condition of CopyObject: what is sent is looked at instead."""
    bucket, client, sent = f"older-{next(_names)}", older.client("s3"), list[dict[str, str]]()
    local_aws.make([Target(url=f"s3://{bucket}/")])
    client.meta.events.register("before-send.s3", lambda request, **_: sent.append(_text(request.headers)))
    client.put_object(Bucket=bucket, Key="a", Body=b"first", IfNoneMatch="*")
    client.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"}, IfNoneMatch="*")
    upload = client.create_multipart_upload(Bucket=bucket, Key="c")["UploadId"]
    at = {"Bucket": bucket, "Key": "c", "UploadId": upload}
    part = client.upload_part(**at, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(**at, MultipartUpload=parts, IfNoneMatch="*")
    conditions = [headers.get("if-none-match") for headers in sent]
    assert conditions == ["*", "*", None, None, "*"]
    assert all("if-none-match" in item["authorization"] for item in sent if "if-none-match" in item)


def _text(headers: Any) -> dict[str, str]:
    return {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in headers.items()}


@pytest.mark.parametrize("from_s3", [False, True], ids=["uploaded", "copied"])
async def test_a_delivery_with_it_overwrites_nothing(local_aws: LocalAws, older: Aws, from_s3: bool) -> None:
    bucket = f"older-{next(_names)}"
    local_aws.make([Target(url=f"s3://{bucket}/")])
    contents = [a_content(data) for data in (b"first", b"second")]
    if from_s3:
        for at, data in enumerate((b"first", b"second")):
            local_aws.client("s3").put_object(Bucket=bucket, Key=f"source-{at}", Body=data)
        contents = [a_content(data, s3=(bucket, f"source-{at}", "")) for at, data in enumerate((b"first", b"second"))]
    url, s3 = f"s3://{bucket}/mail/a.pdf", S3(older)
    first = await s3.deliver(a_delivery_request(url, content=contents[0], id="doc-1"))
    again = await s3.deliver(a_delivery_request(url, content=contents[0], id="doc-1"))
    assert (first.fresh, again.fresh) == (True, False)
    with pytest.raises(DeliveryConflict):
        await s3.deliver(a_delivery_request(url, content=contents[1], id="doc-1"))
    assert local_aws.object(url) == b"first"
