"""The process pool: the product's processes, restarted whenever they end. It kills at random, and at boundaries.

They are forked from a server that has imported the product already (multiprocessing's forkserver): a start then costs
a fork and not two seconds of imports, and a run can afford a hundred of them. What runs in them is ``mailroom serve``.
"""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import random
import signal
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.chaos.clocks import CLOCK, Clocks

PRELOADED = [
    *("tests.chaos.app", "receiver.cli.serve", "receiver.cli.worker", "receiver.http.operator", "boto3"),
    *("receiver.store.sqlite.store", "receiver.store.dynamodb.store", "receiver.queue.sqs", "botocore.session"),
]
TOGETHER = 0.2
"""The chance that a kill at random takes all of them, where a killed one stays down."""
WORK = 4_000
"""Bytes of log, about a dozen steps, that are written between two kills at random: a slow machine gets on, too."""
HOPELESS = 10
"""Ends that are not kills; a few are findings, many mean that nothing works."""
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class ProcessPool:
    """``killed`` counts all deaths by SIGKILL, ``together`` how often all were killed at once.

    ``down_seconds`` adds up how long killed ones stayed down, ``astray`` tells of those that ended in another way.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str],
        rng: random.Random,
        *,
        downtime_seconds: float = 0.0,
        clocks: Clocks | None = None,
    ) -> None:
        """``downtime_seconds`` is how long one that is killed at random stays down at most; each has its own clock."""
        self._folder = folder
        self._env = dict(env)
        self._rng = rng
        self._downtime = downtime_seconds
        self._clocks = clocks
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._alive: dict[str, ForkServerProcess] = {}
        self._begun_at: dict[str, int] = {}
        """The size of each one's log when it was started: who has written nothing since is still starting."""
        self._asking = threading.Lock()
        self._stopping = asyncio.Event()
        self._operators: Mapping[str, int] = {}
        self._to_stay_down: set[str] = set()
        self.killed = 0
        self.together = 0
        self.down_seconds = 0.0
        self.astray: list[str] = []
        self.hopeless = asyncio.Event()

    @contextlib.asynccontextmanager
    async def at_work(
        self, members: Mapping[str, tuple[str, ...]], operators: Mapping[str, int]
    ) -> AsyncIterator["ProcessPool"]:
        """The members (name -> arguments of mailroom), kept running while the block lasts; stopped politely after.

        ``operators`` has the ports of the operator's sides of those that have one.
        """
        self._operators = operators
        shifts = [asyncio.create_task(self._shift(name, arguments)) for name, arguments in members.items()]
        try:
            yield self
        finally:
            self._stopping.set()
            for item in self._alive.values():
                item.terminate()
            await asyncio.wait(shifts, timeout=40)
            for item in self._alive.values():
                item.kill()
            await asyncio.gather(*shifts)

    async def kill_at_random(self, mean_seconds: float) -> None:
        """Kills one of them now and then, for ever.

        Only one that is at work, and only after some work: on a slow machine all would die as they start, or no
        packet would ever be cut.
        """
        written = self._written()
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / mean_seconds))
            while self._written() < written + WORK:  # noqa: ASYNC110  others work
                await asyncio.sleep(0.1)
            written = self._written()
            at_work = [name for name in sorted(self._alive) if self._log(name).stat().st_size > self._begun_at[name]]
            together = bool(at_work and self._downtime) and self._rng.random() < TOGETHER
            self.together += together
            for name in at_work if together or not at_work else [self._rng.choice(at_work)]:
                self._to_stay_down.add(name)
                self._alive[name].kill()

    async def command(self, name: str, *arguments: str) -> None:
        """Has a person give a command; whether it did what it should, the store tells."""
        process = self._context.Process(target=mailroom, args=(arguments, self._env, str(self._log(name))))
        await asyncio.to_thread(self._start, process)
        await asyncio.to_thread(self._join, process)
        self.killed += process.exitcode == -signal.SIGKILL

    async def watch(self) -> None:
        """Ends with an error when the processes cannot work at all."""
        await self.hopeless.wait()
        raise RuntimeError(self.astray[-1])

    async def _shift(self, name: str, arguments: tuple[str, ...]) -> None:
        log = self._log(name)
        log.touch()
        env = self._env | {"MAILROOM_OPERATOR_ADDRESS": f"127.0.0.1:{self._operators.get(name, 0)}"}
        if self._clocks:
            env[CLOCK] = str(self._clocks.file(name))
        while not self._stopping.is_set():
            process = self._context.Process(target=mailroom, args=(arguments, env, str(log)))
            self._begun_at[name] = log.stat().st_size
            await asyncio.to_thread(self._start, process)
            self._alive[name] = process
            if self._stopping.is_set():  # while it was started
                process.terminate()
            await asyncio.to_thread(self._join, process)
            self._alive.pop(name)
            self._note(name, process.exitcode, log)
            if self._downtime and name in self._to_stay_down:
                self._to_stay_down.remove(name)
                await self._stay_down()

    async def _stay_down(self) -> None:
        """For as long as it is to, or until all stop."""
        seconds = self._rng.uniform(0, self._downtime)
        self.down_seconds += seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _written(self) -> int:
        """Bytes in the logs of all."""
        return sum(self._log(name).stat().st_size for name in self._begun_at)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _start(self, process: ForkServerProcess) -> None:
        """A start reaps all children, as multiprocessing does: it must not take the exit code from whoever waits."""
        with self._asking:
            process.start()

    def _join(self, process: ForkServerProcess) -> None:
        wait([process.sentinel])
        with self._asking:
            process.join()

    def _note(self, name: str, code: int | None, log: Path) -> None:
        if code == -signal.SIGKILL:
            self.killed += 1
        elif not (self._stopping.is_set() and code in (0, -signal.SIGTERM)):
            lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
            self.astray.append(f"{name} ended with exit code {code}: {lines[-1]}")
            if len(self.astray) >= HOPELESS:
                self.hopeless.set()


def mailroom(arguments: tuple[str, ...], env: Mapping[str, str], log: str) -> None:
    """The child: the command line with these arguments, in this environment; it does not outlive the run."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    os.environ.clear()
    os.environ.update(env)
    with Path(log).open("ab") as written:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(written.fileno(), stream.fileno())
    from receiver import cli

    sys.argv = ["mailroom", *arguments]
    cli.main()
