"""A local AWS for the demo and the tests: ministack as a child process, over real HTTP, on 127.0.0.1 only.

Each one has its own port and temporary folder, so that any number can run at the same time. The port is bound here and
passed to the child as an open socket, so that no other process can take it. The child stops when its pipe to us closes,
so it does not outlive its parent, however that ends. Its content is in memory and is lost with it.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from handlers.demo.install import INSTALL
from handlers.destinations.queue_address import queue_name, queue_of
from receiver.aws.boto import Aws
from receiver.core.errors import Misconfigured
from receiver.core.plan import Target

REGION = "us-east-1"
ACCOUNT = "000000000000"
START_SECONDS = 30.0
"""Maximum seconds until it responds; usually one, several on a busy machine."""
ALERTS = "mailroom-alerts-"
"""Prefix of the queue, named like its topic, from which a topic's alerts are read back."""
_ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


class LocalAws:
    """A running local AWS, with access to its content."""

    account = ACCOUNT

    def __init__(self, endpoint: str, pid: int, folder: Path) -> None:
        self.endpoint = endpoint
        self.pid = pid
        self.folder = folder
        """A temporary folder that is removed with the local AWS, even if we are killed."""
        self.env = {"AWS_ENDPOINT_URL": endpoint, **_ACCESS}
        """The environment variables with which a process uses it."""
        self.credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        self.aws = Aws(credentials=self.credentials, endpoint_url=endpoint)
        """Clients for it, independent of this process's environment."""

    def close(self) -> None:
        """Closes our connections to it."""
        self.aws.close()

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        return self.aws.client(service)

    def make(self, targets: Iterable[Target] = (), channels: Iterable[str] = ()) -> dict[str, str]:
        """Creates the buckets, queues, topics, buses and state machines that these name; a second call changes nothing.

        Returns the channels with their names here: a topic of another account or region has another ARN.
        """
        for target in targets:
            scheme, _, rest = target.url.partition("://")
            if scheme == "s3":
                self.client("s3").create_bucket(Bucket=rest.split("/")[0])
            elif scheme == "sqs":
                queue = queue_of(target.url)
                self._queue(queue.name, region=queue.region)
            elif scheme == "sns":
                self._topic(target.url)
            elif scheme == "events":
                self._bus(rest)
            elif scheme == "states":
                self._machine(rest)
        return {channel: f"sns:{self._topic(channel)}" for channel in channels if channel.startswith("sns:")}

    def _queue(self, name: str, *, region: str = "") -> str:
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        url: str = self.aws.client("sqs", region=region).create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
        return url

    def _topic(self, channel: str) -> str:
        name = channel.rpartition(":")[2].removeprefix("//")
        fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        arn: str = self.client("sns").create_topic(Name=name, Attributes=fifo)["TopicArn"]
        queue = self._queue_arn(ALERTS + name)
        self.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        return arn

    def _bus(self, name: str) -> None:
        """A bus with a rule that sends Mailroom's events to a queue of the same name."""
        events = self.client("events")
        with contextlib.suppress(events.exceptions.ResourceAlreadyExistsException):
            events.create_event_bus(Name=name)
        events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["mailroom"]}))
        events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": self._queue_arn(name)}])

    def _machine(self, name: str) -> None:
        """A state machine that ends at once; its executions show their input."""
        role = f"arn:aws:iam::{self.account}:role/machine"
        passes = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
        states = self.client("stepfunctions")
        with contextlib.suppress(states.exceptions.StateMachineAlreadyExists):
            states.create_state_machine(name=name, definition=passes, roleArn=role)

    def _queue_arn(self, name: str) -> str:
        given = self.client("sqs").get_queue_attributes(QueueUrl=self._queue(name), AttributeNames=["QueueArn"])
        return str(given["Attributes"]["QueueArn"])

    def object(self, location: str) -> bytes:
        """The bytes of the object at ``s3://bucket/key``. Raises KeyError if there is none."""
        bucket, _, key = location.removeprefix("s3://").partition("/")
        s3 = self.client("s3")
        try:
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket) as error:
            raise KeyError(location) from error
        return body

    def objects(self, bucket: str) -> list[str]:
        """The keys of all objects in the bucket."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """The messages in the queue (a name or ``sqs://…``), without receiving them.

        Keys are those of ReceiveMessage (MessageId, Body, MessageAttributes) with MessageGroupId and
        MessageDeduplicationId beside them. Source: ministack's ``GET /_ministack/sqs/messages``.
        """
        name = queue_name(queue) if queue.startswith("sqs://") else queue
        answer = _get(f"{self.endpoint}/_ministack/sqs/messages?{urllib.parse.urlencode({'QueueUrl': name})}")
        found = [
            item for regions in answer["messages"].values() for queues in regions.values() for item in queues.values()
        ]
        return [message for messages in found for message in messages]

    def message(self, location: str) -> dict[str, Any]:
        """The message that ``sqs://queue#message-id`` names. Raises KeyError if there is none."""
        queue, _, message_id = location.rpartition("#")
        for message in self.messages(queue):
            if message["MessageId"] == message_id:
                return message
        raise KeyError(location)

    def alerts(self, channel: str) -> list[dict[str, Any]]:
        """What was published to ``sns:ARN``: Subject, Message and MessageAttributes of each notification."""
        return [json.loads(message["Body"]) for message in self.messages(ALERTS + channel.rpartition(":")[2])]


@contextmanager
def local_aws(*, enforce_iam: bool = False) -> Iterator[LocalAws]:
    """A local AWS during the block. Raises Misconfigured if it is not installed or does not start.

    With ``enforce_iam`` signatures and policies are checked, and our own credentials are those of the account's root.
    """
    with tempfile.TemporaryDirectory(prefix="mailroom-aws-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "ministack.log")
        child, port = _spawn(Path(folder), log, enforce_iam=enforce_iam)
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _until_ready(endpoint, child, log)
            with closing(LocalAws(endpoint, child.pid, Path(folder))) as aws:
                yield aws
        finally:
            _stop(child)


def _spawn(folder: Path, log: Path, *, enforce_iam: bool) -> tuple[subprocess.Popen[bytes], int]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, log.open("wb") as output:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        command = f"from handlers.demo.local_aws import serve_ministack; serve_ministack({listener.fileno()})"
        child = subprocess.Popen(
            [sys.executable, "-c", command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=_child_env(os.environ, folder, port) | {"AUTH": str(enforce_iam).lower()},
            pass_fds=[listener.fileno()],
            # Ctrl-C goes to the parent only, which stops the local AWS.
            start_new_session=True,
        )
    return child, port


def _child_env(environment: Mapping[str, str], folder: Path, port: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "MINISTACK_", "LLAMA_", "MAILROOM_"))
    }
    return kept | {
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).resolve().parents[1]), *filter(None, [environment.get("PYTHONPATH", "")])]
        ),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        **_ACCESS,
    }


