"""Decides whether and when to retry, from the error, the attempt and the schedule.

A class of errors may have limits of its own: ``most_attempts`` and ``longest_delay`` in errors.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.core.errors import Permanent, Transient

SCHEDULE: tuple[float, ...] = (1, 2, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800)
"""Seconds between attempts; together about 16 hours, well inside the 48 h for which LlamaCloud keeps a parse source."""

ASKED_LIMIT = 3600.0
"""Maximum of ``Retry-After`` that is honoured: a proxy that says a day must not make a document miss its deadline."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    at: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No retry; the error says why."""


def next_attempt(
    error: Exception, *, attempt: int, now: float, spread: float, schedule: Sequence[float] = SCHEDULE
) -> RetryAt | GiveUp:
    """When to try again after the ``attempt``-th failure (counted from 1), or that it is over.

    ``spread`` is a random number in 0..1: half of the delay is fixed, half is spread, so that tasks
    that failed together are not retried together. A delay named by the other side is honoured as a minimum, up to
    ASKED_LIMIT. An error that is neither transient nor permanent is a bug of ours, and is retried like a transient one.
    """
    if isinstance(error, Permanent):
        return GiveUp()
    passing = error if isinstance(error, Transient) else Transient()
    if attempt > len(schedule) or attempt >= (passing.most_attempts or math.inf):
        return GiveUp()
    delay = schedule[attempt - 1] * (0.5 + spread / 2)
    asked = min(passing.retry_after or 0.0, ASKED_LIMIT)
    return RetryAt(now + min(max(delay, asked), passing.longest_delay or math.inf))
