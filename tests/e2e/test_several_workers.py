"""Receivers and workers as processes of their own, on DynamoDB and SQS; one of each is killed half-way."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws, local_aws
from handlers.sources.s3_spool import S3Spool
from llamacloud_sandbox.testing import start_sandbox
from receiver.config import parse
from receiver.core.plan import Target
from receiver.ports import Store
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from tests.balancer import Balancer, a_balancer
from tests.chaos import mail
from tests.chaos.audit import audit
from tests.chaos.evidence import KEY, gather
from tests.chaos.post import Post
from tests.chaos.run import is_busy

pytestmark = [pytest.mark.slow, pytest.mark.aws, pytest.mark.anyio, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
DOCUMENTS = 200
PATIENCE = 400.0
SPOOL = "s3://spool/documents/"
TOKEN = "the-token-of-several"
# An emulated AWS is slow, and shared with other tests: a document that takes long here is not overdue.
TABLE = mail.TABLE.replace("deadline: 3 seconds", "deadline: 20 seconds").replace("6 seconds", "60 seconds")


class Workers:
    """The processes of the mailroom, and their logs."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._all: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        with self.log(name).open("wb") as output:
            self._all[name] = subprocess.Popen(
                [sys.executable, "-m", "receiver", *arguments], cwd=ROOT, env=self._env, stdout=output, stderr=output
            )

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def said(self, name: str, what: str) -> list[dict[str, Any]]:
        """The lines of a process's log that tell of this."""
        lines = [json.loads(line) for line in self.log(name).read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["what"] == what]

    def kill(self, name: str) -> None:
        self._all[name].send_signal(signal.SIGKILL)
        assert self._all.pop(name).wait(10) == -signal.SIGKILL

    def stop(self) -> dict[str, int]:
        """Asks all to stop; the exit code of each."""
        for process in self._all.values():
            process.terminate()
        return {name: process.wait(60) for name, process in self._all.items()}

    def end(self) -> None:
        for process in self._all.values():
            if process.poll() is None:
                process.kill()
                process.wait(10)


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not await holds():
        assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {what}"
        await asyncio.sleep(0.2)


async def test_everything_is_routed_once_though_one_of_each_is_killed(tmp_path: Path) -> None:
    rng = random.Random(7)
    letters = mail.mail(DOCUMENTS, rng, share=0)
    mail.script(letters, tmp_path / "script.json")
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    judge = f"scripted:{tmp_path / 'script.json'}"
    with (
        local_aws() as aws,
        start_sandbox("--judge", judge, "--think", "0.2", "--no-limits") as sandbox,
        a_balancer() as balancer,
        a_balancer() as inside,
    ):
        make(aws)
        pool = Workers(tmp_path, environment(tmp_path, aws, balancer, sandbox.url))
        store = DynamoStore("mailroom", client=partial(aws.client, "dynamodb"))
        post = Post(inside.url, TOKEN, rng)
        try:
            await open_for_business(pool, balancer, inside)
            handing_in = asyncio.create_task(post.hand_in(letters, seconds=15, until=time.monotonic() + PATIENCE))
            await until(lambda: many_are_routed(store), "a quarter is routed")
            pool.kill("worker-1")
            pool.kill("receiver-1")
            await handing_in
            await until(lambda: all_is_done(store), "nothing is open")
            codes = pool.stop()
        finally:
            pool.end()
            await post.close()
        evidence = await gather(aws, sandbox.url, store, S3Spool(SPOOL, aws.aws), vendor_ids={})
    verdict = audit(post.acknowledged, evidence, bound=2, refused=post.refused, forgets=False)
    assert verdict.findings == {"lost": [], "doubled": [], "misplaced": [], "unexplained": []}
    assert verdict.doubled_messages <= verdict.bound
    assert verdict.taken_in == DOCUMENTS == verdict.routed + verdict.review + verdict.failed
    assert codes == {"receiver-2": 0, "worker-2": 0}
    assert all(pool.said(name, "task.done") for name in ("worker-1", "worker-2"))
    assert not any(pool.said(name, "task.done") for name in ("receiver-1", "receiver-2"))


def make(aws: LocalAws) -> None:
    """The table, the queue, and what the routing table names."""
    config = parse(TABLE, {})
    targets = [*config.table.targets(), Target(url=SPOOL), Target(url="sqs://doorbell")]
    aws.make(targets, [rule.channel for rule in config.alerts])
    create_table(aws.client("dynamodb"), "mailroom")


def environment(folder: Path, aws: LocalAws, balancer: Balancer, sandbox: str) -> dict[str, str]:
    ours = ("MAILROOM_", "AWS_", "LLAMA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        **aws.env,
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": sandbox,
        "MAILROOM_ADMIN_TOKEN": TOKEN,
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_LEASE_SECONDS": "10",
        "MAILROOM_OPERATOR_ADDRESS": "127.0.0.1:0",
        "MAILROOM_PUBLIC_URL": balancer.url,
        "MAILROOM_QUEUE": "sqs://doorbell",
        "MAILROOM_SPOOL": SPOOL,
        "MAILROOM_STORE": "dynamodb://mailroom",
        "MAILROOM_SWEEP_SECONDS": "5",
        "MAILROOM_TOKEN_SECRETS": "a-token-secret-of-several",
    }


async def open_for_business(pool: Workers, balancer: Balancer, inside: Balancer) -> None:
    """Two receivers behind a balancer for each of their sides, two workers."""
    for number in (1, 2):
        pool.start(f"receiver-{number}", "serve", "--no-worker", "--port", "0")
        pool.start(f"worker-{number}", "worker")
    ready = [(f"receiver-{n}", "serve.listening") for n in (1, 2)] + [(f"worker-{n}", "worker.ready") for n in (1, 2)]

    async def all_up() -> bool:
        return all(pool.said(name, what) for name, what in ready)

    await until(all_up, "all four are up")
    listening = [pool.said(f"receiver-{n}", "serve.listening")[0] for n in (1, 2)]
    balancer.backends = [("127.0.0.1", port_of(item["address"])) for item in listening]
    inside.backends = [("127.0.0.1", port_of(item["operator"])) for item in listening]


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def many_are_routed(store: Store) -> bool:
    return (await store.tally()).routed >= DOCUMENTS // 4


async def all_is_done(store: Store) -> bool:
    return (await store.tally()).balanced and not await is_busy(store, forgets=False)
