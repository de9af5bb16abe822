"""A composition root with one more kind of task, which hangs in every way that there is.

MAILROOM_APP=tests.stopping_app:build
"""

import asyncio
import threading
import time
from typing import cast

import handlers.app
from receiver.aws.threads import Threads
from receiver.bootstrap import App
from receiver.core.task import Task
from receiver.pipeline import process
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.settings import Settings

THREADS = Threads(4, name="hangs")


async def hang(task: Task, context: Context) -> StepResult:
    """Each task's subject says how it hangs."""
    print(f"hangs: {task.subject}", flush=True)  # noqa: T201  the test waits for it
    match task.subject:
        case "waits":
            await asyncio.Event().wait()
        case "in a thread of ours":
            await THREADS.run(threading.Event().wait)
        case "in a thread of asyncio's":
            await asyncio.to_thread(threading.Event().wait)
        case "will not be ended":
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    continue
        case "blocks the loop":
            time.sleep(3600)  # noqa: ASYNC251  that is the fault
    raise AssertionError(f"nothing hangs like {task.subject!r}")


def build(settings: Settings) -> App:
    """The product, whose engine knows this kind of task too."""
    cast("dict[str, TaskHandler]", process.STEPS)["hangs"] = TaskHandler(hang)
    return handlers.app.build(settings)
