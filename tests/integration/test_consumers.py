"""Consumers of others: the two of docs/consumers.md, and the libraries of CloudEvents and Standard Webhooks.

The libraries live in places of their own (scripts/consumer-tools). Without them these tests are skipped and say so; in
CI that is a failure.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.destinations.http import Http
from handlers.destinations.sqs import Sqs
from receiver.core.delivery_request import DeliveryRequest, Pointer, PointerState
from receiver.core.document import Classification
from receiver.core.errors import MailroomError
from receiver.core.message_type import Meaning
from receiver.core.plan import Target
from receiver.ports import Destination
from tests.delivery_requests import a_delivery_request
from tests.endpoints import Got, an_endpoint
from tests.processes import environment

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".cache" / "consumers"
PAGE = (ROOT / "docs" / "consumers.md").read_text()
SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
PATIENCE = 60.0
_names = count(1)


def tool(path: Path) -> Path:
    """What scripts/consumer-tools made; skips the test without it, fails it in CI."""
    if path.exists() and (path.name == "python" or shutil.which("node")):
        return path
    said = f"{path.name} or node is missing: run scripts/consumer-tools"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def requests(to: str, **fields: Any) -> list[DeliveryRequest]:
    """Two documents: one is routed, corrected and no affair of this place any more, the other waited and is there."""
    first = a_delivery_request(to, id="doc_a", delivery_id="dlv_1", **fields)
    second = a_delivery_request(
        to, id="doc_b", delivery_id="dlv_4", classification=Classification(type=None, confidence=1.0)
    )
    second = replace(second, options=first.options)
    later = Pointer(url="s3://mail/later/doc_b", state=PointerState.STORED)
    return [
        first,
        replace(first, delivery_id="dlv_2", meaning=Meaning.CORRECTED, sequence=2, replaces="dlv_1"),
        replace(
            first, delivery_id="dlv_3", meaning=Meaning.SUPERSEDED, sequence=3, replaces="dlv_2", pointer=Pointer()
        ),
        replace(second, meaning=Meaning.UNMATCHED, pointer=Pointer(state=PointerState.PENDING)),
        replace(second, delivery_id="dlv_5", meaning=Meaning.AVAILABLE, sequence=2, replaces="dlv_4", pointer=later),
        replace(second, delivery_id="dlv_6", meaning=Meaning.HELD, sequence=3),
        replace(second, delivery_id="dlv_7", meaning=Meaning.FAILED, sequence=4),
    ]


def delivered(destination: Destination, all_: Sequence[DeliveryRequest]) -> None:
    async def deliver() -> None:
        for request in all_:
            await destination.deliver(request)

    asyncio.run(deliver())


# --- libraries

READERS = {
    "cloudevents 1.x for Python": (
        "cloudevents-1/bin/python",
        """
import json, sys
from cloudevents.http import from_http
print(json.dumps([{**e.get_attributes(), "data": e.data} for e in
    (from_http(got["headers"], got["body"].encode()) for got in json.load(sys.stdin))]))
""",
    ),
    "cloudevents 2.x for Python": (
        "cloudevents-2/bin/python",
        """
import json, sys
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
events = [from_http_event(HTTPMessage(got["headers"], got["body"].encode())) for got in json.load(sys.stdin)]
print(json.dumps([{**e.get_attributes(), "data": e.get_data()} for e in events], default=lambda at: at.isoformat()))
""",
    ),
    "cloudevents for JavaScript": (
        "node_modules/cloudevents",
        """
