"""SIGHUP: mailroom.yaml, the shadow table and the secrets are read at once, instead of at the next check.

A closing terminal sends the same signal to the processes that were started in it; it then stops them, as by default.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from receiver.log import log_line
from receiver.stopping import Stopping

TERMINAL = "/dev/tty"

log = logging.getLogger("mailroom.serve")


class ReloadRequest:
    """A request to one task to check at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Ends the current wait, or the next one."""
        self._asked.set()

    async def wait(self, seconds: float) -> bool:
        """Waits for a request, at most this long. Returns whether there was one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        asked = self._asked.is_set()
        self._asked.clear()
        return asked


class ReloadRequests:
    """Passes each request on to all tasks that check for changes."""

    def __init__(self) -> None:
        self._tasks: list[ReloadRequest] = []
        self._asked = False

    def waiter(self) -> ReloadRequest:
        """The object with which one task waits. A request from before the task's start is not lost."""
        waiter = ReloadRequest()
        self._tasks.append(waiter)
        if self._asked:
            waiter.ask()
        return waiter

    def ask(self) -> None:
        """Asks all tasks to check at once."""
        self._asked = True
        for task in self._tasks:
            task.ask()

    def on_signal(self, stop: Stopping) -> "ReloadRequests":
        """Treats each SIGHUP as a request, unless the terminal in which the process was started is gone."""
        if sys.platform != "win32":
            had_terminal = has_terminal()
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._signalled, stop, had_terminal)
        return self

    def _signalled(self, stop: Stopping, had_terminal: bool) -> None:
        if had_terminal and not has_terminal():
            stop.begin()
            return
        log_line(log, logging.INFO, "reload.requested", signal="SIGHUP")
        self.ask()


def has_terminal() -> bool:
    """Whether the process has a controlling terminal."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
