"""A probe counts as let in when the receivers let it in, not when a queue in front of them takes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.cli import probe as probe_module
from receiver.cli.probe import ProbeResult, probe
from receiver.core.event import Event
from receiver.core.ids import event_key
from receiver.core.sample import Proofs
from receiver.store.memory import MemoryStore
from tests.servers import serve

pytestmark = pytest.mark.anyio
PROOFS = Proofs(headers={"X-Mailroom-Key": "a-header-value"}, token_secret=b"a-token-secret", document_id="rotation")


class Stored(MemoryStore):
    """Has the events with these ids of LlamaCloud's, at the third look."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 0.0)
        self.ids: list[str] = []
        self.looks = 0

    async def get(self, kind: type[Any], record_id: str) -> Any:
        self.looks += 1
        assert kind is Event
        known = [event_key(item, "rotation") for item in self.ids]
        return record_id if self.looks >= 3 and record_id in known else None


@contextmanager
def answering(status: int, body: dict[str, str], store: Stored, *, stores: bool) -> Iterator[str]:
    async def answer(request: Request) -> Response:
        if stores:
            store.ids.append((await request.json())["event_id"])
        return JSONResponse(body, status)

    with serve(Starlette(routes=[Route("/webhooks/llamacloud", answer, methods=["POST"])])) as url:
        yield f"{url}/webhooks/llamacloud"


@pytest.mark.parametrize(("status", "let_in"), [(202, True), (200, True), (401, False), (503, False)])
async def test_a_receiver_answers_for_itself(status: int, let_in: bool) -> None:
    store = Stored()
    with answering(status, {"status": "accepted"}, store, stores=False) as url:
        assert await probe("mailroom.doctor", PROOFS, url, store) == ProbeResult(let_in, status)
    assert store.looks == 0


@pytest.mark.parametrize("stores", [True, False])
async def test_behind_a_queue_the_stored_event_is_the_answer(monkeypatch: pytest.MonkeyPatch, stores: bool) -> None:
    monkeypatch.setattr(probe_module, "LOOK_SECONDS", 0.001)
    store = Stored()
    with answering(200, {"status": "queued"}, store, stores=stores) as url:
        within = 60.0 if stores else 0.01
        found = await probe("mailroom.rotation", PROOFS, url, store, stored_within=within)
    assert found == ProbeResult(stores, 200, queued=True)
