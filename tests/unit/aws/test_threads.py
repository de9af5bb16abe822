"""Calls that block are done in threads that nobody has to wait for."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from receiver.aws.threads import Threads

pytestmark = pytest.mark.anyio


async def test_calls_are_done_at_the_same_time_and_answered_each_with_its_own() -> None:
    threads, together = Threads(4, name="t"), threading.Barrier(4, timeout=10)

    def call(number: int) -> int:
        together.wait()
        return number

    assert await asyncio.gather(*(threads.run(lambda n=n: call(n)) for n in range(4))) == [0, 1, 2, 3]  # type: ignore[misc]


async def test_no_more_are_done_at_once_than_the_limit() -> None:
    threads, most, at_once, lock = Threads(3, name="t"), 0, 0, threading.Lock()

    def call() -> None:
        nonlocal most, at_once
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.005)
        with lock:
            at_once -= 1

    await asyncio.gather(*(threads.run(call) for _ in range(30)))
    assert most == 3


async def test_what_a_call_raises_is_its_callers() -> None:
    threads = Threads(1, name="t")

    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await threads.run(fail)
    assert await threads.run(lambda: 1) == 1


async def test_who_stops_waiting_leaves_the_call_to_itself_and_what_has_not_begun_is_dropped() -> None:
    threads, going, done = Threads(1, name="t"), threading.Event(), []
    hung = asyncio.create_task(threads.run(lambda: going.wait(10)))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(threads.run(lambda: done.append("dropped")))
    await asyncio.sleep(0)
    for item in (hung, waiting):
        item.cancel()
    assert [type(item) for item in await asyncio.gather(hung, waiting, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
    going.set()
    assert await threads.run(lambda: "next") == "next"
    assert done == []


async def test_closing_waits_for_what_is_under_way_and_no_longer_than_it_is_told() -> None:
    threads, going = Threads(2, name="t"), threading.Event()
    under_way = asyncio.create_task(threads.run(lambda: going.wait(10)))
    await asyncio.sleep(0)
    await asyncio.to_thread(threads.close, seconds=0.01)
    with pytest.raises(RuntimeError):
        await threads.run(lambda: 1)
    going.set()
    assert await under_way is True
    await asyncio.to_thread(threads.close, seconds=10)


def test_a_call_that_never_comes_back_does_not_keep_the_process() -> None:
    program = (
        "import asyncio, threading\n"
        "from receiver.aws.threads import Threads\n"
        "async def main():\n"
        "    try:\n"
        "        async with asyncio.timeout(0.1):\n"
        "            await Threads(1, name='t').run(threading.Event().wait)\n"
        "    except TimeoutError:\n"
        "        print('over')\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "over\n"), done.stderr
