"""One run: the stage is set, the crew works in changing weather and dies at the boundaries, then all is audited."""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.local_aws import LocalAws, local_aws
from receiver.config import parse
from receiver.core.change import Query
from receiver.core.task import Task, TaskState
from receiver.store.sqlite import SqliteStore
from tests.chaos.app import FOLDER
from tests.chaos.audit import Verdict, audit
from tests.chaos.boundaries import BOUNDARIES, Kills
from tests.chaos.crew import Crew
from tests.chaos.evidence import KEY, gather
from tests.chaos.line import Line
from tests.chaos.mail import TABLE, Letter, mail, script
from tests.chaos.post import Post
from tests.chaos.weather import Weather
from tests.servers import start_sandbox

AT_ONCE = 3
"""Boundaries that are armed at the same time."""
LATE = 40
"""Letters that are held back, to give boundaries that nobody came by yet another chance,"""
PATIENCE = 40.0
"""for so many seconds in all."""
STORM_SHARE = 0.7
"""The rest of a run's time is for what is open when the storm is over."""
TOKEN = "chaos"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked to do. The same seed draws the same mail, weather and order of kills."""

    seed: int = 1
    documents: int = 300
    minutes: float = 5.0
    """When the run is over at the latest; what is open then counts as lost."""
    seconds: float = 60.0
    """Over how long the mail is handed in."""
    boundaries: tuple[str, ...] = BOUNDARIES
    random_kill_seconds: float = 6.0
    """The mean time between two kills at no boundary in particular."""
    webhooks: bool = True
    app: str = "tests.chaos.app:build"
    """The composition root; a broken one must be found out."""


@dataclass(kw_only=True)
class Report:
    """What a run came to."""

    verdict: Verdict
    seconds: float
    kills: list[str]
    """The boundaries at which a process died."""
    random_kills: int
    unreached: list[str]
    aws_faults: dict[str, int]
    llamacloud_faults: dict[str, int]
    weather: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.verdict.good


async def run(plan: Plan, folder: Path) -> Report:
    """Carries the plan out; ``folder`` gets the store and the processes' logs."""
    begun = time.monotonic()
    rng = random.Random(plan.seed)
    letters = mail(plan.documents, rng)
    script(letters, folder / "script.json")
    (folder / "mailroom.yaml").write_text(TABLE)
    kills = Kills(folder)
    kills.make()
    judge = f"scripted:{folder / 'script.json'}"
    sandbox_options = ("--judge", judge, "--think", "0.2", "--no-limits", "--seed", str(plan.seed))
    with local_aws() as aws, start_sandbox(*sandbox_options) as sandbox:
        config = parse(TABLE, {})
        aws.make(config.table.targets(), [rule.channel for rule in config.alerts])
        async with Line(aws.endpoint, rng).up() as line:
            address = f"http://127.0.0.1:{_free_port(rng)}"
            crew = Crew(folder, _environment(plan, folder, address, sandbox.url, aws, line), rng)
            weather = Weather(sandbox.url, line, rng, webhooks=plan.webhooks)
            post = Post(address, TOKEN, rng)
            over = begun + plan.minutes * 60
            async with crew.at_work(_members(address)):
                await _unless(crew.watch(), _storm(plan, letters, post, weather, crew, kills, rng))
                unreached = kills.disarm()
                faults = await weather.clear()
                await _unless(crew.watch(), _settled(SqliteStore(folder / "mailroom.db"), over))
            await post.close()
            evidence = await gather(aws, sandbox.url, SqliteStore(folder / "mailroom.db"))
    died = kills.done()
    verdict = audit(
        post.acknowledged, evidence, bound=crew.killed + line.unanswered, refused=[*post.refused, *crew.astray]
    )
    return Report(
        verdict=verdict,
        seconds=time.monotonic() - begun,
        kills=died,
        random_kills=crew.killed - len(died),
        unreached=unreached,
        aws_faults=dict(line.struck),
        llamacloud_faults=faults,
        weather=weather.seen,
    )


async def _storm(
    plan: Plan, letters: list[Letter], post: Post, weather: Weather, crew: Crew, kills: Kills, rng: random.Random
) -> None:
    """The mail comes in while everything goes wrong; its last letters come when every boundary was reached."""
    most = len(letters) - LATE
    until = time.monotonic() + plan.minutes * 60 * STORM_SHARE
    async with _meanwhile(weather.change(), crew.kill_at_random(plan.random_kill_seconds)):
        reaping = asyncio.create_task(_reap(plan.boundaries, kills, rng))
        try:
            await post.hand_in(letters[:most], seconds=plan.seconds, until=until)
            for letter in letters[most:]:
                await post.hand_in([letter], seconds=0, until=until)
                await asyncio.wait([reaping], timeout=PATIENCE / LATE)
        finally:
            reaping.cancel()
            await asyncio.gather(reaping, return_exceptions=True)


async def _reap(boundaries: tuple[str, ...], kills: Kills, rng: random.Random) -> None:
    """Arms the boundaries, a few at a time, until a process has died at each."""
    waiting = rng.sample(boundaries, len(boundaries))
    armed: set[str] = set()
    while waiting or armed:
        armed -= set(kills.done())
        while waiting and len(armed) < AT_ONCE:
            kills.arm(waiting[-1])
            armed.add(waiting.pop())
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _meanwhile(*works: Any) -> AsyncIterator[None]:
    """These go on while the block lasts."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    for one in done:
        if isinstance(one, Exception):
            raise one


async def _unless(watching: Any, working: Any) -> None:
    """Does the work, unless the watch ends it with an error."""
    tasks = [asyncio.create_task(watching), asyncio.create_task(working)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _settled(store: SqliteStore, over: float) -> None:
    """Waits until no document is open and no task is to be done, or the run's time is over."""
    try:
        while await _busy(store) and time.monotonic() < over:  # noqa: ASYNC110  it is other processes that we wait for
            await asyncio.sleep(0.3)
    finally:
        await store.close()


async def _busy(store: SqliteStore) -> bool:
    if (await store.tally()).open:
        return True
    states = (TaskState.READY, TaskState.RUNNING)
    return any([(await store.find(Task, Query(by="state", key=state, limit=1))).records for state in states])


def _members(address: str) -> dict[str, tuple[str, ...]]:
    port = address.rpartition(":")[2]
    return {"serve": ("serve", "--port", port), "worker": ("worker",)}


def _environment(plan: Plan, folder: Path, address: str, sandbox: str, aws: LocalAws, line: Line) -> dict[str, str]:
    ours = ("MAILROOM_", "AWS_", "LLAMA_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | {
        **aws.env,
        "AWS_ENDPOINT_URL": line.url,
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": sandbox,
        "MAILROOM_ADMIN_TOKEN": TOKEN,
        "MAILROOM_APP": plan.app,
        "MAILROOM_CONCURRENCY": "8",
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_LEASE_SECONDS": "5",
        "MAILROOM_PUBLIC_URL": address,
        "MAILROOM_SIGNING_SECRETS": "whsec_chaos",
        "MAILROOM_STORE": f"sqlite:///{folder}/mailroom.db",
        "MAILROOM_SWEEP_SECONDS": "1",
        "MAILROOM_TOKEN_SECRETS": "chaos-token",
        "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["chaos-key"]}',
        FOLDER: str(folder),
    }


def _free_port(rng: random.Random) -> int:
    """A port outside of those that outgoing connections are given: nobody takes it while the receiver is down."""
    import socket

    while True:
        port = rng.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
