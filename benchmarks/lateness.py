"""How late a document has its place: the seconds from "the job is finished" (LlamaCloud's own clock) to "delivered".

Three ways side by side, at the same sandbox and in the same seconds: Mailroom with its webhooks, Mailroom with every
webhook lost (it asks about the jobs), both with default settings, and the vendor SDK's polling helper ``classify.run``,
which the others are compared with. For Mailroom the clock stops when the document lies in S3; for the SDK when it has
the result in hand, with nothing kept, decided or delivered yet. Jobs take different times, because polling is late by
chance.

And a fourth: Mailroom is stopped when its jobs are created, and started when all have finished. There the clock starts
when the new process answers.

Usage: python -m benchmarks.lateness [--documents 10] [--json]
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from llama_cloud import AsyncLlamaCloud

from handlers.demo.local_aws import LocalAws, local_aws
from llamacloud_sandbox.testing import start_sandbox
from receiver.config import parse
from tests.servers import ROOT

JOB_SECONDS = (1.0, 2.3, 3.7, 5.4, 7.9, 12.6)
"""How long the jobs take, one value after the other."""
TABLE = """\
classify:
  rules:
    - {type: invoice, description: "an invoice with a number, line items and a total amount due"}
    - {type: contract, description: "a legal agreement between parties, with signatures"}
routes:
  - {type: [invoice, contract], to: ["s3://lateness/routed/"]}
no_match: {to: ["s3://lateness/unsorted/"]}
low_confidence: {to: ["s3://lateness/unsure/"]}
failed: {to: ["s3://lateness/failed/"]}
"""
LETTER = "INVOICE\nInvoice number {number}\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
KEY, TOKEN = "llx-lateness", "a-token-for-lateness"
WAYS = ("webhooks", "every webhook lost", "SDK polling", "after a restart")


def main() -> None:
    asked = _arguments()
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with local_aws() as aws, tempfile.TemporaryDirectory(prefix="mailroom-lateness-") as folder:
        aws.make(parse(TABLE, {}).table.targets())
        for number, seconds in enumerate(JOB_SECONDS):
            with start_sandbox("--think", str(seconds)) as sandbox:
                place = Path(folder, str(number))
                place.mkdir()
                for way, measured in asyncio.run(_round(sandbox.url, aws, place, asked.documents)).items():
                    found[way] += measured
    shown = {way: _figures(measured, found["SDK polling"]) for way, measured in found.items()}
    print(json.dumps(shown, indent=2) if asked.json else _table(shown))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10, help="for each way and each length of job (10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


async def _round(sandbox: str, aws: LocalAws, folder: Path, count: int) -> dict[str, list[float]]:
    (folder / "mailroom.yaml").write_text(TABLE)
    with _mailroom(sandbox, aws, folder, "heard") as heard, _mailroom(sandbox, aws, folder, "deaf") as deaf:
        ways = _by_mailroom(heard, sandbox, count), _by_mailroom(deaf, sandbox, count), _by_polling(sandbox, count)
        measured = [*await asyncio.gather(*ways)]
    measured.append(await _after_restart(sandbox, aws, folder, count))
    return dict(zip(WAYS, measured, strict=True))


@contextlib.contextmanager
def _mailroom(sandbox: str, aws: LocalAws, folder: Path, name: str) -> Iterator[str]:
    """A running ``mailroom serve``, by its operator's address; of the deaf one LlamaCloud gets an address that nobody
    listens at."""
    (folder / name).mkdir(exist_ok=True)
    port, operator, nobody = _free_port(), _free_port(), _free_port()
    address = f"http://127.0.0.1:{port}"
    left_out = ("MAILROOM_", "AWS_", "LLAMA_", "PYTHONDONTWRITEBYTECODE")
    env = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    env |= aws.env | {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": sandbox,
        "MAILROOM_ADMIN_TOKEN": TOKEN,
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_LOG_LEVEL": "error",
        "MAILROOM_OPERATOR_ADDRESS": f"127.0.0.1:{operator}",
        "MAILROOM_PUBLIC_URL": address if name == "heard" else f"http://127.0.0.1:{nobody}",
        "MAILROOM_STORE": f"sqlite:////{str(folder / name).lstrip('/')}/mailroom.db",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-lateness",
    }
    serving = subprocess.Popen([sys.executable, "-m", "receiver", "serve", "--port", str(port)], cwd=ROOT, env=env)
    try:
        yield f"http://127.0.0.1:{operator}"
    finally:
        serving.terminate()
        serving.wait(40)


async def _by_mailroom(address: str, sandbox: str, count: int) -> list[float]:
    """Seconds from the end of each document's job to its delivery, both by the clocks of those who did it."""
    async with _client(address, TOKEN) as mailroom, _client(sandbox, KEY) as llamacloud:
        await _up(mailroom)
        late = []
        for document_id in await _sent(mailroom, address, count):
            document = await _once(lambda item: item["state"] != "open", document_id, mailroom)
            late.append(_delivered_at(document) - await _finished_at(document["job_id"], llamacloud))
        return late


