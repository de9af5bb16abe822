"""Runs work concurrently, with a limit; no item waits for the slowest one of a batch."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def at_once(number: int, items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """What ``work`` returns for each of the items, in their order, at most ``number`` at a time.

    After an error no further item is begun. Those in progress are finished, then the error is raised.
    """
    results: dict[int, R] = {}
    failures: list[Exception] = []
    waiting = enumerate(items)

    async def worker() -> None:
        for place, item in waiting:
            try:
                results[place] = await work(item)
            except Exception as error:  # noqa: BLE001 - raised below, when the others are done
                failures.append(error)
            if failures:
                return

    await asyncio.gather(*(worker() for _ in range(number)))
    if failures:
        raise failures[0]
    return [results[place] for place in sorted(results)]
