"""Bulkheads: what one partner that hangs costs the documents that do not need it.

A real ``mailroom serve`` (SQLite, one worker) gets invoices, which go to a folder, and among them contracts, which go
to the partner. Invoices a second are measured from the first one handed in to the last one in its folder, with the
partner hanging and, right before, with the same mail and the partner answering. Printed is the ratio of the two; below
0.8 the exit code is 1. (What limits both is LlamaCloud's rate of uploads, 50 in 5 s.)

    an endpoint     takes the request, sends a head and drips the rest of it, a byte each 50 ms
    a bucket        S3 takes the request and says nothing
    LlamaCloud      takes the question for the job of each contract and says nothing, and answers for all others

Usage: python -m benchmarks.bulkheads [--invoices 120] [--contracts 40] [--json]
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.lateness import _client, _free_port, _up
from llamacloud_sandbox.testing import start_sandbox
from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.store.sqlite.store import SqliteStore
from tests import trickle
from tests.servers import ROOT, serve

WELL_ENOUGH = 0.8
PATIENCE_SECONDS = 180.0
TABLE = """\
classify:
  rules:
    - {{type: invoice, description: "an invoice with a number, line items and a total amount due"}}
    - {{type: contract, description: "a legal agreement between parties, with signatures"}}
routes:
  - {{type: invoice, to: ["folder://{folder}/invoices/"]}}
  - {{type: contract, to: [{to}]}}
no_match: {{to: ["folder://{folder}/unsorted/"]}}
low_confidence: {{to: ["folder://{folder}/unsure/"]}}
failed: {{to: ["folder://{folder}/failed/"]}}
"""
INVOICE = "INVOICE\nInvoice number {number}\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
CONTRACT = "CONTRACT\nThis agreement number {number} is made between the parties\nSignatures of both parties\n"
KEY, TOKEN = "llx-bulkheads", "a-token-for-bulkheads"


class Partner:
    """One of the partners: where contracts go, and what is between Mailroom and it, well and hanging."""

    def __init__(self, folder: Path, sandbox: str) -> None:
        self.folder = folder
        self.llamacloud = sandbox
        self.to = f'"folder://{folder}/contracts/"'
        """As the routing table has it."""
        self.env: dict[str, str] = {}


@contextlib.contextmanager
def endpoint(partner: Partner, *, hangs: bool) -> Iterator[None]:
    """Contracts are told to an endpoint."""
    with trickle.trickling(trickle.drips_a_head if hangs else _well) as server:
        partner.to = f'{{to: "{server.url}/hook", unsigned: true}}'
        yield


@contextlib.contextmanager
def bucket(partner: Partner, *, hangs: bool) -> Iterator[None]:
    """Contracts are put into a bucket; without the fault into a folder, for we have no S3 as quick as that."""
    with trickle.trickling(trickle.hangs) as server:
        partner.env = {"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
        partner.env["AWS_DEFAULT_REGION"] = "us-east-1"
        if hangs:
            partner.to = '"s3://contracts/there/"'
        yield


@contextlib.contextmanager
def llamacloud(partner: Partner, *, hangs: bool) -> Iterator[None]:
    """Between Mailroom and LlamaCloud is somebody who does not answer for the jobs of contracts."""
    with serve(_between(partner.llamacloud, hangs=hangs)) as url:
        partner.llamacloud = url
        yield


SCENARIOS: dict[str, Callable[..., contextlib.AbstractContextManager[None]]] = {
    "an endpoint": endpoint,
    "a bucket": bucket,
    "LlamaCloud": llamacloud,
}


def _well(to: Any, over: Any) -> None:
    to.sendall(trickle.HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")


def _between(target: str, *, hangs: bool) -> Starlette:
    client = httpx.AsyncClient(base_url=target, trust_env=False, timeout=60)
    contracts: set[str] = set()
    """Files, and then jobs, of contracts."""

    async def passed_on(request: Request) -> Response:
        body, path = await request.body(), request.url.path
        if hangs and request.method == "GET" and path.rpartition("/")[2] in contracts:
            with contextlib.suppress(asyncio.CancelledError):  # the end of the benchmark
                await asyncio.sleep(PATIENCE_SECONDS)
            return Response(status_code=503)
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "accept-encoding")}
        answer = await client.request(request.method, path, params=request.query_params, content=body, headers=headers)
        known = any(item.encode() in body for item in contracts)
        if request.method == "POST" and answer.is_success and (known or b"CONTRACT" in body):
            contracts.add(answer.json()["id"])
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    return Starlette(routes=[Route("/{path:path}", passed_on, methods=["GET", "POST", "PUT", "DELETE"])])


def main() -> None:
    asked = _arguments()
    shown = {name: _ratio(scenario, asked.invoices, asked.contracts) for name, scenario in SCENARIOS.items()}
    print(json.dumps(shown, indent=2) if asked.json else _table(shown))
    sys.exit(0 if min(item["ratio"] for item in shown.values()) >= WELL_ENOUGH else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invoices", type=int, default=120, help="that need the partner not at all (120)")
    parser.add_argument("--contracts", type=int, default=40, help="that need it (40)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _ratio(scenario: Any, invoices: int, contracts: int) -> dict[str, float]:
    well, hanging = (_measured(scenario, invoices, contracts, hangs=hangs) for hangs in (False, True))
    return {"well": well, "hanging": hanging, "ratio": hanging / well}


def _measured(scenario: Any, invoices: int, contracts: int, *, hangs: bool) -> float:
    """Invoices a second."""
    with tempfile.TemporaryDirectory(prefix="mailroom-bulkheads-") as name, start_sandbox("--no-limits") as sandbox:
        partner = Partner(Path(name), sandbox.url)
        with scenario(partner, hangs=hangs):
            (partner.folder / "mailroom.yaml").write_text(TABLE.format(folder=partner.folder, to=partner.to))
            with _mailroom(partner) as address:
                return asyncio.run(_rate(address, partner.folder / "mailroom.db", invoices, contracts))


@contextlib.contextmanager
def _mailroom(partner: Partner) -> Iterator[str]:
    """A running ``mailroom serve``, by its operator's address."""
    port, operator = _free_port(), _free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MAILROOM_", "AWS_", "LLAMA_"))}
    env |= partner.env | {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": partner.llamacloud,
        "MAILROOM_ADMIN_TOKEN": TOKEN,
        "MAILROOM_CONFIG": str(partner.folder / "mailroom.yaml"),
        "MAILROOM_LOG_LEVEL": "error",
        "MAILROOM_OPERATOR_ADDRESS": f"127.0.0.1:{operator}",
        "MAILROOM_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MAILROOM_STORE": f"sqlite:///{partner.folder}/mailroom.db",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-bulkheads",
    }
    serving = subprocess.Popen([sys.executable, "-m", "receiver", "serve", "--port", str(port)], cwd=ROOT, env=env)
    try:
        yield f"http://127.0.0.1:{operator}"
    finally:
        serving.kill()
        serving.wait()