import { readFileSync } from "node:fs";
import { HTTP } from "cloudevents";
const events = JSON.parse(readFileSync(0)).map(({ headers, body }) => HTTP.toEvent({ headers, body }));
events.forEach((event) => event.validate());
console.log(JSON.stringify(events));
""",
    ),
    "standardwebhooks for JavaScript": (
        "node_modules/standardwebhooks",
        """
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
const webhook = new Webhook(process.env.HOOK_SECRET);
console.log(JSON.stringify(JSON.parse(readFileSync(0)).map(({ headers, body }) => webhook.verify(body, headers))));
""",
    ),
}


@pytest.fixture(scope="module")
def posted() -> list[Got]:
    """What an endpoint got of every kind of message; standardwebhooks for Python has verified it."""
    from standardwebhooks import Webhook

    with an_endpoint() as endpoint:
        options = {"secret": "env:HOOK_SECRET"}
        delivered(Http({"HOOK_SECRET": SECRET}), requests(f"{endpoint.url}/hook", options=options))
        got = endpoint.posts
    assert {json.loads(item.body)["type"].rpartition(".")[2] for item in got} == set(Meaning)
    for item in got:
        assert Webhook(SECRET).verify(item.body, item.headers)["id"] == item.headers["webhook-id"]
    return got


@pytest.mark.parametrize("reader", READERS)
def test_the_libraries_of_others_read_every_message(posted: list[Got], tmp_path: Path, reader: str) -> None:
    needed, code = READERS[reader]
    found = tool(TOOLS / needed)
    given = json.dumps([{"headers": item.headers, "body": item.body.decode()} for item in posted])
    if found.name == "python":
        command = [str(found), "-c", code]
    else:
        (tmp_path / "reader.mjs").write_text(code)
        (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
        command = ["node", "reader.mjs"]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path,
        env=environment(HOOK_SECRET=SECRET),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    for item, got in zip(read, posted, strict=True):
        sent = json.loads(got.body)
        same = {name: value for name, value in item.items() if name != "time"}
        assert same == {name: value for name, value in sent.items() if name != "time"}


# --- the consumers of the page


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=folder, env=dict(env), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        try:
            yield child
        finally:
            child.terminate()


def until(holds: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)


def known(folder: Path) -> dict[str, tuple[int, str, str]]:
    """What the consumer in Python has on its books."""
    try:
        with contextlib.closing(sqlite3.connect(folder / "documents.db")) as totals:
            return {row[0]: row[1:] for row in totals.execute("select * from document")}
    except sqlite3.OperationalError:  # it has not begun yet
        return {}


def shuffled(sent: Sequence[DeliveryRequest]) -> list[DeliveryRequest]:
    """All of them, the later ones first, and each a second time."""
    return [*reversed(sent), *sent]


@pytest.mark.aws
def test_the_consumer_in_python_knows_what_holds_whatever_the_order(local_aws: LocalAws, tmp_path: Path) -> None:
    name = f"invoices-{next(_names)}"
    local_aws.make([Target(url=f"sqs://{name}")])
    delivered(Sqs(local_aws.aws), shuffled(requests(f"sqs://{name}")))
    (tmp_path / "consumer.py").write_text(example("python").replace('QueueName="invoices"', f'QueueName="{name}"'))
    assert len(example("python").strip().splitlines()) <= 17
    env = environment(**local_aws.env)
    with running([sys.executable, "consumer.py"], tmp_path, env) as child:
        until(lambda: bool(known(tmp_path)) and not left(local_aws, name), child)
    assert known(tmp_path) == {
        "doc_a": (3, "mailroom.document.superseded", ""),
        "doc_b": (4, "mailroom.document.failed", "s3://mail/doc_b"),
    }


def left(aws: LocalAws, queue: str) -> int:
    client = aws.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    counted = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in counted.values())


def test_the_consumer_in_javascript_knows_what_holds_and_takes_nothing_unsigned(tmp_path: Path) -> None:
    tool(TOOLS / "node_modules" / "standardwebhooks")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    told = 'process.on("SIGUSR2", () => console.log(JSON.stringify([...documents])));\nconsole.log("ready");\n'
    (tmp_path / "consumer.mjs").write_text(example("js") + told)
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    env = environment(HOOK_SECRET=SECRET, PORT=str(port))
    url = f"http://127.0.0.1:{port}/hook"
    with running(["node", "consumer.mjs"], tmp_path, env) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        answering(url, child)
        signed = {"secret": "env:HOOK_SECRET"}
        delivered(Http({"HOOK_SECRET": SECRET}), shuffled(requests(url, options=signed)))
        with pytest.raises(MailroomError, match="401"):
            delivered(Http({}), requests(url, options={"unsigned": "true"})[:1])
        child.send_signal(signal.SIGUSR2)
        documents = dict(json.loads(child.stdout.readline()))
    assert {name: (item["sequence"], item["type"]) for name, item in documents.items()} == {
        "doc_a": (3, "mailroom.document.superseded"),
        "doc_b": (4, "mailroom.document.failed"),
    }


def answering(url: str, child: subprocess.Popen[str]) -> None:
    """Returns when the port of the URL answers."""
    host, _, port = url.split("/")[2].partition(":")

    def connects() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False

    until(connects, child)
