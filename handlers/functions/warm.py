"""The state that a function keeps between invocations: its event loop, its settings, and what was built from them."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from receiver.core.errors import Misconfigured
from receiver.emf import Emf
from receiver.log import RateLimitedLog, log_line, set_up
from receiver.metrics import SummingMeter
from receiver.read_settings import from_environ
from receiver.secret_rules import refuse_other_proofs
from receiver.secrets import VAULT
from receiver.settings import Settings

log = logging.getLogger("mailroom.function")
SHOWN = 10
"""Maximum names of a test event that are logged."""


class LambdaContext(Protocol):
    """What Lambda tells about an invocation."""

    def get_remaining_time_in_millis(self) -> int: ...


B = TypeVar("B")
R = TypeVar("R")


class Warm(Generic[B]):
    """The process of one function. On Lambda it builds at import: a starting function has a whole processor, and
    SnapStart saves what was built. Elsewhere it builds at the first invocation.
    """

    def __init__(self, build: Callable[[Settings], B], close: Callable[[B], Awaitable[None]]) -> None:
        self._build = build
        self._close = close
        self._runner = asyncio.Runner()
        self._emf = Emf.of_lambda(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "mailroom-local-function"))
        self._settings: Settings | None = None
        self._built: B | None = None
        self.refused: Misconfigured | None = None
        self._unreadable = RateLimitedLog(log, logging.ERROR, "settings.refused", seconds=60.0)
        if "AWS_LAMBDA_RUNTIME_API" in os.environ:
            self.built()

    def built(self) -> B:
        """What ``build`` returned for the settings; built again when a secret has changed.

        If a renewal is refused (receiver/renewal.py), the previous one stays in use, and ``refused`` says why.
        """
        self._runner.get_loop()  # Mangum asks for the thread's loop, which must be this one
        try:
            settings = from_environ()
            if self._built is None or settings != self._settings:
                self._exchange(settings)
            self.refused = None
        except Misconfigured as error:
            if self._built is None:
                raise
            self.refused = error
            self._unreadable.log(error=str(error), fix=error.fix)
        assert self._built is not None
        return self._built

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """The coroutine's result, on the function's own loop."""
        return self._runner.run(work)

    def look_again(self, *, after_seconds: float) -> bool:
        """Whether the secrets have changed. They are read again unless that was less than ``after_seconds`` ago."""
        if VAULT.age() < after_seconds:
            return False
        VAULT.expire()
        before = self._built
        return self.built() is not before

    def publish(self, meter: SummingMeter, gauges: dict[str, float] | None = None) -> None:
        """Writes this invocation's counts, and the gauges."""
        now = time.time()
        self._emf.write(meter, sys.stdout, now=now)
        if gauges:
            self._emf.gauges(gauges, sys.stdout, now=now)

    def end(self) -> None:
        """Closes what was built, and the loop. Only tests call it."""
        if self._built is not None:
            self.run(_closing(self._close, self._built))
            self._built = None
        self._runner.close()

    def _exchange(self, settings: Settings) -> None:
        set_up(settings.log_level, layout=settings.log_format)
        if self._settings is not None:
            refuse_other_proofs(self._settings.webhook_secrets(), settings.webhook_secrets())
        fresh = self._build(settings)
        if self._built is not None:
            self.run(_closing(self._close, self._built))
            log_line(log, logging.INFO, "settings.renewed")
        self._settings, self._built = settings, fresh


async def _closing(close: Callable[[B], Awaitable[None]], old: B) -> None:
    await close(old)


def note_test_event(event: object) -> None:
    """Logs an event that is not meant for the function, by its keys only, because it may contain any JSON."""
    keys = sorted(map(str, event))[:SHOWN] if isinstance(event, dict) else []
    log_line(log, logging.INFO, "function.test_event", type=type(event).__name__, keys=[key[:40] for key in keys])
