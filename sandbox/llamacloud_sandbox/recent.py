"""A small memory of the latest answers: the same letter sent a thousand times is read and judged once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The last `size` values by key, safe to use from several threads; two of them may make the same value at once."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def known(self, key: Hashable) -> V | None:
        """The value of the key, if it is remembered."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of the key, made if it is not remembered; what `make` raises is not remembered."""
        remembered = self.known(key)
        if remembered is not None:
            return remembered
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value
