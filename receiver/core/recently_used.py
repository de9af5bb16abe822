"""A cache of values that are dear to make: bounded in bytes and in time, the least recently used go first."""

from collections import OrderedDict
from collections.abc import Hashable


class RecentlyUsed:
    """Values of at most ``most_bytes`` together, each for so many seconds."""

    def __init__(self, *, most_bytes: int, seconds: float) -> None:
        self._most_bytes, self._seconds = most_bytes, seconds
        self._held: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable, *, now: float) -> bytes | None:
        """The value, unless it is too old or was dropped."""
        self._drop_old(now)
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][1]

    def put(self, key: Hashable, value: bytes, *, now: float) -> None:
        """Keeps the value; one that is larger than all of the room is not kept."""
        self._drop(key)
        if len(value) > self._most_bytes:
            return
        self._held[key] = now, value
        self.size += len(value)
        while self.size > self._most_bytes:
            self._drop(next(iter(self._held)))

    def _drop_old(self, now: float) -> None:
        for key in [key for key, (at, _) in self._held.items() if not 0 <= now - at < self._seconds]:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        if key in self._held:
            self.size -= len(self._held.pop(key)[1])
