"""Every background task of a server is killed; each comes back, and is named while it is down."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from receiver import supervisor
from receiver.bootstrap import App
from receiver.cli.listeners import address_of, listening
from receiver.cli.serve import serve_until
from receiver.http import readiness
from receiver.renewal import keep_fresh
from receiver.stopping import Stopping
from receiver.supervisor import Background, Supervisor
from tests.receivers import Sender, a_body, an_app

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 30
NAMES = {
    "worker",
    "sweep",
    "missed",
    "overdue",
    "takeover",
    "clock",
    "retention",
    "queue",
    "feed 1",
    "secrets",
    "readiness",
}


class Killer:
    """Kills every background task as it begins, until it lets them live."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.active = True

    def mortal(self, name: str, task: Background) -> Background:
        async def work() -> object:
            if self.active:
                self.names.add(name)
                raise RecursionError(f"{name} was killed")
            return await task()

        return work


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    killer, running = Killer(), Supervisor.running

    @asynccontextmanager
    async def deadly(self: Supervisor, tasks: Mapping[str, Background]) -> AsyncIterator[None]:
        async with running(self, {name: killer.mortal(name, task) for name, task in tasks.items()}):
            yield

    monkeypatch.setattr(Supervisor, "running", deadly)
    return killer


async def feed(app: App) -> None:
    await asyncio.Event().wait()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0.02)


async def test_each_is_killed_and_comes_back(tmp_path: Path, killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.2)
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 0.05)
    app, stop, ready = replace(an_app(tmp_path), feeds=(feed,)), Stopping(), asyncio.Event()
    with listening(("127.0.0.1", 0), ("127.0.0.1", 0)) as listeners:
        assert listeners.operator is not None
        public, operator = address_of(listeners.public), address_of(listeners.operator)
        background = {"secrets": lambda: keep_fresh(app, read=lambda: app.settings)}
        serving = asyncio.create_task(serve_until(stop, app, listeners, announce=ready.set, background=background))
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)

            async def status(of: str) -> dict[str, object]:
                answer = await client.get(f"{of}/readyz")
                assert answer.status_code == 200, "events are kept all the same"
                told: dict[str, object] = answer.json()
                return told

            async def says(of: str, expected: dict[str, object]) -> bool:
                return await status(of) == expected

            await until(lambda: says(operator, {"status": "degraded", "down": sorted(NAMES)}))
            assert await status(public) == {"status": "degraded"}
            body = a_body()
            accepted = await client.post(f"{public}/webhooks/llamacloud", content=body, headers=Sender().proofs(body))
            assert accepted.status_code == 202
            assert 'mailroom_background_down{task="sweep"} 1.0' in (await client.get(f"{operator}/metrics")).text
            killer.active = False
            await until(lambda: says(operator, {"status": "ready"}))
            assert await status(public) == {"status": "ready"}
            metrics = (await client.get(f"{operator}/metrics")).text
        stop.begin()
        await serving
    assert killer.names == NAMES
    for name in NAMES:
        assert f'mailroom_background_failures_total{{task="{name}"}}' in metrics
    assert "mailroom_background_down{" not in metrics
