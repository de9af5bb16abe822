"""One run: processes work under changing faults and are killed at the boundaries; then everything is audited."""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.demo.local_aws import LocalAws, local_aws
from llamacloud_sandbox.testing import start_sandbox
from receiver.config import parse
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.task import Task, TaskState
from receiver.pipeline.records import find_records
from receiver.ports import Store
from tests.balancer import a_balancer
from tests.chaos.app import FOLDER
from tests.chaos.audit import Verdict, audit
from tests.chaos.boundaries import BOUNDARIES, Kills
from tests.chaos.clocks import Clocks
from tests.chaos.environment import on_aws, one_machine
from tests.chaos.evidence import ALL, KEY, gather
from tests.chaos.fault_schedule import FaultSchedule
from tests.chaos.letters import Letter
from tests.chaos.line import Line
from tests.chaos.mail import PACKETS, TABLE, mail, script
from tests.chaos.operator import Operator
from tests.chaos.placed import Placed
from tests.chaos.post import Post
from tests.chaos.process_pool import ProcessPool

AT_ONCE = 16
"""Boundaries that are armed at the same time."""
PAUSE = 2.0
"""Seconds between two of the letters that come after the plan's, while boundaries are left."""
HEAP = 10
"""While more are open than this, none of these letters comes."""
STORM_SHARE = 0.7
"""The rest of a run's time is for what is open when the storm is over."""
REMINDED_SECONDS = 60
"""What is due later than this only looks whether other work was done: attempts follow each other within seconds."""
SCRIPT = "script.json"
TOKEN = "the-token-of-chaos"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked to do. The same seed gives the same mail, faults and order of kills."""

    seed: int = 1
    documents: int = 300
    minutes: float = 5.0
    """When the run is over at the latest; what is open then counts as lost."""
    seconds: float = 60.0
    """Over how long they are handed in."""
    more: int = 400
    """How many more may follow, one by one, while there are boundaries that nobody came by yet: enough for the rarest,
    a piece that is withdrawn, which one packet in six has, and that must come twice."""
    packets: float = PACKETS
    """The share of packets in the mail."""
    by_id: float = 0.0
    """The share of letters that are at LlamaCloud already, and are submitted by their id there."""
    boundaries: tuple[str, ...] = BOUNDARIES
    random_kill_seconds: float = 6.0
    """The mean time between two kills at no boundary in particular."""
    clock_steps: bool = False
    """Whether each process's wall clock jumps by up to an hour now and then, and comes back."""
    downtime_seconds: float = 0.0
    """How long a process that is killed at random stays down at most; some of these kills take all at once then."""
    webhooks: bool = True
    aws: bool = False
    """Two receivers and two workers on DynamoDB and SQS, instead of two processes on one SQLite file."""
    app: str = "tests.chaos.app:build"
    """The composition root; a broken one must be found out."""


@dataclass(kw_only=True)
class Report:
    """What a run came to."""

    verdict: Verdict
    handed_in: int
    """Letters and packets; their pieces are not counted."""
    by_id: int
    """How many of these were submitted by their id at LlamaCloud."""
    seconds: float
    kills: list[str]
    """The boundaries at which a process died."""
    random_kills: int
    placed: str
    """Within which time every document was placed, in words."""
    clock_steps: int
    down_seconds: float
    """For how long killed processes stayed down, added up."""
    together: int
    """How often all were killed at once."""
    storm_seconds: float
    """How much of it was storm; the rest is start, what was open then, and the count."""
    unreached: list[str]
    aws_faults: dict[str, int]
    llamacloud_faults: dict[str, int]
    schedule: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.verdict.good


