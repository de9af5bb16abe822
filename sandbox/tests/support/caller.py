"""Plain HTTP with a key."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx


@contextmanager
def a_caller(url: str, key: str = "llx-1") -> Iterator[httpx.Client]:
    """A client of the sandbox at the URL."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
        yield http