async def _after_restart(sandbox: str, aws: LocalAws, folder: Path, count: int) -> list[float]:
    """Seconds from the start of a process to the delivery of what finished while there was none."""
    with _mailroom(sandbox, aws, folder, "restarted") as address:
        async with _client(address, TOKEN) as mailroom:
            await _up(mailroom)
            sent = await _sent(mailroom, address, count)
            jobs = [(await _once(lambda item: item["job_id"], item, mailroom))["job_id"] for item in sent]
    async with _client(sandbox, KEY) as llamacloud:
        for item in jobs:
            while (await _job(item, llamacloud))["status"] != "COMPLETED":  # noqa: ASYNC110  asked as others ask
                await asyncio.sleep(0.2)
    with _mailroom(sandbox, aws, folder, "restarted") as address:
        async with _client(address, TOKEN) as mailroom:
            await _up(mailroom)
            since = time.time()
            found = [await _once(lambda item: item["state"] != "open", item, mailroom) for item in sent]
    return [_delivered_at(document) - since for document in found if _delivered_at(document) > since]


async def _sent(mailroom: httpx.AsyncClient, address: str, count: int) -> list[str]:
    """The ids of so many new documents."""
    name = address.rpartition(":")[2]
    letters = [("file", (f"{name}-{n}.txt", LETTER.format(number=f"{name}-{n}").encode())) for n in range(count)]
    taken = (await mailroom.post("/documents", files=letters)).raise_for_status().json()["documents"]
    return [item["document_id"] for item in taken]


async def _once(
    holds: Callable[[dict[str, Any]], Any], document_id: str, mailroom: httpx.AsyncClient
) -> dict[str, Any]:
    """The document, as soon as this holds for it."""
    while True:
        document: dict[str, Any] = (await mailroom.get(f"/documents/{document_id}")).raise_for_status().json()
        if holds(document):
            return document
        await asyncio.sleep(0.2)


def _delivered_at(document: dict[str, Any]) -> float:
    (delivery,) = document["deliveries"]
    return _moment(delivery["delivered_at"])


async def _by_polling(sandbox: str, count: int) -> list[float]:
    """The vendor's helper with its own defaults: it asks after 1 s, 2 s more, 3 s more, up to every 5 s."""
    async with AsyncLlamaCloud(api_key=KEY, base_url=sandbox) as sdk, _client(sandbox, KEY) as llamacloud:

        async def one(number: int) -> float:
            letter = (f"sdk-{number}.txt", LETTER.format(number=f"sdk-{number}").encode())
            file = await sdk.files.create(file=letter, purpose="classify")
            rules = parse(TABLE, {}).classify_configuration()["rules"]
            job = await sdk.classify.run(file_input=file.id, configuration={"rules": rules})
            return time.time() - await _finished_at(job.id, llamacloud)

        return list(await asyncio.gather(*map(one, range(count))))


async def _finished_at(job_id: str, llamacloud: httpx.AsyncClient) -> float:
    job = await _job(job_id, llamacloud)
    assert job["status"] == "COMPLETED", job
    return _moment(job["updated_at"])


async def _job(job_id: str, llamacloud: httpx.AsyncClient) -> dict[str, Any]:
    job: dict[str, Any] = (await llamacloud.get(f"/api/v2/classify/{job_id}")).raise_for_status().json()
    return job


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def _up(mailroom: httpx.AsyncClient) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if (await mailroom.get("/livez")).is_success:
                return
        await asyncio.sleep(0.1)
    raise RuntimeError("mailroom serve did not start")


@contextlib.asynccontextmanager
async def _client(base_url: str, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _figures(measured: list[float], baseline: list[float]) -> dict[str, float]:
    p50, p99 = _quantiles(measured)
    base50, base99 = _quantiles(baseline)
    return {"documents": len(measured), "p50": p50, "p99": p99, "p50_ratio": p50 / base50, "p99_ratio": p99 / base99}


def _quantiles(measured: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(measured, n=100, method="inclusive")
    return cuts[49], cuts[98]


def _table(shown: dict[str, dict[str, float]]) -> str:
    lines = [f"{'way':<20} {'documents':>9} {'p50 s':>8} {'p99 s':>8}   p50 and p99 against SDK polling"]
    for way, item in shown.items():
        ratios = f"{item['p50_ratio']:.2f} and {item['p99_ratio']:.2f}"
        lines.append(f"{way:<20} {item['documents']:>9} {item['p50']:>8.2f} {item['p99']:>8.2f}   {ratios}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
