"""The public keys of a proxy that signs: fetched when one is needed, cached, and fetched again when they are old.

Whoever sends invented key ids cannot make us fetch without end, and a fetch is bounded in bytes and time.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from receiver.core.rate_limit import RateLimit
from receiver.log import RateLimitedLog

BYTES = 256 * 1024
SECONDS = 5.0
FRESH_SECONDS = 3600.0
"""Age at which a key is fetched again: one that was revoked is accepted no longer than that."""
BURST, EACH_SECONDS = 5, 10.0
"""Fetches at once, and then one in so many seconds."""
KEPT = 32

log = logging.getLogger("mailroom.http")
_unavailable = RateLimitedLog(log, logging.WARNING, "sign_in.keys_unavailable")
Load = Callable[[str], Awaitable[Mapping[str, Any]]]


class KeysUnavailable(Exception):
    """The keys cannot be fetched now."""


class PublicKeys:
    """Keys by their ids. ``load`` fetches the key of an id, and may return others with it."""

    def __init__(self, load: Load, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._load, self._clock = load, clock
        self._known: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._limit = RateLimit(burst=BURST, seconds=EACH_SECONDS, keys=1)
        self._one_at_a_time = asyncio.Lock()

    async def get(self, key_id: str) -> Any | None:
        """The key; None if there is none of this id. Raises KeysUnavailable."""
        if (key := self._fresh(key_id)) is None:
            async with self._one_at_a_time:
                if (key := self._fresh(key_id)) is None:
                    key = await self._fetched(key_id)
        return key

    def _fresh(self, key_id: str) -> Any | None:
        at, key = self._known.get(key_id, (float("-inf"), None))
        return key if self._clock() - at < FRESH_SECONDS else None

    async def _fetched(self, key_id: str) -> Any | None:
        now = self._clock()
        if self._limit.wait("", now):
            return None
        self._limit.add("", now)
        try:
            loaded = await self._load(key_id)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            _unavailable.log(error=f"{type(error).__name__}: {error}")
            raise KeysUnavailable from error
        self._known.pop(key_id, None)
        for name, key in list(loaded.items())[:KEPT]:
            self._known[name] = now, key
            self._known.move_to_end(name)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return self._fresh(key_id)


async def fetch(url: str) -> bytes | None:
    """What is there; None for 404 and 403. Raises httpx.HTTPError, TimeoutError, ValueError for too much of it."""
    content = b""
    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(timeout=SECONDS) as client,
        client.stream("GET", url) as answer,
    ):
        if answer.status_code in (403, 404):
            return None
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > BYTES:
                raise ValueError(f"{url} has more than {BYTES} bytes")
    return content
