"""boto3 for async code: one client for each service, created at its first call; calls run in threads.

botocore finds account, region and endpoint itself (``AWS_*``, ``AWS_ENDPOINT_URL`` included), unless a destination
names a role or an endpoint of its own (``through``). All deliveries and alerts use this module; errors.py translates
the errors.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from receiver.aws.assumed_role import session_in_role
from receiver.aws.environment import named_region
from receiver.aws.errors import ASSUMING, code_of, located, translated, unsent
from receiver.aws.s3_conditions import carry_condition
from receiver.aws.threads import Threads
from receiver.core.errors import DestinationBusy, MailroomError, Unanswered
from receiver.core.ids import place
from receiver.core.object_key import attachment

R = TypeVar("R")

THREADS = 16
"""Concurrent calls to one bucket, queue or topic. boto3 blocks, so a call that hangs holds its thread; other buckets
and queues have threads of their own."""
CONNECTIONS = 64
"""Open connections for each service."""
CONNECT_SECONDS, READ_SECONDS = 5, 20
CALL_SECONDS = 45.0
"""The limit for one call, with all its attempts and its wait for a thread: a response may trickle in forever."""
COPY_SECONDS = 240.0
"""The limit for calls in which S3 copies an object's bytes itself, up to 5 GB."""
BYTES_A_SECOND = 128 * 1024
"""The slowest upload: each so many bytes of a body extend the limit by a second."""
_COPIES = frozenset({"copy_object", "upload_part_copy", "complete_multipart_upload"})

ATTEMPTS = 3
"""Attempts of one call: enough for a short failure. Mailroom's own schedule retries longer ones for hours."""

PRESIGNING = "s3-presigning"
"""The client that presigns the URLs of objects."""
DOWNLOAD_SECONDS = 300
"""How long a presigned URL works. It is created on request and followed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationAccess:
    """How a destination is reached if it needs a role, an endpoint or keys of its own."""

    role: str = ""
    """The ARN of a role to assume."""
    external_id: str = ""
    """The external id that the role's owner requires (it prevents the confused-deputy problem)."""
    endpoint: str = ""
    """The address of the service: ``https://minio.example.com``."""
    key_id: str = ""
    """An access key of that store; by default the process's own credentials."""
    secret: str = field(default="", repr=False)


