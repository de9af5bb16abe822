"""How many documents a second go through `process`, by batch size and number of workers; ratios to one worker, batch 1.

Each worker is what Lambda makes of the function: a process that takes a batch from the queue, works on it, and takes
the next. AWS and LlamaCloud are the local ones, behind a line on which each request takes `--latency` milliseconds, as
it does out there: without it one machine would measure how fast it can play AWS.

Usage: python -m benchmarks.process [--documents 16] [--latency 40] [--workers 1 2 4] [--batches 1 10]
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.line import Line
from handlers.demo.local_aws import LocalAws, local_aws
from llamacloud_sandbox.testing import start_sandbox
from receiver.bootstrap import App
from receiver.config import parse
from receiver.core.plan import Target
from receiver.load_app import load_app
from receiver.pipeline.ingest import IncomingFile, ingest
from receiver.read_settings import from_environ
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table

ROOT = Path(__file__).parents[1]
TABLE = """\
classify: {rules: [{type: invoice, description: "an invoice with line items and a total amount due"}]}
routes: [{type: invoice, to: ["s3://process-mail/invoices/", "sqs://process-invoices"]}]
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
"""
LETTER = "INVOICE\nInvoice number {n}\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
PATIENCE = 600.0


def worker(batch: int) -> None:
    """The child: what Lambda and its event source do with the function."""
    from handlers.functions.process import KNOWN, work_on

    app = load_app(from_environ())
    queue = app.settings.queue.removeprefix("sqs://")
    from receiver.aws.service import botocore_client

    sqs = botocore_client("sqs", read_seconds=10)
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    print("ready", flush=True)
    with asyncio.Runner() as runner:
        while True:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=batch, WaitTimeSeconds=1)
            records = [{"messageId": m["MessageId"], "body": m["Body"], "handle": m["ReceiptHandle"]}
                       for m in answer.get("Messages", [])]  # fmt: skip
            failed = runner.run(work_on(records, app, KNOWN, seconds=60)) if records else []
            done = [
                {"Id": r["messageId"], "ReceiptHandle": r["handle"]} for r in records if r["messageId"] not in failed
            ]
            if done:
                sqs.delete_message_batch(QueueUrl=url, Entries=done)


@contextlib.contextmanager
def child(env: dict[str, str], *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def one_run(folder: Path, aws: LocalAws, line: Line, cloud: Line, *, workers: int, batch: int, documents: int) -> float:
    """Documents a second."""
    name = f"process-{workers}-{batch}"
    aws.make([Target(url=f"sqs://{name}"), Target(url=f"s3://{name}/")])
    create_table(aws.client("dynamodb"), name)
    port = _free_port()
    env = _environment(folder, aws, name, port, cloud) | {"AWS_ENDPOINT_URL": line.url}
    at_home = {**env, "AWS_ENDPOINT_URL": aws.endpoint}
    with contextlib.ExitStack() as up:
        up.enter_context(child(at_home, "receiver", "serve", "--no-worker", "--port", str(port)))
        for _ in range(workers):
            process = up.enter_context(child(env, "benchmarks.process", "--child", str(batch)))
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        return asyncio.run(_timed(at_home, aws, name, warm=4 * workers * min(batch, 2), documents=documents))


async def _timed(env: dict[str, str], aws: LocalAws, name: str, *, warm: int, documents: int) -> float:
    """The rate of ``documents``, after ``warm`` others for which the workers make their clients."""
    os.environ.update(env)
    app = load_app(from_environ(env))
    store = DynamoStore(name, client=partial(aws.client, "dynamodb"))
    with tempfile.TemporaryDirectory() as folder:
        letters = [_letter(Path(folder), number) for number in range(warm + documents)]
        await _through(letters[:warm], app, store, name)
        begun = time.perf_counter()
        await _through(letters[warm:], app, store, name)
    return documents / (time.perf_counter() - begun)


async def _through(letters: list[Path], app: App, store: DynamoStore, name: str) -> None:
    """Takes these letters in and waits until all of them are routed."""
    before = (await store.tally()).routed
    end = time.perf_counter() + PATIENCE
    await asyncio.gather(
        *(ingest(IncomingFile(name=item.name, kind="folder", source=item), app.context) for item in letters)
    )
    while (await store.tally()).routed < before + len(letters):
        if time.perf_counter() > end:
            raise TimeoutError(f"{name}: {await store.tally()}")
        await asyncio.sleep(0.05)


def _letter(folder: Path, number: int) -> Path:
    path = folder / f"{number}.txt"
    path.write_text(LETTER.format(n=number))
    return path


def _environment(folder: Path, aws: LocalAws, name: str, port: int, cloud: Line) -> dict[str, str]:
    ours = ("MAILROOM_", "AWS_", "LLAMA_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)} | {
        **aws.env,
        "LLAMA_CLOUD_API_KEY": f"llx-{name}",
        "LLAMA_CLOUD_BASE_URL": cloud.url,
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_LOG_LEVEL": "error",
        "MAILROOM_OPERATOR_ADDRESS": "",
        "MAILROOM_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MAILROOM_QUEUE": f"sqs://{name}",
        "MAILROOM_SPOOL": f"s3://{name}/",
        "MAILROOM_STORE": f"dynamodb://{name}",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-process",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=16, help="in each run (16)")
    parser.add_argument("--latency", type=float, default=40, help="milliseconds of each request (40)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        worker(asked.child)
    rates: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        local_aws() as aws,
        start_sandbox("--instant", "--no-limits") as sandbox,
    ):
        Path(folder, "mailroom.yaml").write_text(TABLE)
        aws.make(parse(TABLE, {}).table.targets())
        line, cloud = Line(aws.endpoint, asked.latency / 1000), Line(sandbox.url, asked.latency / 1000)
        for batch in asked.batches:
            for workers in asked.workers:
                rate = one_run(Path(folder), aws, line, cloud, workers=workers, batch=batch, documents=asked.documents)
                rates[f"{workers} workers, batch {batch}"] = rate
    print(json.dumps(rates) if asked.json else told(rates))


def told(rates: dict[str, float]) -> str:
    """The rates as ratios to the first."""
    first = next(iter(rates.values()))
    return "\n".join(f"{name:24} {rate:6.2f} documents/s   {rate / first:5.2f}x" for name, rate in rates.items())


if __name__ == "__main__":
    main()
