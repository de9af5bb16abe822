"""Secrets that are exchanged while we run: a renewal that would weaken the door, or cannot be read, is refused."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from receiver import renewal
from receiver.core.change import Query
from receiver.core.task import Task
from receiver.core.verify_webhook import sign
from receiver.read_settings import from_environ
from receiver.renewal import keep_fresh
from receiver.settings import Settings
from receiver.store.memory import MemoryStore
from tests.receivers import (
    ADMIN_TOKEN,
    HEADER,
    HEADER_SECRET,
    SIGNING_SECRET,
    TOKEN_SECRET,
    BusyStore,
    Sender,
    a_body,
    an_app,
    client_of,
    operator_of,
    post,
)

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 20
NEW = "whsec_a-new-signing-secret"
AUTH = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
FILES = {
    "signing_secrets": SIGNING_SECRET,
    "token_secrets": TOKEN_SECRET,
    "webhook_headers": json.dumps({HEADER: [HEADER_SECRET]}),
    "admin_token": ADMIN_TOKEN,
    "operators": '{"ann": {"role": "viewer"}}',
}


class Receiver:
    """A receiver whose secrets lie in files that are read again and again."""

    def __init__(self, folder: Path, store: MemoryStore | None = None) -> None:
        self._folder = folder
        for name, text in FILES.items():
            self.write(name, text.encode())
        chosen = self.read()
        self.app = replace(an_app(folder, store=store), settings=chosen)
        assert self.app.receiver is not None
        self.app.receiver.secrets = chosen.webhook_secrets()
        self.reads = 0

    def write(self, name: str, content: bytes) -> None:
        """In one step: a file written in place is empty for a moment, which is a case of its own."""
        written = self._folder / f"{name}.new"
        written.write_bytes(content)
        written.replace(self._folder / name)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink()

    def read(self) -> Settings:
        env = {f"MAILROOM_{name.upper()}_FILE": str(self._folder / name) for name in FILES}
        return from_environ({**env, "LLAMA_CLOUD_API_KEY": "llx-1", "MAILROOM_PUBLIC_URL": "https://mail.example.com"})

    def look(self) -> Settings:
        self.reads += 1
        return self.read()

    async def looked(self, times: int = 3) -> None:
        """Waits until what lies there now was read so often."""
        goal = self.reads + times
        await until(lambda: _true(self.reads >= goal))

    async def status(self, **changed: str | None) -> int:
        async with client_of(self.app) as client:
            proofs = {name.replace("_", "-"): value for name, value in changed.items()}
            return (await post(client, a_body(), Sender(headers=proofs))).status_code

    async def alerts(self) -> list[Task]:
        found = await self.app.context.store.find(Task, Query(limit=100))
        return [task for task in found.records if task.kind == "alert"]


async def _true(holds: bool) -> bool:
    return holds


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0.01)


@asynccontextmanager
async def renewing(receiver: Receiver) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_fresh(receiver.app, every_seconds=0.01, read=receiver.look))
    try:
        yield
        assert not task.done(), "the renewing goes on, whatever it met"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


WEAKER: dict[str, tuple[str, bytes | None]] = {
    "an emptied file": ("signing_secrets", b""),
    "a file of white space": ("token_secrets", b" \n"),
    "a list of nothing": ("token_secrets", b",,,"),
    "a list with a hole": ("signing_secrets", f"{SIGNING_SECRET},".encode()),
    "a short secret": ("signing_secrets", b"x"),
    "no UTF-8": ("signing_secrets", b"\xff\xfe\xff" * 10),
    "a removed file": ("token_secrets", None),
    "half a JSON object": ("webhook_headers", b'{"X-Mailroom-Key": ["static-hea'),
    "no header": ("webhook_headers", b"{}"),
    "another header": ("webhook_headers", b'{"X-Other-Key": ["static-header-secret-4711"]}'),
    "one header more": ("webhook_headers", json.dumps({HEADER: [HEADER_SECRET], "X-B": ["b" * 20]}).encode()),
    "no token for the operator": ("admin_token", b""),
    "a short token for the operator": ("admin_token", b"x"),
    "an emptied list of operators": ("operators", b""),
    "half a list of operators": ("operators", b'{"ann": {"role": "vie'),
}


@pytest.mark.parametrize("what", WEAKER)
async def test_a_renewal_that_would_weaken_the_door_changes_nothing_and_somebody_is_told(
    what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mailroom.serve")
    name, content = WEAKER[what]
    receiver = Receiver(tmp_path)
    async with renewing(receiver):
        receiver.remove(name) if content is None else receiver.write(name, content)
        await until(lambda: _some(receiver.alerts()))
        await receiver.looked()
        assert await receiver.status() == 202
        for missing in ({"LC_Signature": None}, {HEADER: None}, {"X_Mailroom_Token": None}):
            assert await receiver.status(**missing) == 401
        async with operator_of(receiver.app) as operator:
            assert (await operator.get("/events", headers=AUTH)).status_code == 200
        receiver.write(name, FILES[name].encode())
        receiver.write("signing_secrets", f"{NEW},{SIGNING_SECRET}".encode())
        await until(lambda: _accepts(receiver, NEW))
    (alert,) = await receiver.alerts()
    assert '"kind":"secret.refused"' in alert.details["alert"]
    told = [record.getMessage() for record in caplog.records if record.name == "mailroom.serve"]
    assert told == ["secrets.refused", "secrets.renewed"], "told once, however often it is read"


async def _some(found: Awaitable[list[Task]]) -> bool:
    return bool(await found)


async def _accepts(receiver: Receiver, secret: str) -> bool:
    return await receiver.status(LC_Signature=sign(a_body(), secret.encode()).decode()) in (200, 202)


async def test_the_operators_token_is_exchanged_too(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path)
    async with renewing(receiver), operator_of(receiver.app) as operator:
        receiver.write("admin_token", b"another-token-for-the-operator")

        async def status(token: str) -> int:
            return (await operator.get("/events", headers={"Authorization": f"Bearer {token}"})).status_code

        await until(lambda: _true(receiver.app.access.token.reveal() != ADMIN_TOKEN))
        assert await status("another-token-for-the-operator") == 200
        assert await status(ADMIN_TOKEN) == 401


async def test_while_the_store_is_away_it_is_tried_again_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(renewal, "AGAIN_SECONDS", 0.02)
    receiver = Receiver(tmp_path, store=BusyStore())
    async with renewing(receiver):
        receiver.write("signing_secrets", b"")
        await until(lambda: _true(sum(item.getMessage() == "secrets.alert_failed" for item in caplog.records) > 1))
    assert all(record.levelno == logging.ERROR for record in caplog.records)
