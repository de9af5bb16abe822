"""A rate limit without a queue: a caller beyond it learns when to come back.

It limits what outsiders can cause (a request to LlamaCloud for each event about an unknown job). Waiting occupies no
worker: a task is put back until its turn.
"""

LONGEST = 600.0
"""The longest wait in seconds, because a clock may be set back; a longer line is counted again then."""


class Budget:
    """So many requests a second for all callers; ``burst`` of them at once after a quiet time."""

    def __init__(self, *, per_second: float, burst: int) -> None:
        self._gap = 1 / per_second
        self._slack = burst * self._gap
        self._spent_until = float("-inf")
        self._line_until = float("-inf")

    def take(self, now: float, *, again: bool = False) -> float:
        """0 if the caller may proceed; else the seconds after which to call again, with ``again``.

        A first call queues behind all callers that are waiting.
        """
        self._spent_until = min(max(self._spent_until, now - self._slack), now)
        if self._spent_until + self._gap <= now and (again or self._line_until <= now):
            self._spent_until += self._gap
            return 0.0
        self._line_until = min(max(self._line_until, now), now + LONGEST) + self._gap
        return self._line_until - now
