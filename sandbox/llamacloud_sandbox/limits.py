"""The vendor's published rate limits, and a budget of credits. Source: its pages on rate limits and prices."""

from collections import deque
from collections.abc import Callable

from llamacloud_sandbox.options import Options
from llamacloud_sandbox.refused import Refused

CREDITS_PER_PAGE = {"classify": 1.0, "split": 4.0}


class Window:
    """At most `count` things in any `seconds`, per project."""

    def __init__(self, count: int, seconds: float, refusal: str) -> None:
        self._count, self._seconds, self._refusal = count, seconds, refusal
        self._seen: dict[str, deque[float]] = {}

    def enter(self, project_id: str, now: float) -> None:
        """Count one thing. Raises Refused (429, without Retry-After: the vendor promises none)."""
        seen = self._seen.setdefault(project_id, deque())
        while seen and seen[0] <= now - self._seconds:
            seen.popleft()
        if len(seen) >= self._count:
            raise Refused(429, self._refusal)
        seen.append(now)


class Limits:
    """Asked before a file is uploaded or a job created."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self._options, self._clock = options, clock
        self.reset()

    def reset(self) -> None:
        """Empty windows, and the whole budget again."""
        classify = "Rate limit exceeded. Maximum 40 classify job creations per second."
        self._classify = Window(40, 1.0, classify)
        self._uploads = Window(50, 5.0, "Rate limit exceeded. Maximum 50 file uploads per 5 seconds.")
        self.credits_used = 0.0
        self._today: dict[tuple[str, int], float] = {}

    def before_upload(self, project_id: str) -> None:
        """Raises Refused (402, 429)."""
        self._before(self._uploads, project_id)

    def before_job(self, product: str, project_id: str) -> None:
        """Raises Refused (402, 429). No rate is published for split."""
        self._before(self._classify if product == "classify" else None, project_id)

    def bill(self, product: str, pages: int, project_id: str) -> float:
        """The credits of this work, now taken from the budget and counted for the project's day."""
        billed = CREDITS_PER_PAGE[product] * pages
        self.credits_used += billed
        day = self._day(project_id)
        self._today[day] = self._today.get(day, 0.0) + billed
        return billed

    def _day(self, project_id: str) -> tuple[str, int]:
        """Where the window of a cap begins is not published; here it is a UTC day."""
        return project_id, int(self._clock() // 86_400)

    def _before(self, window: Window | None, project_id: str) -> None:
        budget = self._options.credits
        if budget is not None and self.credits_used >= budget:
            raise Refused(402, "You have used up your credits. Please upgrade your plan.")
        cap = self._options.daily_cap
        if cap is not None and self._today.get(self._day(project_id), 0.0) >= cap:
            raise Refused(402, "This project has reached its daily usage limit.")
        if window is not None and self._options.limits and not self._options.contract:
            window.enter(project_id, self._clock())
