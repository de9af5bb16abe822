"""What one document costs on AWS, counted: every request, and the write units of the table by DynamoDB's own rules.

The functions run in this process as Lambda runs them (an object in the inbox, its notification, the task queue, the
webhook), on the local AWS and the LlamaCloud-compatible server. The local AWS's ConsumedCapacity leaves indexes out, so
units are computed from the requests and a mirror of the table, which nobody else writes to.

Sources, all of the DynamoDB Developer Guide: "Read and write capacity" (1 KB a unit, a transaction's items twice, a
failed condition as the write), "Item sizes and formats", "Global secondary indexes" (an entry that is new or gone is
one write, one that moves is two, one that stays is none).
"""

import asyncio
import json
import math
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import httpx
from botocore.exceptions import ClientError

from handlers.demo.local_aws import LocalAws, local_aws
from handlers.functions import intake, process
from llamacloud_sandbox.testing import start_sandbox
from receiver.aws.boto import Aws
from receiver.aws.client import JsonClient
from receiver.bootstrap import App, open_queue, open_receiver, open_store
from receiver.core.retention import Retention
from receiver.http.public import Public
from receiver.http.readiness import Readiness
from receiver.http.webhook import Limits, WebhookEndpoint
from receiver.load_app import load_app
from receiver.metrics import SummingMeter
from receiver.ports import Store, TaskQueue
from receiver.read_settings import from_environ
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from tests.servers import serve

TABLE = """\
classify: {rules: [{type: invoice, description: "an invoice with line items and a total amount due"}]}
routes: [{type: invoice, to: ["s3://counted-mail/invoices/", "sqs://counted-routed"]}]
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
alerts: [{on: "*", to: log}]
"""
LETTER = "INVOICE\nInvoice number {n}\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
NAME, INBOX, QUEUE = "counted", "counted-inbox", "counted-tasks"
TIMED = "flag#budget:"
"""The record that a process which submits much renews every two seconds: it costs time, not documents."""
ROUNDS = 200
INDEXES = range(1, 6)
Item = dict[str, dict[str, Any]]


@dataclass
class Counts:
    """What was asked, by service and operation, and what the writes cost."""

    requests: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    """Write units by kind of record, and ``index`` for all entries of indexes."""
    read_units: float = 0.0
    invocations: Counter[str] = field(default_factory=Counter)
    bytes_kept: int = 0
    """Of the items that are there in the end."""

    def of(self, service: str) -> int:
        """Requests to one service."""
        return sum(number for name, number in self.requests.items() if name.startswith(f"{service}."))

    @property
    def write_units(self) -> int:
        return sum(self.units.values())


