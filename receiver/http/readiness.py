"""Whether events can be kept. Everybody may ask, so an answer costs nothing: it is what was found a moment ago.

A server looks by itself, again and again. Where nobody does, as in Lambda, whoever asks first lets it look once, and
the answer is good for a while.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from receiver.core.errors import StoreBusy
from receiver.http.problems import INTERNAL, ErrorReply, problem_of
from receiver.ports import Store

log = logging.getLogger("mailroom.http")
LOOK_SECONDS = 5.0
"""Between two looks of a server at its store."""
GOOD_SECONDS = 15.0
"""How old an answer may be."""
PATIENCE_SECONDS = 10.0
"""After so long without an answer the store counts as busy."""


def _nothing() -> Collection[str]:
    return ()


class Readiness:
    """What the last look at the store found, and which background tasks are down."""

    def __init__(
        self,
        store: Store,
        *,
        down: Callable[[], Collection[str]] = _nothing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.down = down
        self._store = store
        self._clock = clock
        self._looked_at = float("-inf")
        self._problem: ErrorReply | None = None
        self._look: asyncio.Task[None] | None = None

    async def problem(self) -> ErrorReply | None:
        """Why no event could be kept, as far as we know; None when all is well."""
        if self._clock() - self._looked_at > GOOD_SECONDS:
            await self.look()
        return self._problem

    async def look(self) -> None:
        """Tries to write. Who asks while somebody looks waits for the same look."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._try())
        await asyncio.shield(self._look)

    async def keep_looking(self) -> None:
        """Looks again and again; never returns."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._store.ready()
        except StoreBusy as error:
            self._problem = problem_of(error)
        except TimeoutError:
            self._problem = problem_of(StoreBusy())
        except Exception:
            log.exception("unhandled_exception")
            self._problem = INTERNAL
        else:
            self._problem = None
        self._looked_at = self._clock()