async def run(plan: Plan, folder: Path) -> Report:
    """Carries the plan out; ``folder`` gets the store and the processes' logs."""
    begun = time.monotonic()
    rng = random.Random(plan.seed)
    letters, kills = _laid_out(plan, folder, rng)
    judge = ("--judge", f"scripted:{folder / SCRIPT}", "--think", "0.2", "--no-limits", "--seed", str(plan.seed))
    with local_aws() as aws, start_sandbox(*judge) as sandbox, a_balancer() as balancer, a_balancer() as inside:
        config = parse(TABLE, {})
        aws.make(config.table.targets(), [rule.channel for rule in config.alerts])
        environment = on_aws(aws) if plan.aws else one_machine(folder)
        balancer.backends = [("127.0.0.1", port) for port in environment.ports]
        inside.backends = [("127.0.0.1", port) for port in environment.operators.values()]
        async with Line(aws.endpoint, rng).up() as line:
            env = _environment(plan, folder, balancer.url, sandbox.url, aws, line) | environment.env
            clocks = Clocks(folder, rng)
            pool = ProcessPool(
                folder, env, rng, downtime_seconds=plan.downtime_seconds, clocks=clocks if plan.clock_steps else None
            )
            schedule = FaultSchedule(sandbox.url, line, rng, webhooks=plan.webhooks)
            post = Post(inside.url, TOKEN, rng, sandbox=sandbox.url, by_id=plan.by_id)
            over = begun + plan.minutes * 60
            totals = environment.store()
            operator = Operator(pool, totals, post.acknowledged)
            placed = Placed(totals, post.acknowledged_at)
            async with (
                pool.at_work(environment.members, environment.operators),
                _meanwhile(operator.work(), placed.watch()),
            ):
                async with _meanwhile(*([clocks.step(environment.members)] if plan.clock_steps else [])):
                    await _unless(pool.watch(), _storm(plan, letters, post, schedule, pool, kills, totals, rng))
                stormed = time.monotonic() - begun
                kills.disarm()
                unreached = sorted(set(plan.boundaries) - set(kills.done()))
                faults = await schedule.clear()
                await _unless(pool.watch(), _settled(totals, operator, plan, environment.look_seconds, over))
            await placed.look()
            await post.close()
            evidence = await gather(aws, sandbox.url, totals, environment.spool, vendor_ids=post.vendor_ids)
    verdict = audit(
        operator.known, evidence, bound=pool.killed + line.unanswered, refused=[*post.refused, *pool.astray],
        clocks_right=not plan.clock_steps,
    )  # fmt: skip
    return Report(
        verdict=verdict,
        handed_in=len(post.handed_in),
        by_id=len(post.vendor_ids),
        seconds=time.monotonic() - begun,
        kills=kills.done(),
        random_kills=pool.killed - len(kills.done()),
        placed=placed.told(),
        clock_steps=clocks.steps,
        down_seconds=pool.down_seconds,
        together=pool.together,
        storm_seconds=stormed,
        unreached=unreached,
        aws_faults=dict(line.struck),
        llamacloud_faults=faults,
        schedule=schedule.seen,
    )


def _laid_out(plan: Plan, folder: Path, rng: random.Random) -> tuple[list[Letter], Kills]:
    """The mail, and the hand that kills; the folder gets the table and the judge's script."""
    letters = mail(plan.documents + plan.more, rng, share=plan.packets)
    script(letters, folder / SCRIPT)
    (folder / "mailroom.yaml").write_text(TABLE)
    kills = Kills(folder)
    kills.make()
    return letters, kills


async def _storm(
    plan: Plan,
    letters: list[Letter],
    post: Post,
    schedule: FaultSchedule,
    pool: ProcessPool,
    kills: Kills,
    totals: Store,
    rng: random.Random,
) -> None:
    """The mail comes in while everything goes wrong, and goes on coming until every boundary was reached.

    As fast as it is worked off: a slow machine would be left with a heap of letters when the storm is over.
    """
    until = time.monotonic() + plan.minutes * 60 * STORM_SHARE
    async with _meanwhile(schedule.change(), pool.kill_at_random(plan.random_kill_seconds)):
        reaping = asyncio.create_task(_reap(plan.boundaries, kills, rng))
        try:
            await post.hand_in(letters[: plan.documents], seconds=plan.seconds, until=until)
            for letter in letters[plan.documents :]:
                if reaping.done():
                    return
                await post.hand_in([letter], seconds=0, until=until)
                await asyncio.wait([reaping], timeout=min(PAUSE, max(0.0, until - time.monotonic())))
                while (await totals.tally()).open > HEAP and not reaping.done() and time.monotonic() < until:
                    await asyncio.wait([reaping], timeout=PAUSE)
            await asyncio.wait([reaping], timeout=max(0.0, until - time.monotonic()))
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
    for item in done:
        if isinstance(item, Exception):
            raise item


async def _unless(watching: Any, working: Any) -> None:
    """Does the work, unless the watch ends it with an error."""
    tasks = [asyncio.create_task(watching), asyncio.create_task(working)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for item in done:
            item.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _settled(totals: Store, operator: Operator, plan: Plan, look_seconds: float, over: float) -> None:
    """Waits until nothing is open, to be done, to be cut or to be forgotten, or the run's time is over.

    What a clock that was ahead settled is forgotten by as much later, and not waited for.
    """
    while (operator.has_work or await is_busy(totals, forgets=not plan.clock_steps)) and time.monotonic() < over:  # noqa: ASYNC110  others work
        await asyncio.sleep(look_seconds)


async def is_busy(store: Store, *, forgets: bool = True) -> bool:
    """Whether something is open, to be done or, where bytes are kept for seconds only, to be forgotten."""
    to_forget = Query(by="forgettable", key="content", limit=1)
    if (await store.tally()).open or (forgets and (await store.find(Document, to_forget)).records):
        return True
    if (await store.find(Task, Query(by="state", key=TaskState.RUNNING, limit=1))).records:
        return True
    # What is further ahead than it may be was written by a clock that was: the sweep brings it back.
    ready = await find_records(store, Task, Query(by="state", key=TaskState.READY), limit=ALL)
    return any(item.due_at < time.time() + REMINDED_SECONDS or item.longest_wait < REMINDED_SECONDS for item in ready)


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
        "MAILROOM_SIGNING_SECRETS": "whsec_of-the-chaos-run",
        "MAILROOM_TOKEN_SECRETS": "a-token-secret-of-chaos",
        "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["a-header-value-of-chaos"]}',
        FOLDER: str(folder),
    }