class Meter:
    """Sees every request to AWS and LlamaCloud of this process."""

    def __init__(self, cloud: str) -> None:
        self.counts = Counts()
        self._cloud = httpx.URL(cloud)
        self._there: dict[str, Item] = {}
        self._kept_before = 0
        self._lock = threading.Lock()

    def begin_anew(self) -> None:
        """Forgets what was counted so far; the mirror of the table stays."""
        self.counts, self._kept_before = Counts(), sum(map(size_of, self._there.values()))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the block lasts."""
        call, make, send = JsonClient._call, Aws._make, httpx.AsyncClient.send
        meter = self

        def counted_call(client: JsonClient, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            return meter._json_call(call, client, operation, arguments)

        def counted_make(aws: Aws, service: str, region: str) -> Any:
            client = make(aws, service, region)
            client.meta.events.register("before-call", meter._boto_call)
            return client

        async def counted_send(client: httpx.AsyncClient, request: httpx.Request, **given: Any) -> httpx.Response:
            if (request.url.host, request.url.port) == (meter._cloud.host, meter._cloud.port):
                meter._note(f"llamacloud.{request.method} {_shape(request.url.path)}")
            return await send(client, request, **given)

        with (
            mock.patch.object(JsonClient, "_call", counted_call),
            mock.patch.object(Aws, "_make", counted_make),
            mock.patch.object(httpx.AsyncClient, "send", counted_send),
        ):
            yield
        self.counts.bytes_kept = sum(map(size_of, self._there.values())) - self._kept_before

    def _note(self, what: str) -> None:
        with self._lock:
            self.counts.requests[what] += 1

    def _boto_call(self, model: Any, **_: Any) -> None:
        self._note(f"{model.service_model.service_name}.{model.name}")

    def _json_call(self, call: Any, client: JsonClient, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        service = client._scope.service
        if arguments.get("Key", arguments.get("Item", {})).get("pk", {}).get("S", "").startswith(TIMED):
            return call(client, operation, arguments)  # type: ignore[no-any-return]
        self._note(f"{service}.{operation}")
        try:
            answer: dict[str, Any] = call(client, operation, arguments)
        except ClientError:
            if service == "dynamodb":
                self._write(operation, arguments, failed=True)
            raise
        if service == "dynamodb":
            self._write(operation, arguments)
            self._read(operation, answer)
        return answer

    def _read(self, operation: str, answer: Mapping[str, Any]) -> None:
        """Queries of indexes read eventually, for half; items are read consistently."""
        found = [*answer.get("Items", [])]
        items = [*([answer["Item"]] if "Item" in answer else ()), *chain(*answer.get("Responses", {}).values())]
        with self._lock:
            if operation == "Query":
                self.counts.read_units += max(0.5, 0.5 * math.ceil(sum(map(size_of, found)) / 4096))
            elif operation in ("GetItem", "BatchGetItem"):
                self.counts.read_units += max(1, sum(math.ceil(size_of(item) / 4096) for item in items))

    def _write(self, operation: str, arguments: Mapping[str, Any], *, failed: bool = False) -> None:
        if operation == "PutItem":
            acts, times = [("Put", arguments)], 1
        elif operation == "TransactWriteItems":
            acts, times = [next(iter(act.items())) for act in arguments["TransactItems"]], 2
        else:
            return
        with self._lock:
            for act, given in acts:
                self._act(act, given, times, failed=failed)

    def _act(self, act: str, given: Mapping[str, Any], times: int, *, failed: bool) -> None:
        item: Item | None = given.get("Item")
        pk = (item or given["Key"])["pk"]["S"]
        before = self._there.get(pk, {})
        largest = max(size_of(item or {}), size_of(before), 1)
        self.counts.units[pk.partition("#")[0]] += times * math.ceil(largest / 1024)
        if failed:
            return
        if act == "Put" and item:
            self.counts.units["index"] += sum(_moved(before, item, number) for number in INDEXES)
            self._there[pk] = item
        elif act == "Delete":
            self.counts.units["index"] += sum(f"gsi{number}pk" in before for number in INDEXES)
            self._there.pop(pk, None)


def _moved(before: Item, after: Item, number: int) -> int:
    old, new = ((item.get(f"gsi{number}pk"), item.get(f"gsi{number}sk")) for item in (before, after))
    return 0 if old == new else (old[0] is not None) + (new[0] is not None)


def size_of(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item as DynamoDB counts them."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, said),) = value.items()
    if kind == "N":
        return len(str(said)) // 2 + 2
    if kind == "B":
        return len(said) if isinstance(said, bytes) else len(said) * 3 // 4
    return len(str(said).encode())


def _shape(path: str) -> str:
    """A path without ids, so that the same question is one."""
    return "/".join("{id}" if any(map(str.isdigit, part)) and len(part) > 3 else part for part in path.split("/"))


OpenAws = Callable[[], AbstractContextManager[LocalAws]]


def counted(documents: int, *, together: int = 1, open_aws: OpenAws = local_aws) -> Counts:
    """The counts of so many documents, put into the inbox and all the way to a bucket and a queue; ``together`` are the
    most messages of one invocation."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        aws, sandbox = stack.enter_context(open_aws()), stack.enter_context(start_sandbox("--instant", "--no-limits"))
        _prepare(aws, folder)
        stack.enter_context(mock.patch.dict(os.environ, _environment(aws, folder, sandbox.url)))
        meter = Meter(sandbox.url)
        stack.enter_context(meter.watching())
        settings = from_environ()
        store, queue = open_store(settings), open_queue(settings)
        stack.callback(lambda: asyncio.run(_close(store, queue)))
        dependencies = open_receiver(settings, store, queue, SummingMeter(), retention=Retention())
        webhook = WebhookEndpoint(dependencies, Limits())
        public = _Counting(Public(webhook, Readiness(store.ready)), meter)
        os.environ["MAILROOM_PUBLIC_URL"] = stack.enter_context(serve(public))
        asyncio.run(_through(load_app(from_environ()), aws, meter, documents, together))
    return meter.counts


