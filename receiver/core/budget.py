"""A budget of requests without a queue: a caller beyond it is told when to come back.

It is for what outsiders can cause (a request to LlamaCloud for each event about an unknown job). Waiting costs no
worker: a task is put back until its turn.
"""

LONGEST = 600.0
"""The longest wait in seconds: a long line is counted again later, and a clock may be set back."""


class Budget:
    """So many in a second, for all that share it; ``burst`` of them at once after a quiet time."""

    def __init__(self, *, per_second: float, burst: int) -> None:
        self._gap = 1 / per_second
        self._slack = burst * self._gap
        self._spent_until = float("-inf")
        self._line_until = float("-inf")

    def take(self, now: float, *, again: bool = False) -> float:
        """0 when it may go now; else the seconds after which to come back, then with ``again``.

        A first call comes after all callers that are waiting.
        """
        self._spent_until = min(max(self._spent_until, now - self._slack), now)
        if self._spent_until + self._gap <= now and (again or self._line_until <= now):
            self._spent_until += self._gap
            return 0.0
        self._line_until = min(max(self._line_until, now), now + LONGEST) + self._gap
        return self._line_until - now