def _until_ready(endpoint: str, child: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if child.poll() is not None:
            raise Misconfigured(_why(log), fix=INSTALL)
        try:
            if _get(f"{endpoint}/_ministack/ready"):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise Misconfigured(f"the local AWS did not respond within {START_SECONDS:.0f} s: {_why(log)}")


def _why(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"the local AWS (ministack) did not start: {lines[-1] if lines else 'no output'}"


def _get(url: str) -> Any:
    """The JSON of our own child, requested without a proxy."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
        return json.load(answer)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def serve_ministack(listener: int) -> None:
    """The child: serves ministack on this open socket until standard input closes."""
    import asyncio

    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    async def until_parent_is_gone() -> None:
        await asyncio.to_thread(sys.stdin.buffer.read)

    config = Config()
    config.bind = [f"fd://{listener}"]
    config.graceful_timeout = 0.5
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    served: Any = _over_tls(app) if os.environ["AUTH"] == "true" else app
    asyncio.run(hypercorn_serve(served, config, shutdown_trigger=until_parent_is_gone))
    # A killed parent cannot remove our folder.
    shutil.rmtree(Path.cwd(), ignore_errors=True)


def _over_tls(app: Any) -> Any:
    """The application, with requests marked as sent over TLS, which policies may require (aws:SecureTransport)."""

    async def over_tls(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await app(scope, receive, send)

    return over_tls
