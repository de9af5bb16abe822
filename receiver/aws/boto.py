"""AWS: clients made late and once per service, and calls pushed to threads; the errors are in errors.py.

Which account, region and endpoint is botocore's own business (``AWS_*``, ``AWS_ENDPOINT_URL`` included), unless a
destination names a role or an endpoint of its own (``through``). Nobody else in the product imports boto3 to deliver or
to alert.
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
"""Calls at the same time to one bucket, queue or topic. boto3 blocks, so each call holds a thread, and one that hangs
holds its thread for as long as it hangs: none of another bucket's or queue's."""
CONNECTIONS = 64
"""Kept open for each service."""
CONNECT_SECONDS, READ_SECONDS = 5, 20
CALL_SECONDS = 45.0
"""For one call, all its attempts and its wait for a thread together; an answer may come byte by byte for ever."""
COPY_SECONDS = 240.0
"""For what S3 does with an object's bytes by itself, up to 5 GB of them."""
BYTES_A_SECOND = 128 * 1024
"""What is sent may take longer than that, at this rate."""
_COPIES = frozenset({"copy_object", "upload_part_copy", "complete_multipart_upload"})

ATTEMPTS = 3
"""Attempts of one call: enough for a short failure. Mailroom's own schedule retries longer ones for hours."""

PRESIGNING = "s3-presigning"
"""The client that makes URLs of objects."""
DOWNLOAD_SECONDS = 300
"""How long such a URL works: it is made when somebody asks for it, and followed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationAccess:
    """How a destination is reached, where not as everything else is."""

    role: str = ""
    """The ARN of a role to assume."""
    external_id: str = ""
    """The external id that the role's owner requires, so that nobody else can have us assume it."""
    endpoint: str = ""
    """The address of the service: ``https://minio.example.com``."""
    key_id: str = ""
    """An access key of that store; without it, the process's own."""
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
        """``credentials`` are boto3's own names for its session; without them, as everywhere, the environment's."""
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
        """The same by this role and at this endpoint: one for each, with clients and threads of its own."""
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
        """Whether it is reached as everything else is, by our own role and where AWS is."""
        return self._source is None

    def client(self, service: str, *, region: str = "") -> Any:
        """The process's one client of this service in this region, without it in our own.

        Raises Unroutable when boto3 lacks a setting such as the region.
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
            # Without it botocore signs URLs the old way in some regions, which objects with a KMS key refuse.
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
        """A presigned URL that downloads this object, under this file name, for DOWNLOAD_SECONDS.

        Nothing is asked for it but credentials. ``at`` are S3's Bucket, Key and VersionId.
        """
        wanted, what = {**at, "ResponseContentDisposition": attachment(name)}, f"s3://{at['Bucket']}"

        def make() -> str:
            from botocore.exceptions import BotoCoreError, ClientError

            try:
                client = self.client(PRESIGNING)
                return str(client.generate_presigned_url("get_object", wanted, ExpiresIn=DOWNLOAD_SECONDS))
            except (BotoCoreError, ClientError) as error:  # of the credentials: nothing else is asked
                raise translated(error, what, endpoint=self._access.endpoint) from error

        return await self._within(self._call_seconds, what, make)

    async def region(self) -> str:
        """The region that is ours."""
        client = await self._of("sts").run(partial(self.client, "sts"))
        return str(client.meta.region_name)

    async def endpoint(self, service: str, *, region: str = "") -> str:
        """Where this service is talked to."""
        client = await self._of(service).run(partial(self.client, service, region=region))
        return str(client.meta.endpoint_url)

    def close(self) -> None:
        """Closes the connections. Calls under way may end first, if they do within a moment."""
        for threads in self._threads.values():
            threads.close(seconds=self._call_seconds)
        for client in self._clients.values():
            client.close()
        for other in self._others.values():
            other.close()

    async def call(
        self, service: str, operation: str, *, what: str, region: str = "", **arguments: Any
    ) -> dict[str, Any]:
        """The answer to one operation; ``what`` (s3://bucket/key, sqs://queue) is named in errors.

        It is asked, and signed for, in ``region``, without one in our own. Raises DestinationBusy, AccessDenied,
        Unroutable.
        """
        answer = await self.attempt(service, operation, what=what, region=region, **arguments)
        assert answer is not None  # only codes in `unless` are answered with None
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
        """Like ``call``, but None when AWS answers with one of the error codes in ``unless``."""
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
        """What the call returns, done by a thread of its bucket, queue or topic. Raises Unanswered for a late one.

        Its thread is left to it then: AWS may still do what it was asked.
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
        """What ``using`` makes of an answer's body: the bytes come while it reads. Raises DestinationBusy."""

        def whole() -> R:
            with closing(body):
                return using(body)

        return await self._reading(whole, what, None)

    async def chunk(self, body: Any, size: int, *, what: str) -> bytes:
        """The next bytes of an answer's body, none at its end. Raises DestinationBusy."""
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
    """Raises Unanswered for an answer that broke off inside its headers.

    Python's http.client takes the headers that came for all of them, so a cut answer would pass for a whole one with
    half a checksum in it. What is missing then is how long the answer is, which every answer but 204 says.
    """
    headers = metadata["HTTPHeaders"]
    if metadata["HTTPStatusCode"] != 204 and "content-length" not in headers and "transfer-encoding" not in headers:
        raise Unanswered(f"{what}: AWS's response was cut off")


_attempts = threading.local()
"""``lost``: whether the answer to an attempt of the call that this thread makes was lost; botocore raises its last."""


def _note_attempt(exception: Exception | None = None, **_: Any) -> None:
    if exception is not None and not isinstance(exception, unsent()):
        _attempts.lost = True


def _after_lost(error: MailroomError) -> MailroomError:
    """The error of a call; one that was sent before, with its answer lost, may have been done, whatever came after."""
    if isinstance(error, DestinationBusy) and _attempts.lost:
        return Unanswered(str(error), retry_after=error.retry_after)
    return error
