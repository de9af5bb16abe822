"""Receivers for tests: a whole App on the adapters given, and a sender that proves itself as LlamaCloud would."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from handlers.destinations.folder import Folder
from handlers.view.child_viewer import ChildViewer
from receiver.bootstrap import App, open_receiver
from receiver.cloud.client import LlamaCloud
from receiver.config import parse
from receiver.core import token
from receiver.core.change import Write
from receiver.core.errors import StoreBusy
from receiver.core.verify_webhook import TOKEN_HEADER, sign
from receiver.http.operator import operator_app
from receiver.http.public import public_app
from receiver.http.stream import ChangeStreams
from receiver.http.webhook import PATH
from receiver.metrics import SummingMeter
from receiver.pipeline.context import Context, WebhookTerms
from receiver.pipeline.handler_registry import HandlerRegistry
from receiver.ports import Store
from receiver.queue.local import LocalQueue
from receiver.settings import Secret, Settings
from receiver.store.memory import MemoryStore
from receiver.store.spool import FolderSpool
from tests.builders import NOW
from tests.mail_fixtures import NearReader
from tests.pdf_fixtures import NearCutter

HEADER, HEADER_SECRET = "X-Mailroom-Key", "static-header-secret-4711"
TOKEN_SECRET, SIGNING_SECRET = "per-job-token-secret-4712", "whsec_signing-secret-4713"
ADMIN_TOKEN, API_KEY = "admin-token-secret-4714", "llx-api-key-secret-4715"
SECRETS = (HEADER_SECRET, TOKEN_SECRET, SIGNING_SECRET, ADMIN_TOKEN, API_KEY)
"""All that must never be seen anywhere."""

TABLE = """
classify:
  rules:
    - {type: invoice, description: "contains an invoice number and a total amount due"}
    - {type: contract, description: "a legal agreement between parties with obligations"}
routes:
  - {type: invoice, min_confidence: 0.8, to: ["folder:///tmp/mailroom-tests/invoices/"]}
  - {type: contract, to: ["folder:///tmp/mailroom-tests/contracts/"]}
no_match: {to: ["folder:///tmp/mailroom-tests/unsorted/"], review: true}
low_confidence: {review: true}
failed: {to: ["folder:///tmp/mailroom-tests/failed/"]}
"""


def settings_with(**given: Any) -> Settings:
    """Settings with every secret set; keywords replace any of them."""
    usual = {
        "llama_cloud_api_key": Secret(API_KEY),
        "public_url": "https://mail.example.com",
        "webhook_headers": Secret(json.dumps({HEADER: [HEADER_SECRET, "an-older-header-value"]})),
        "token_secrets": Secret(TOKEN_SECRET),
        "signing_secrets": Secret(SIGNING_SECRET),
        "admin_token": Secret(ADMIN_TOKEN),
        "store": "memory://",
    }
    return Settings(**{**usual, **given})


def an_app(folder: Path, *, store: Store | None = None, now: float = NOW, **settings: Any) -> App:
    """An application whose clock stands at ``now`` and whose spool lies in ``folder``."""
    given = settings_with(**settings)
    clock = lambda: now  # noqa: E731
    store = store or MemoryStore(clock=clock)
    queue, meter = LocalQueue(), SummingMeter()
    context = Context(
        store=store,
        queue=queue,
        cloud=LlamaCloud("http://127.0.0.1:9", API_KEY),
        spool=FolderSpool(folder / "spool"),
        config=parse(TABLE, {}),
        webhook_terms=WebhookTerms(url=given.webhook_url),
        registry=HandlerRegistry(),
        clock=clock,
        spread=lambda: 0.5,
        meter=meter,
        mail_reader=NearReader(),
        cutter=NearCutter(),
        viewer=ChildViewer(),
        destinations={"folder": Folder()},
        max_document=given.max_upload,
    )
    return App(settings=given, context=context, receiver=open_receiver(given, store, queue, meter, clock=clock))


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends what LlamaCloud sends; any proof may be replaced or, with None, left out."""

    headers: dict[str, str | None] = field(default_factory=dict)
    document_id: str = "doc_known"
    now: float = NOW

    def proofs(self, body: bytes) -> dict[str, str]:
        """The headers that open the door for this body."""
        made = {
            "Content-Type": "application/json",
            HEADER: HEADER_SECRET,
            TOKEN_HEADER: token.make_token(self.document_id, TOKEN_SECRET.encode(), expires_at=self.now + 3600),
            "LC-Signature": sign(body, SIGNING_SECRET.encode()).decode(),
        }
        return {name: value for name, value in {**made, **self.headers}.items() if value is not None}


def a_body(event_id: str = "evt-1", event_type: str = "classify.success", **data: Any) -> bytes:
    """An event as LlamaCloud writes it."""
    envelope = {
        "event_id": event_id,
        "event_type": event_type,
        "timestamp": NOW - 1.5,
        "data": {"job_id": "job-1", **data},
    }
    return json.dumps(envelope).encode()


def client_of(app: App) -> httpx.AsyncClient:
    """Asks the public side."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(public_app(app)), base_url="http://mail")


def operator_of(app: App) -> httpx.AsyncClient:
    """Asks the operator's side, whose streams end at once: an answer is read when it is whole."""
    inside = operator_app(app, streams=ChangeStreams(app.context, seconds=0))
    return httpx.AsyncClient(transport=httpx.ASGITransport(inside), base_url="http://mail")


async def post(client: httpx.AsyncClient, body: bytes, sender: Sender | None = None) -> httpx.Response:
    return await client.post(PATH, content=body, headers=(sender or Sender()).proofs(body))


class BusyStore(MemoryStore):
    """A store that cannot write now."""

    async def apply(self, *writes: Write) -> None:
        raise StoreBusy("the disk at /var/secret-place is full", retry_after=2.2)

    async def ready(self) -> None:
        raise StoreBusy("the disk at /var/secret-place is full")
