"""A client for AWS services that speak JSON over POST; called like boto3's: ``client.get_item(TableName=…, Key=…)``.

It takes the same arguments, returns the same responses and raises the same ClientError, so callers need not know which
client they have. Bytes in responses stay base64, as sent. Not supported: paginators, waiters, the endpoint settings of
profiles.
"""

import base64
import http.client
import json
import os
import random
import ssl
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, EndpointConnectionError

from receiver.aws.environment import credentials_of, endpoint_of, region_of
from receiver.aws.service import BUSY
from receiver.aws.sign import Scope, signed
from receiver.core.timers import AWS_ATTEMPT, AWS_ATTEMPTS, AWS_CALL

PROTOCOLS = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "sqs": ("AmazonSQS", "1.0"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
}
"""Service -> its target prefix and the version of its JSON protocol. Source: botocore's models (``targetPrefix``,
``jsonVersion``)."""


class JsonClient:
    """A client of one service. It is thread-safe, and keeps as many connections open as there were concurrent calls."""

    def __init__(
        self,
        service: str,
        *,
        environ: Mapping[str, str] | None = None,
        attempt_seconds: float = AWS_ATTEMPT,
        call_seconds: float = AWS_CALL,
    ) -> None:
        """``attempt_seconds`` limits each wait of an attempt; no attempt starts or waits after ``call_seconds``."""
        env = os.environ if environ is None else environ
        self._scope = Scope(region_of(env), service)
        self._prefix, self._version = PROTOCOLS[service]
        url = endpoint_of(service, self._scope.region, env)
        self.meta = SimpleNamespace(endpoint_url=url, region_name=self._scope.region)
        self._address = urlsplit(url)
        self._credentials = credentials_of(env)
        self._attempt_seconds, self._call_seconds = attempt_seconds, call_seconds
        self._tls = _tls() if self._address.scheme == "https" else None
        self._idle: deque[http.client.HTTPConnection] = deque()

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        if operation.startswith("_"):
            raise AttributeError(operation)
        name = "".join(part.capitalize() for part in operation.split("_"))
        return lambda **arguments: self._call(name, arguments)

    def close(self) -> None:
        """Closes the connections that no call uses."""
        while self._idle:
            self._idle.pop().close()

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "TransactWriteItems":
            # Makes a repeated request idempotent. botocore adds it too.
            arguments = {"ClientRequestToken": str(uuid.uuid4()), **arguments}
        body = json.dumps(arguments, default=_base64).encode()
        until = time.monotonic() + self._call_seconds
        for attempt in range(AWS_ATTEMPTS):
            left = until - time.monotonic()
            if attempt and left <= 0:
                break
            try:
                return self._once(operation, body, seconds=min(self._attempt_seconds, left))
            except (http.client.HTTPException, OSError) as error:
                failure: Exception = EndpointConnectionError(endpoint_url=self.meta.endpoint_url, error=error)
            except ClientError as error:
                failure = error
                if not _passing(error):
                    raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  jitter needs no secrecy
        raise failure

    def _once(self, operation: str, body: bytes, *, seconds: float) -> dict[str, Any]:
        headers = signed(
            {
                "host": self._address.netloc,
                "content-type": f"application/x-amz-json-{self._version}",
                "x-amz-target": f"{self._prefix}.{operation}",
            },
            body,
            credentials=self._credentials(),
            scope=self._scope,
            now=time.time(),
        )
        answer, payload = self._sent(body, headers, seconds)
        if answer.status >= 300:
            raise _refusal(answer, payload, operation)
        found: dict[str, Any] = json.loads(payload) if payload else {}
        return found

    def _sent(self, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[http.client.HTTPResponse, bytes]:
        """The response and its body. A connection that failed is closed; any other is kept for the next call."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._new()
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        try:
            connection.request("POST", "/", body, {**headers, "user-agent": "mailroom"})
            answer = connection.getresponse()
            payload = answer.read()
            if answer.length is None and not answer.chunked:
                # Truncated inside the headers: http.client accepts those that arrived.
                raise http.client.IncompleteRead(payload)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer, payload

    def _new(self) -> http.client.HTTPConnection:
        where, port = self._address.hostname or "", self._address.port
        if self._tls:
            return http.client.HTTPSConnection(where, port, context=self._tls)
        return http.client.HTTPConnection(where, port)


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: nothing here takes as long as reading the CA certificates."""
    return ssl.create_default_context()


def _passing(error: ClientError) -> bool:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= 500 or error.response["Error"]["Code"] in BUSY


def _refusal(answer: http.client.HTTPResponse, body: bytes, operation: str) -> ClientError:
    """botocore's error for this response. ``__type`` is ``prefix#Code``; ``message`` has two spellings.

    SQS sends its old codes in a header. botocore prefers those, and so do we.
    """
    parsed = _json_object(body)
    kind = str(parsed.pop("__type", answer.status)).rpartition("#")[2]
    code = answer.headers.get("x-amzn-query-error", kind).partition(";")[0]
    message = parsed.pop("message", None) or parsed.pop("Message", None) or ""
    facts = {"HTTPStatusCode": answer.status}
    return ClientError({**parsed, "Error": {"Code": code, "Message": message}, "ResponseMetadata": facts}, operation)


def _base64(value: object) -> str:
    """Bytes as AWS's JSON protocols encode them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no argument of AWS's")


def _json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a response; {} for anything else, such as a proxy's page."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
