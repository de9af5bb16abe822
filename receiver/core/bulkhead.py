"""Bulkheads: what a worker has room for, so that neither a slow partner nor a flood of one kind of task stops the rest.

Tasks that share a rank and a partner (LlamaCloud, a bucket, a queue, a host, an alert channel) are a lane. A lane
begins with a few steps at a time and gets more as its partner answers; after a failure it has a few again, and after
several in a row it is closed for a while. A step that lasts gives up its slot: it goes on, and counts in its lane
alone. And the more urgent a rank is, the more of the slots it may use.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from receiver.core.errors import CloudBusy, DestinationBusy, OutOfTime, Permanent
from receiver.core.task import SUSPECTS, Rank, Task

SLOW_SECONDS = 2.0
"""After so long a step no longer holds a slot."""
MOST_SLOW = 4
"""How many times its slots a worker may start in one lane, where most steps hang and the partner answers others."""
FAILURES = 5
"""Failures in a row after which a lane is closed."""
PAUSE_SECONDS, LONGEST_PAUSE = 1.0, 60.0
"""Seconds for which it is closed; doubled each time that a try fails."""
NO_ROOM_SECONDS = 15.0
"""Seconds before the room for a task is checked again: with thousands waiting, each checks."""
FEW = 1 / 4
"""The share of its slots that a worker risks on a partner that has not answered yet, or failed last."""
RESERVED = {Rank.DELIVER: 0.0, Rank.REACT: 1 / 8, Rank.SUBMIT: 1 / 4, Rank.BULK: 1 / 2}
"""The share of its slots that a worker keeps free of tasks of this rank, for more urgent ones."""
CLOSED = -1
"""The room of a closed lane: it does not depend on a step that ends."""
PARTNER_FAILED = (CloudBusy, DestinationBusy, OutOfTime)


class Room:
    """How many more tasks may start. Whoever claims takes each task out of it."""

    def __init__(self, slots: Mapping[Rank, int], lanes: Mapping[str, int], *, otherwise: int) -> None:
        """``slots`` are free for a rank; a lane has room for as many as given here, or ``otherwise``."""
        self._slots = dict(slots)
        self._lanes = dict(lanes)
        self._otherwise = otherwise

    @classmethod
    def for_any(cls, number: int) -> "Room":
        """Room for so many tasks of any kind."""
        return cls(dict.fromkeys(Rank, number), {}, otherwise=number)

    def of(self, lane: str) -> int:
        """How many more tasks of this lane."""
        rank = Rank(int(lane[0])) if lane[:1].isdigit() else Rank.REACT  # an older Mailroom wrote none
        return max(0, min(self._slots[rank], self._lanes.get(lane, self._otherwise)))

    def for_rank(self, rank: Rank) -> int:
        """How many more tasks of this rank, of any lane that has room."""
        return max(0, self._slots[rank])

    def take(self, task: Task) -> bool:
        """Whether there is room for it, which is then taken."""
        if self.of(task.lane) < 1:
            return False
        self._change(task, -1)
        return True

    def put_back(self, task: Task) -> None:
        """The room of this task is free again."""
        self._change(task, 1)

    def _change(self, task: Task, by: int) -> None:
        self._slots = {rank: slots + by for rank, slots in self._slots.items()}
        self._lanes[task.lane] = self._lanes.get(task.lane, self._otherwise) + by

    def urgent(self) -> "Room":
        """The same, for tasks that others wait for."""
        return Room(self._slots | {Rank.SUBMIT: 0, Rank.BULK: 0}, self._lanes, otherwise=self._otherwise)

    @property
    def is_short(self) -> bool:
        """Whether a task of some rank or lane has no room until a step ends."""
        return min(self._slots.values()) < 1 or 0 in self._lanes.values()


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """A step that was started."""

    lane: str
    at: float


@dataclass(slots=True)
class _Lane:
    few: int
    most: int
    total: int
    limit: int
    running: set[Begun] = field(default_factory=set)
    answered_at: float = -math.inf
    failures: int = 0
    """In a row."""
    closed_at: float = -math.inf
    pause: float = 0.0
    left_at: float = -math.inf
    """When a task was last left for want of room."""

    def room(self, now: float) -> int:
        """Slow steps count as long as no other was answered since they started; else only they hang."""
        if now < self.closed_at + self.pause:
            return CLOSED
        slow = [step.at for step in self.running if now - step.at >= SLOW_SECONDS]
        if slow and self.answered_at <= max(slow):
            return max(0, self.limit - len(self.running))
        return max(0, min(self.limit + len(slow), self.total) - len(self.running))

    @property
    def is_failing(self) -> bool:
        return self.failures >= FAILURES

    def failed(self, step: Begun, now: float) -> None:
        """Nothing is learned about a partner that answered others meanwhile, or after the lane was closed."""
        if self.answered_at > step.at:
            return
        self.failures += 1
        self.limit = self.few
        if self.is_failing and step.at >= self.closed_at + self.pause:
            self.pause = min(2 * self.pause or PAUSE_SECONDS, LONGEST_PAUSE)
            self.closed_at = now

    def answered(self, now: float) -> None:
        self.answered_at = now
        self.failures, self.pause = 0, 0.0
        self.limit = min(self.limit + 1, self.most)


@dataclass(slots=True)
class Capacity:
    """The running steps of one worker, and how its partners have answered; times are of its monotonic clock."""

    concurrency: int
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lanes[SUSPECTS] = _Lane(few=1, most=1, total=1, limit=1)

    @property
    def few(self) -> int:
        """The steps that a lane starts with."""
        return min(self.concurrency, max(2, int(self.concurrency * FEW)))

    def room(self, now: float) -> Room:
        """What may start now."""
        running = [step for lane in self._lanes.values() for step in lane.running]
        free = self.concurrency - sum(now - step.at < SLOW_SECONDS for step in running)
        return Room(
            {rank: free - int(self.concurrency * RESERVED[rank]) for rank in Rank},
            {name: lane.room(now) for name, lane in self._lanes.items()},
            otherwise=self.few,
        )

    def begin(self, task: Task, now: float) -> Begun:
        """A step of this task starts."""
        step = Begun(task.lane, now)
        self._lane(step.lane).running.add(step)
        return step

    def end(self, step: Begun, error: Exception | None, now: float) -> str | None:
        """The step ended with this result. Returns "down" when its lane closes by that, "up" when it opens again."""
        lane = self._lane(step.lane)
        lane.running.remove(step)
        before = lane.is_failing
        if isinstance(error, PARTNER_FAILED):
            lane.failed(step, now)
        elif error is None or isinstance(error, Permanent):
            lane.answered(now)
        if before == lane.is_failing:
            return None
        return "down" if lane.is_failing else "up"

    def wait_for(self, task: Task, now: float) -> float:
        """Seconds until it is worth checking the room for this task again."""
        lane = self._lane(task.lane)
        lane.left_at = now
        return max(lane.closed_at + lane.pause - now, NO_ROOM_SECONDS)

    def may_follow(self, task: Task, now: float) -> bool:
        """Whether this new task may start before others: not while an older one of its lane may be waiting for room."""
        lane = self._lane(task.lane)
        return now >= lane.left_at + 2 * max(lane.pause, NO_ROOM_SECONDS)

    def _lane(self, name: str) -> _Lane:
        total = MOST_SLOW * self.concurrency
        return self._lanes.setdefault(name, _Lane(few=self.few, most=self.concurrency, total=total, limit=self.few))
