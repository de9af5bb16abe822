"""A rate limit for each of many keys, in bounded memory (the generic cell rate algorithm: one time for each key).

It limits what outsiders can do in any number: each of them has a separate key, so that they do not affect one another.
"""

from collections import OrderedDict


class RateLimit:
    """``burst`` at once for each key, and one more in each ``seconds``.

    ``keys`` are remembered at once. The one that was counted longest ago is forgotten first, and has its burst again.
    """

    def __init__(self, *, burst: int, seconds: float, keys: int) -> None:
        self.burst = burst
        self.seconds = seconds
        self._slack = (burst - 1) * seconds
        self._keys = keys
        self._clear_at: OrderedDict[str, float] = OrderedDict()
        """Key -> when its count is back at zero; each event counts for ``seconds``."""

    def wait(self, key: str, now: float) -> float:
        """Seconds until one more is within the limit; 0.0 when one is now."""
        return max(self._clear_at.get(key, 0.0) - now - self._slack, 0.0)

    def add(self, key: str, now: float) -> None:
        """Counts one."""
        self._clear_at[key] = max(self._clear_at.pop(key, now), now) + self.seconds
        if len(self._clear_at) > self._keys:
            self._clear_at.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Uncounts one that was counted and did not happen."""
        if key in self._clear_at:
            self._clear_at[key] -= self.seconds

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._clear_at)
