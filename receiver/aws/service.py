"""One AWS service for async code. The client blocks, so its calls run in threads.

Any client with boto3's interface works. It is created at the first call, and all calls share it.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from receiver.aws.environment import named_region
from receiver.aws.threads import Threads
from receiver.core.connection_fault import connection_fault

THREADS = 16
"""Concurrent calls; the connection pool has the same size."""
ATTEMPTS = 3
CONNECT_SECONDS = 2.0
READ_SECONDS = 3.0
"""Three attempts end within 15 s, while the sender of an event still waits (30 s)."""

CLOSE_SECONDS = 10.0

BUSY = frozenset(
    {
        "ThrottlingException", "Throttling", "RequestThrottled", "RequestThrottledException", "ThrottlingError",
        "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "RequestLimitExceeded",
        "TransactionInProgressException", "InternalServerError", "InternalServiceError", "InternalFailure",
        "ServiceUnavailable", "TooManyRequestsException", "SlowDown",
    }
)  # fmt: skip
"""Error codes of any service that are temporary: another attempt may succeed, and an unnecessary one costs little.
Sources: the API references of DynamoDB, SQS and S3."""


class AwsError(Exception):
    """AWS returned an error (``code`` is as in its API reference), or did not respond (no code)."""

    def __init__(self, message: str, *, code: str = "", response: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.response = response or {}

    @property
    def passes(self) -> bool:
        """Whether it is temporary: throttling, or a failure of AWS or the network."""
        status = int(self.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return not self.code or self.code in BUSY or status >= 500 or status == 429


class Service:
    """Calls one client's operations in threads."""

    def __init__(self, connect: Callable[[], Any], *, threads: int = THREADS) -> None:
        self._connect = connect
        self._client: Any = None
        self._making = threading.Lock()
        self._closed = False
        self._threads = Threads(threads, name="aws")

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The response to one operation, which is named as in boto3. Raises AwsError."""
        if self._closed:
            raise AwsError("the connection to AWS is closed")
        return await self._threads.run(partial(self._do, operation, arguments))

    async def close(self) -> None:
        """Waits for the calls in progress, for CLOSE_SECONDS at most, then closes the connections."""
        self._closed = True
        await asyncio.to_thread(self._threads.close, seconds=CLOSE_SECONDS)
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _do(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        for _ in range(ATTEMPTS):
            answer = self._ask(operation, arguments)
            if _whole(answer):
                return answer
        raise AwsError(f"the responses to {operation} are cut off")

    def _ask(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            answer: dict[str, Any] = getattr(self._connected(), operation)(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if not _whole(error.response):
                return dict(error.response)
            raise AwsError(str(error), code=code, response=error.response) from error
        except (BotoCoreError, ResponseParserError, OSError) as error:
            raise AwsError(_silence(error)) from error
        return answer

    def _connected(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = self._connect()
            return self._client


def _whole(answer: Mapping[str, Any]) -> bool:
    """False for a response that broke off inside its headers.

    Python's http.client accepts the headers that arrived, and an existing item would seem to be missing. Such a
    response lacks its length. (receiver/aws/client.py checks this itself.)
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders")
    return headers is None or "content-length" in headers or "transfer-encoding" in headers


def botocore_client(service: str, *, read_seconds: float = READ_SECONDS) -> Any:
    """botocore's client of a service, with the account, region and endpoint of the environment (``AWS_*``).

    boto3's clients are the same, but boto3 takes longer to load.
    """
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=THREADS,
        user_agent_extra="mailroom",
    )
    return _session().create_client(service, region_name=named_region(os.environ), config=config)


@cache
def _session() -> Any:
    """One for all services, so that botocore reads its files once."""
    from botocore.session import get_session

    return get_session()


def _silence(error: Exception) -> str:
    """Why there is no answer: no connection, or no credentials to ask with."""
    from botocore import exceptions as boto

    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return f"AWS did not respond: {connection_fault(error)}"
    return str(error)
