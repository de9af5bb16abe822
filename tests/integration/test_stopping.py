"""Told to stop, a process ends in time with exit code 0, whatever hangs; what it had in hand is anybody's at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from receiver.core.alert import Alert
from receiver.core.change import Insert
from receiver.core.task import Task, TaskState
from receiver.store.sqlite import SqliteStore
from tests.builders import a_task
from tests.desk import TABLE
from tests.servers import ROOT

STOP_SECONDS = 6.0
ENDED_BY_ITSELF = ("waits", "in a thread of ours")
"""How steps hang that can be ended; with the others the process is ended from outside of its loop."""
ENDED_FROM_OUTSIDE = ("in a thread of asyncio's", "will not be ended", "blocks the loop")


def hanging(way: str) -> Task:
    alert = Alert(kind="task.parked", cause="c", title=way, detail="d", at=0.0)
    details = {"alert": msgspec.json.encode(alert).decode(), "to": "log", "count": "1", "suppressed": "0"}
    return a_task(id=f"notify:{way}", kind="notify", details=details, due_at=0.0)


def told_to_stop(folder: Path, ways: Sequence[str], command: Sequence[str] = ("serve", "--port", "0")) -> float:
    """Seconds from SIGTERM to the end, which must be one with exit code 0."""
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
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS + 20) == 0, (folder / "log").read_text()
            return time.monotonic() - begun
        finally:
            process.kill()


async def kept(folder: Path, ways: Sequence[str]) -> None:
    store = SqliteStore(folder / "mailroom.db")
    await store.apply(*(Insert(hanging(way)) for way in ways))
    await store.close()


async def tasks(folder: Path, ways: Sequence[str]) -> list[Task]:
    store = SqliteStore(folder / "mailroom.db")
    found = [await store.get(Task, f"notify:{way}") for way in ways]
    await store.close()
    return [task for task in found if task]


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=lambda command: command[0])
def test_steps_that_hang_are_ended_and_their_tasks_let_go_of(tmp_path: Path, command: Sequence[str]) -> None:
    seconds = told_to_stop(tmp_path, ENDED_BY_ITSELF, command)
    assert seconds < STOP_SECONDS + 2
    left = asyncio.run(tasks(tmp_path, ENDED_BY_ITSELF))
    assert [(task.state, task.attempts, task.lease_until) for task in left] == [(TaskState.READY, 0, None)] * 2


@pytest.mark.parametrize("way", ENDED_FROM_OUTSIDE)
def test_what_cannot_be_ended_does_not_keep_the_process(tmp_path: Path, way: str) -> None:
    assert told_to_stop(tmp_path, [way]) < STOP_SECONDS + 2
