"""Asks LlamaCloud about all open jobs after a time in which no event could be stored.

LlamaCloud sends an event up to three times within seconds. A job that ended while no receiver was up would otherwise
wait for its deadline.
"""

import time

from receiver.operations.missed_webhooks import ask_open
from receiver.pipeline.context import Context
from receiver.ports import Clock


class ReceivingGap:
    """Whether this process may have missed events: before its start, while it or its machine was suspended, and while
    its store was down.
    """

    def __init__(self, *, longest_pause: float, clock: Clock = time.monotonic) -> None:
        """``longest_pause``: two checks that are further apart, in seconds, are a gap."""
        self._longest_pause = longest_pause
        self._clock = clock
        self._last: tuple[float, float] | None = None
        self._may_have_missed = True

    def interrupted(self) -> None:
        """No event could be stored just now."""
        self._may_have_missed = True

    async def check(self, context: Context) -> int:
        """How many jobs have ended; 0, without a request, if no event can have been missed.

        Raises CloudBusy. After that, and after a refusal by LlamaCloud, the next check asks again.
        """
        if self._stood_still(context.clock()):
            self.interrupted()
        if not self._may_have_missed:
            return 0
        found = await ask_open(context)
        self._may_have_missed = found.refused
        return found.finished

    def _stood_still(self, now: float) -> bool:
        """Whether either clock shows a gap: a monotonic clock stops while the machine is suspended."""
        last, self._last = self._last, (now, self._clock())
        return last is not None and max(now - last[0], self._last[1] - last[1]) > self._longest_pause
