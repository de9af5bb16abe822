"""Our signature is botocore's."""

from datetime import UTC, datetime
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from receiver.aws.sign import Credentials, Scope, signed

HOST = "dynamodb.eu-central-1.amazonaws.com"


def botocores(headers: dict[str, str], body: bytes, credentials: Credentials, scope: Scope, now: float) -> str:
    request = AWSRequest(
        "POST", f"https://{HOST}/", headers={k: v for k, v in headers.items() if k != "host"}, data=body
    )
    theirs = BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token or None)
    with mock.patch("botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(now, UTC)):
        SigV4Auth(theirs, scope.service, scope.region).add_auth(request)
    return str(request.headers["Authorization"])


KEYS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789+/", min_size=1, max_size=40)


@given(
    body=st.binary(max_size=200),
    credentials=st.builds(Credentials, KEYS, KEYS, st.just("") | KEYS),
    scope=st.builds(
        Scope, st.sampled_from(["eu-central-1", "us-gov-west-1"]), st.sampled_from(["dynamodb", "sqs", "ssm"])
    ),
    now=st.integers(0, 4_000_000_000).map(float),
)
def test_our_signature_is_botocores(body: bytes, credentials: Credentials, scope: Scope, now: float) -> None:
    headers = {"host": HOST, "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
    ours = signed(headers, body, credentials=credentials, scope=scope, now=now)
    assert ours["authorization"] == botocores(headers, body, credentials, scope, now)


def test_credentials_do_not_show_their_secret() -> None:
    shown = repr(Credentials("AKIA", "the-secret", "the-token"))
    assert "AKIA" in shown
    assert "the-" not in shown


@pytest.mark.parametrize("token", ["", "session"])
def test_a_roles_token_is_sent_and_signed(token: str) -> None:
    headers = signed({"host": HOST}, b"{}", credentials=Credentials("A", "S", token), scope=Scope("r", "sqs"), now=0.0)
    assert headers.get("x-amz-security-token", "") == token
    assert ("x-amz-security-token" in headers["authorization"]) == bool(token)
