"""What a search and each list cost at the server, with many documents against hardly any, as ratios within one run.

Usage: python -m benchmarks.search [--documents 100000] [--folder DIR]

Two SQLite stores in DIR (default: the current folder, so that it is a real disk), one with 100 documents. The requests
go through the operator's application, as the page sends them, interleaved; the figures are medians. The ratios hardly
depend on the machine. Exit code 1 if a request takes longer than 100 ms with many documents, in the median.
"""

import argparse
import asyncio
import hashlib
import random
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx

from receiver.core.change import Insert
from receiver.core.document import Classification, Delivery, DeliveryState, Document, DocumentState, Origin, Receipt
from receiver.core.plan import Target
from receiver.store.sqlite.search_index import index_some
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_document, a_task, an_event
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

FEW = 100
ROUNDS = 7
LIMIT_MS = 100.0
WORDS = ("harbour", "freight", "invoice", "contract", "acme", "supplies", "march", "report", "ltd", "rechnung")
TYPES = ("invoice", "contract", "reminder", "letter")
STATES = (*(DocumentState.ROUTED,) * 95, *(DocumentState.REVIEW,) * 3, DocumentState.FAILED, DocumentState.OPEN)
REQUESTS = {
    "all": "/documents?",
    "state review": "/documents?state=review",
    "type invoice": "/documents?type=invoice",
    "since 7d": "/documents?q=since:7d",
    "confidence <0.5": "/documents?q=confidence:<0.5",
    "confidence <0.001": "/documents?q=confidence:<0.001",
    "type, state, confidence": "/documents?q=type:invoice state:failed confidence:<0.5",
    "a common word": "/documents?q=pdf",
    "a word": "/documents?q=harbour",
    "two words and a type": "/documents?q=harbour acme type:contract",
    "one name": "/documents?q=name:-000042.pdf",
    "a sender": "/documents?q=sender:acme@freight.example",
    "a place": "/documents?q=place:s3://mail/report/",
    "the start of an id": "/documents?q=id:doc_00",
    "a SHA-256": f"/documents?q={hashlib.sha256(b'42').hexdigest()}",
    "nothing": "/documents?q=nowhere",
    "a word, excluded": "/documents?q=harbour -freight",
    "two letters": "/documents?q=zq",
    "events": "/events?",
    "tasks": "/tasks?",
    "parked tasks": "/tasks?state=parked",
    "alerts": "/alerts?",
}


def document_number(number: int, chance: random.Random) -> Document:
    """One of them: with words, a sender, places and ids as real ones have; one a minute, the newest last."""
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    document_id, name = f"doc_{sha256[20:40]}", f"{chance.choice(WORDS)}-{number:06d}.pdf"
    place = f"s3://mail/{chance.choice(WORDS)}/2026/{document_id}/{name}"
    delivered = Delivery(
        id=f"dlv_{sha256[:20]}",
        to=Target(url="s3://mail/"),
        route="invoice",
        state=DeliveryState.DELIVERED,
        receipt=Receipt(location=place, checksum=f"sha256:{sha256}"),
    )
    message = replace(delivered, id=f"msg_{sha256[:20]}", receipt=Receipt(location="sqs://https://sqs.example/1/mail"))
    return a_document(
        id=document_id,
        name=name,
        sha256=sha256,
        taken_in_at=NOW + number * 60,
        origin=Origin(kind="email", locator=sha256, sender=f"{chance.choice(WORDS)}@{chance.choice(WORDS)}.example"),
        metadata={"subject": f"{chance.choice(WORDS)} {chance.choice(WORDS)} {number}"},
        job_id=f"cls-{sha256[40:]}",
        state=chance.choice(STATES),
        classification=Classification(type=chance.choice(TYPES), confidence=chance.random(), reasoning="it says so"),
        deliveries=(delivered, message),
        batch_id=document_id,
    )


async def fill(store: SqliteStore, number: int) -> None:
    """Documents, with an event and a task each, and the search index brought up to date."""
    chance = random.Random(1)  # the same documents each time
    started = time.perf_counter()
    for first in range(0, number, 1000):
        changes = [
            store.apply(
                Insert(document_number(item, chance)),
                Insert(an_event(received_at=NOW + item)),
                Insert(a_task(created_at=NOW + item)),
            )
            for item in range(first, min(first + 1000, number))
        ]
        await asyncio.gather(*changes)
    stored = time.perf_counter()
    while not await store._writer.do(index_some):
        pass
    print(
        f"{number:,} documents: stored in {stored - started:.0f} s, indexed {time.perf_counter() - stored:.0f} s later"
    )


async def asked(client: httpx.AsyncClient, path: str) -> tuple[float, float]:
    """Milliseconds that the answer took: of time, and of a processor."""
    started, worked = time.perf_counter(), time.process_time()
    answer = await client.get(path)
    took = (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000
    assert answer.status_code == 200, answer.text
    return took


async def compare(number: int, folder: Path) -> bool:
    """Prints each request's medians and their ratio; whether all are fast enough."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-search-") as made:
        place = Path(made)
        now = NOW + number * 60
        stores = [SqliteStore(place / f"{name}.db", lambda: now) for name in ("few", "many")]
        async with AsyncExitStack() as stack:
            clients = []
            for store, documents in zip(stores, (FEW, number), strict=True):
                stack.push_async_callback(store.close)
                await fill(store, documents)
                client = await stack.enter_async_context(operator_of(an_app(place, store=store, now=now)))
                client.headers["authorization"] = f"Bearer {ADMIN_TOKEN}"
                clients.append(client)
            slow = 0
            print(f"{'request':26}{FEW:>10,}{number:>12,}   ratio   processor, ratio")
            for name, path in REQUESTS.items():
                rounds = [[await asked(client, f"{path}&limit=100") for client in clients] for _ in range(ROUNDS)]
                few, many = [
                    [statistics.median(item) for item in zip(*column, strict=True)]
                    for column in zip(*rounds, strict=True)
                ]
                slow += many[0] > LIMIT_MS
                took = f"{few[0]:>7.1f} ms{many[0]:>9.1f} ms{many[0] / few[0]:>8.1f}"
                over = "  over the limit" if many[0] > LIMIT_MS else ""
                print(f"{name:26}{took}{many[1]:>9.1f} ms{many[1] / few[1]:>7.1f}{over}", flush=True)
            print(f"{len(REQUESTS) - slow} of {len(REQUESTS)} requests within {LIMIT_MS:.0f} ms")
            return not slow


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path())
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(compare(given.documents, given.folder)) else 1)
