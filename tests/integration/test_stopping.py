"""Told to stop, a process ends in time with exit code 0, whatever hangs; what it had in hand is anybody's at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from receiver.core.change import Insert
from receiver.core.task import Task, TaskState
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_task
from tests.in_memory_app import TABLE
from tests.servers import ROOT

STOP_SECONDS = 3.0
ENDED_BY_ITSELF = ("waits", "in a thread of ours")
"""How steps hang that can be ended; with the others the process is ended from outside of its loop."""
ENDED_FROM_OUTSIDE = ("in a thread of asyncio's", "will not be ended", "blocks the loop")


def hanging(way: str) -> Task:
    return a_task(id=f"hangs:{way}", kind="hangs", subject=way, due_at=0.0)


def told_to_stop(folder: Path, ways: Sequence[str], command: Sequence[str] = ("serve", "--port", "0")) -> None:
    """Sends SIGTERM while steps hang, for ever or for an hour; the process must end, with exit code 0."""
    asyncio.run(kept(folder, ways))
    (folder / "mailroom.yaml").write_text(
        TABLE.replace("bytes://", f"folder://{folder}/").replace("words://", "sqs://")
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAILROOM_", "LLAMA_"))} | {
        "LLAMA_CLOUD_API_KEY": "llx-test",
        "LLAMA_CLOUD_BASE_URL": "http://127.0.0.1:9",
        "MAILROOM_APP": "tests.stopping_app:build",
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_OPERATOR_ADDRESS": "",
        "MAILROOM_PUBLIC_URL": "http://127.0.0.1:9",
        "MAILROOM_STOP_SECONDS": str(STOP_SECONDS),
        "MAILROOM_STORE": f"sqlite:///{folder}/mailroom.db",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-stopping",
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "receiver", *command],
            cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=log, text=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            for _ in ways:
                assert process.stdout.readline().startswith("hangs: "), (folder / "log").read_text()
            time.sleep(0.3)  # so that all of it has begun to hang
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS + 120) == 0, (folder / "log").read_text()
        finally:
            process.kill()


async def kept(folder: Path, ways: Sequence[str]) -> None:
    store = SqliteStore(folder / "mailroom.db")
    await store.apply(*(Insert(hanging(way)) for way in ways))
    await store.close()


async def tasks(folder: Path, ways: Sequence[str]) -> list[Task]:
    store = SqliteStore(folder / "mailroom.db")
    found = [await store.get(Task, f"hangs:{way}") for way in ways]
    await store.close()
    return [task for task in found if task]


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=lambda command: command[0])
def test_steps_that_hang_are_ended_and_their_tasks_let_go_of(tmp_path: Path, command: Sequence[str]) -> None:
    told_to_stop(tmp_path, ENDED_BY_ITSELF, command)
    left = asyncio.run(tasks(tmp_path, ENDED_BY_ITSELF))
    assert [(task.state, task.attempts, task.lease_until) for task in left] == [(TaskState.READY, 0, None)] * 2


@pytest.mark.parametrize("way", ENDED_FROM_OUTSIDE)
def test_what_cannot_be_ended_does_not_keep_the_process(tmp_path: Path, way: str) -> None:
    told_to_stop(tmp_path, [way])
