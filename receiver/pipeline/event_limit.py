"""Limits how many events of one document are stored, so that nobody can use a token to fill the store or the log.

LlamaCloud sends a handful of events for each job, and a document has a few jobs. Only newly stored events count: a
repetition is acknowledged as usual. A refused event does not harm the document: the sweep asks about its job.
"""

import time
from collections.abc import Callable

from receiver.core.errors import TooManyEvents
from receiver.core.event import Event
from receiver.core.rate_limit import RateLimit

BURST = 64
"""Events of one document that are accepted without a delay."""
EACH_SECONDS = 600.0
"""Seconds in which one further event is accepted: some 1,100 in the seven days that a token is valid."""
DOCUMENTS = 16_384
"""Documents that each process remembers: 3 MB."""


class EventLimit:
    """Counts events by the document that their token proves or, without a token, by their job."""

    def __init__(self, *, burst: int = BURST, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = RateLimit(burst=burst, seconds=EACH_SECONDS, keys=DOCUMENTS)
        self._clock = clock
        self._reports = RateLimit(burst=1, seconds=EACH_SECONDS, keys=DOCUMENTS)

    def take(self, event: Event) -> TooManyEvents | None:
        """Counts an event that is about to be stored. Returns why it must not be, if it must not."""
        key, now = event.document_id or event.job_id, self._clock()
        if seconds := self._limit.wait(key, now):
            return TooManyEvents(key, retry_after=seconds, report=self._is_news(key, now))
        self._limit.add(key, now)
        return None

    def take_back(self, event: Event) -> None:
        """Uncounts an event that turned out to be stored already."""
        self._limit.take_back(event.document_id or event.job_id)

    def _is_news(self, key: str, now: float) -> bool:
        """Whether no event of this document came in the last EACH_SECONDS."""
        if self._reports.wait(key, now):
            return False
        self._reports.add(key, now)
        return True