async def _close(store: Store, queue: TaskQueue) -> None:
    await store.close()
    await queue.close()


class _Counting:
    """The public application, with its invocations counted: on Lambda each request is one."""

    def __init__(self, application: Public, meter: Meter) -> None:
        self._application, self._meter = application, meter

    async def __call__(self, scope: Any, receive_: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self._meter.counts.invocations["receive"] += 1
        await self._application(scope, receive_, send)


def _prepare(aws: LocalAws, folder: Path) -> None:
    folder.joinpath("mailroom.yaml").write_text(TABLE)
    s3 = aws.client("s3")
    for bucket in (INBOX, "counted-mail", "counted-spool"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=INBOX, VersioningConfiguration={"Status": "Enabled"})
    for queue in (QUEUE, "counted-routed"):
        aws.client("sqs").create_queue(QueueName=queue)
    create_table(aws.client("dynamodb"), NAME)


def _environment(aws: LocalAws, folder: Path, cloud: str) -> dict[str, str]:
    return {
        **aws.env,
        "AWS_REGION": aws.env["AWS_DEFAULT_REGION"],
        "AWS_LAMBDA_FUNCTION_NAME": "mailroom-counted",  # so that the functions' own client is used
        "LLAMA_CLOUD_API_KEY": "llx-counted",
        "LLAMA_CLOUD_BASE_URL": cloud,
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_INBOX_BUCKETS": INBOX,
        "MAILROOM_LOG_LEVEL": "error",
        "MAILROOM_PUBLIC_URL": "http://127.0.0.1:9",
        "MAILROOM_QUEUE": f"sqs://{QUEUE}",
        "MAILROOM_SPOOL": "s3://counted-spool/documents/",
        "MAILROOM_STORE": f"dynamodb://{NAME}",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-the-counts",
    }


async def _through(app: App, aws: LocalAws, meter: Meter, documents: int, together: int) -> None:
    """One document goes through first: what is asked or written once is no document's."""
    known = process.Knowledge()
    # As in an instance that has run for a while: what it asks now and then is not a document's.
    known.looked_at = known.noted_at = math.inf
    async with app.opened():
        await _routed(app, aws, meter, known, numbers=range(1), together=together)
        meter.begin_anew()
        await _routed(app, aws, meter, known, numbers=range(1, 1 + documents), together=together)


async def _routed(
    app: App, aws: LocalAws, meter: Meter, known: process.Knowledge, *, numbers: range, together: int
) -> None:
    """Puts these documents into the inbox, and works until all of them are routed."""
    watcher = DynamoStore(NAME, client=partial(aws.client, "dynamodb"))  # its reads are not counted
    for number in numbers:
        notice = await asyncio.to_thread(_put, aws, number)
        meter.counts.invocations["intake"] += 1
        assert not await intake.take_all([notice], app)
    for _ in range(ROUNDS):
        if (await watcher.tally()).routed == numbers.stop:
            break
        if records := await asyncio.to_thread(_taken, aws, together):
            meter.counts.invocations["process"] += 1
            assert not await process.work_on(records, app, known, seconds=300)
        await asyncio.sleep(0.02)
    else:
        raise TimeoutError(await watcher.tally())
    await watcher.close()


def _put(aws: LocalAws, number: int) -> dict[str, Any]:
    key = f"{number}.txt"
    put = aws.client("s3").put_object(Bucket=INBOX, Key=key, Body=LETTER.format(n=number).encode())
    of = {"bucket": {"name": INBOX}, "object": {"key": key, "versionId": put["VersionId"]}}
    body = {"Records": [{"eventName": "ObjectCreated:Put", "s3": of}]}
    return {"messageId": key, "body": json.dumps(body)}


def _taken(aws: LocalAws, together: int) -> list[dict[str, Any]]:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    asked = {"MaxNumberOfMessages": together, "AttributeNames": ["ApproximateReceiveCount"]}
    found = sqs.receive_message(QueueUrl=url, **asked).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [{"messageId": item["MessageId"], "body": item["Body"], "attributes": item["Attributes"]} for item in found]