class Aws:
    """boto3 for async code. One instance serves a whole process; nothing connects before the first call."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        call_seconds: float = CALL_SECONDS,
        attempts: int = ATTEMPTS,
        credentials: Mapping[str, str] | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        """``credentials`` are arguments of boto3's Session; by default the environment has them."""
        self._attempts = attempts
        self._limit = threads
        self._call_seconds = call_seconds
        self._credentials = dict(credentials or {})
        self._endpoint = endpoint_url
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._threads: dict[str, Threads] = {}
        self._others: dict[DestinationAccess, Aws] = {}
        self._source: Aws | None = None
        self._access = DestinationAccess()

    def through(self, access: DestinationAccess) -> "Aws":
        """The same with this role and endpoint. Each has clients and threads of its own."""
        if access == DestinationAccess():
            return self
        with self._lock:
            if access not in self._others:
                other = Aws(
                    threads=self._limit, call_seconds=self._call_seconds, attempts=self._attempts,
                    credentials=self._credentials, endpoint_url=access.endpoint or self._endpoint,
                )  # fmt: skip
                other._source, other._access = self, access
                self._others[access] = other
            return self._others[access]

    @property
    def usual(self) -> bool:
        """Whether it uses the process's own role and AWS's own endpoints."""
        return self._source is None

    def client(self, service: str, *, region: str = "") -> Any:
        """The process's client of this service, in this region or by default in our own.

        Raises Unroutable if boto3 lacks a setting, such as the region.
        """
        from botocore.exceptions import BotoCoreError

        with self._lock:
            if (service, region) not in self._clients:
                try:
                    self._clients[service, region] = self._make(service, region)
                except (BotoCoreError, ValueError) as error:
                    raise translated(error, service, endpoint=self._access.endpoint) from error
            return self._clients[service, region]

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config

        self._session = self._session or self._open_session()
        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            tcp_keepalive=True,
            max_pool_connections=CONNECTIONS,
            user_agent_extra="mailroom",
            # Otherwise botocore presigns with SigV2 in some regions, which S3 rejects for objects with a KMS key.
            signature_version="s3v4" if service == PRESIGNING else None,
        )
        client = self._session.client(
            service.partition("-")[0], config=config, endpoint_url=self._endpoint, region_name=region or None
        )
        client.meta.events.register("response-received", _note_attempt)
        if service == "s3":
            carry_condition(client)
        return client

    def _open_session(self) -> Any:
        import boto3

        given = {"region_name": named_region(os.environ), **self._credentials}
        if self._access.key_id:
            keys = {"aws_access_key_id": self._access.key_id, "aws_secret_access_key": self._access.secret}
            return boto3.session.Session(region_name=given["region_name"], **keys)
        if self._source is None or not self._access.role:
            return boto3.session.Session(**given)
        open_sts, access = partial(self._source.client, "sts"), self._access
        return session_in_role(open_sts, access.role, external_id=access.external_id, region=given["region_name"])

    async def download_url(self, at: Mapping[str, str], name: str) -> str:
        """A presigned URL that downloads this object under this file name, for DOWNLOAD_SECONDS.

        It needs credentials, and no request. ``at`` has S3's Bucket, Key and VersionId.
        """
        wanted, what = {**at, "ResponseContentDisposition": attachment(name)}, f"s3://{at['Bucket']}"

        def make() -> str:
            from botocore.exceptions import BotoCoreError, ClientError

            try:
                client = self.client(PRESIGNING)
                return str(client.generate_presigned_url("get_object", wanted, ExpiresIn=DOWNLOAD_SECONDS))
            except (BotoCoreError, ClientError) as error:  # from the credentials: nothing else is requested
                raise translated(error, what, endpoint=self._access.endpoint) from error

        return await self._within(self._call_seconds, what, make)

    async def region(self) -> str:
        """Our own region."""
        client = await self._of("sts").run(partial(self.client, "sts"))
        return str(client.meta.region_name)

    async def prepare(self, service: str, *, region: str = "") -> None:
        """Makes the client of this service, for which a first call would wait half a second. Nothing is asked."""
        await self.endpoint(service, region=region)

    async def endpoint(self, service: str, *, region: str = "") -> str:
        """The URL at which this service is called."""
        client = await self._of(service).run(partial(self.client, service, region=region))
        return str(client.meta.endpoint_url)

    def close(self) -> None:
        """Closes the connections, after the calls in progress or ``call_seconds``."""
        for threads in self._threads.values():
            threads.close(seconds=self._call_seconds)
        for client in self._clients.values():
            client.close()
        for other in self._others.values():
            other.close()

    async def call(
        self, service: str, operation: str, *, what: str, region: str = "", **arguments: Any
    ) -> dict[str, Any]:
        """The response to one operation. Errors name ``what`` (s3://bucket/key, sqs://queue).

        The request goes to ``region``, by default our own. Raises DestinationBusy, AccessDenied, Unroutable.
        """
        answer = await self.attempt(service, operation, what=what, region=region, **arguments)
        assert answer is not None  # `attempt` returns None only for codes in `unless`
        return answer

    async def attempt(
        self,
        service: str,
        operation: str,
        *,
        what: str,
        region: str = "",
        unless: frozenset[str] = frozenset(),
        **arguments: Any,
    ) -> dict[str, Any] | None:
        """Like ``call``, but None if AWS returns one of the error codes in ``unless``."""
        seconds = self._seconds(operation, arguments)

        def do() -> dict[str, Any] | None:
            client = self.client(service, region=region)
            return _do(client, operation, what, unless, arguments, endpoint=self._access.endpoint)

        return await self._within(seconds, what, do)

    def _seconds(self, operation: str, arguments: Mapping[str, Any]) -> float:
        body = arguments.get("Body", b"")
        seconds = COPY_SECONDS if operation in _COPIES else self._call_seconds
        return seconds + (len(body) / BYTES_A_SECOND if isinstance(body, bytes) else 0.0)

    async def _within(self, seconds: float | None, what: str, call: Callable[[], R]) -> R:
        """Runs the call in a thread of its bucket, queue or topic. Raises Unanswered if it is late.

        A late call keeps its thread: AWS may still carry the request out.
        """
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._of(place(what)).run(call)
        except TimeoutError as error:
            if not limit.expired():
                raise
            where = located(what, self._access.endpoint)
            raise Unanswered(f"{where}: AWS did not respond within {seconds:.0f} seconds") from error

    def _of(self, partner: str) -> Threads:
        return self._threads.setdefault(partner, Threads(self._limit, name=partner))

    async def read(self, body: Any, using: Callable[[Any], R], *, what: str) -> R:
        """Returns ``using(body)`` for the body of a response, which is read as it arrives. Raises DestinationBusy."""

        def whole() -> R:
            with closing(body):
                return using(body)

        return await self._reading(whole, what, None)

    async def chunk(self, body: Any, size: int, *, what: str) -> bytes:
        """The next bytes of a response's body; empty at its end. Raises DestinationBusy."""
        chunk: bytes = await self._reading(lambda: body.read(size), what, self._call_seconds + size / BYTES_A_SECOND)
        return chunk

    async def _reading(self, read: Callable[[], R], what: str, seconds: float | None) -> R:
        from botocore.exceptions import BotoCoreError

        def reading() -> R:
            try:
                return read()
            except BotoCoreError as error:
                raise translated(error, what, endpoint=self._access.endpoint) from error

        return await self._within(seconds, what, reading)


def _do(
    client: Any, operation: str, what: str, unless: frozenset[str], arguments: dict[str, Any], *, endpoint: str
) -> dict[str, Any] | None:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    _attempts.lost = False
    try:
        answer: dict[str, Any] = getattr(client, operation)(**arguments)
    except ClientError as error:
        if code_of(error) in unless and error.operation_name != ASSUMING:
            return None
        raise _after_lost(translated(error, what, endpoint=endpoint)) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _after_lost(translated(error, what, endpoint=endpoint)) from error
    _refuse_half(answer["ResponseMetadata"], located(what, endpoint))
    return answer


def _refuse_half(metadata: Mapping[str, Any], what: str) -> None:
    """Raises Unanswered for a response that broke off inside its headers.

    Python's http.client accepts the headers that arrived, so a truncated response could pass for a whole one, with half
    a checksum in it. It then lacks its length, which every response but 204 states.
    """
    headers = metadata["HTTPHeaders"]
    if metadata["HTTPStatusCode"] != 204 and "content-length" not in headers and "transfer-encoding" not in headers:
        raise Unanswered(f"{what}: AWS's response was cut off")


_attempts = threading.local()
"""``lost``: whether the response to an attempt of this thread's call was lost. botocore raises the last error only."""


def _note_attempt(exception: Exception | None = None, **_: Any) -> None:
    if exception is not None and not isinstance(exception, unsent()):
        _attempts.lost = True


def _after_lost(error: MailroomError) -> MailroomError:
    """The error of a call. If the response to an earlier attempt was lost, AWS may have carried that one out."""
    if isinstance(error, DestinationBusy) and _attempts.lost:
        return Unanswered(str(error), retry_after=error.retry_after)
    return error