async def _rate(address: str, path: Path, invoices: int, contracts: int) -> float:
    letters = [("invoice", INVOICE.format(number=number)) for number in range(invoices)]
    for number in range(contracts):  # spread among the others, the first one first
        letters.insert(number * (invoices // contracts + 1), ("contract", CONTRACT.format(number=number)))
    async with _client(address, TOKEN) as mailroom:
        await _up(mailroom)
        begun = time.monotonic()
        for start in range(0, len(letters), 20):
            files = [
                ("file", (f"{kind}-{start}-{n}.txt", text.encode()))
                for n, (kind, text) in enumerate(letters[start : start + 20])
            ]
            (await mailroom.post("/documents", files=files)).raise_for_status()
        store = SqliteStore(path)
        while await _routed(store) < invoices:
            if time.monotonic() - begun > PATIENCE_SECONDS:
                break
            await asyncio.sleep(0.1)
        rate = await _routed(store) / (time.monotonic() - begun)
        await store.close()
    return rate


async def _routed(store: SqliteStore) -> int:
    query = Query(by="state", key=DocumentState.ROUTED, limit=1000)
    return sum(item.type == "invoice" for item in (await store.find(Document, query)).records)


def _table(shown: dict[str, dict[str, float]]) -> str:
    lines = [f"{'partner':<14} {'well':>8} {'hanging':>8}  invoices a second    ratio"]
    for name, item in shown.items():
        lines.append(f"{name:<14} {item['well']:>8.1f} {item['hanging']:>8.1f} {item['ratio']:>26.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
