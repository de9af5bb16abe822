"""Bulkheads: limits for a worker's concurrent steps, so that neither a slow partner nor a flood of one kind of task
stops the rest.

Tasks with the same rank and partner (LlamaCloud, a bucket, a queue, a host, an alert channel) form a lane. A lane
starts with a few concurrent steps and gets more as its partner responds; after a failure it is back at a few, and after
several in a row it is closed for a while. A long step gives up its slot: it continues, and counts only in its lane. A
more urgent rank may use more of the slots.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from receiver.core.errors import CloudBusy, DestinationBusy, OutOfTime, Permanent
from receiver.core.task import SUSPECTS, Rank, Task

SLOW_SECONDS = 2.0
"""After so long a step gives up its slot."""
MOST_SLOW = 4
"""A lane whose steps mostly hang, while its partner answers others, may have up to so many times the worker's slots."""
FAILURES = 5
"""Failures in a row after which a lane is closed."""
PAUSE_SECONDS, LONGEST_PAUSE = 1.0, 60.0
"""Seconds for which a lane is closed; doubled each time that a test fails."""
NO_ROOM_SECONDS = 15.0
"""Seconds before a task without room is checked again; each of thousands may be waiting."""
FEW = 1 / 4
"""The share of its slots that a worker risks on a partner that has not answered yet, or failed last."""
RESERVED = {Rank.DELIVER: 0.0, Rank.REACT: 1 / 8, Rank.SUBMIT: 1 / 4, Rank.BULK: 1 / 2}
"""The share of its slots that a worker keeps free of tasks of this rank, for more urgent ones."""
CLOSED = -1
"""The room of a closed lane, which does not change when a step ends."""
PARTNER_FAILED = (CloudBusy, DestinationBusy, OutOfTime)


class Room:
    """How many more tasks may start. A claim subtracts each task that it takes."""

    def __init__(self, slots: Mapping[Rank, int], lanes: Mapping[str, int], *, otherwise: int) -> None:
        """``slots``: free slots for each rank. A lane has the given room, or ``otherwise``."""
        self._slots = dict(slots)
        self._lanes = dict(lanes)
        self._otherwise = otherwise

    @classmethod
    def for_any(cls, number: int) -> "Room":
        """Room for this many tasks of any kind."""
        return cls(dict.fromkeys(Rank, number), {}, otherwise=number)

    def of(self, lane: str) -> int:
        """How many more tasks of this lane may start."""
        rank = Rank(int(lane[0])) if lane[:1].isdigit() else Rank.REACT  # tasks of an older Mailroom have no rank
        return max(0, min(self._slots[rank], self._lanes.get(lane, self._otherwise)))

    def for_rank(self, rank: Rank) -> int:
        """How many more tasks of this rank may start, in any lane with room."""
        return max(0, self._slots[rank])

    def take(self, task: Task) -> bool:
        """Takes the room for this task; False if there is none."""
        if self.of(task.lane) < 1:
            return False
        self._change(task, -1)
        return True

    def put_back(self, task: Task) -> None:
        """Returns the room of this task."""
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
    """A started step."""

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
    """Consecutive failures."""
    closed_at: float = -math.inf
    pause: float = 0.0
    left_at: float = -math.inf
    """When a task was last left for want of room."""

    def room(self, now: float) -> int:
        """Slow steps count while no later step was answered; else only these steps hang, not the partner.

        If the partner answered others while some hung, and now only hanging steps run, one more step may find out
        whether it still does. Otherwise the next tasks would wait until a hanging step times out.
        """
        if now < self.closed_at + self.pause:
            return CLOSED
        slow = [step.at for step in self.running if now - step.at >= SLOW_SECONDS]
        room = self.limit - len(self.running)
        if slow and self.answered_at > max(slow):
            room += len(slow)
        elif slow and self.answered_at > min(slow) and len(slow) == len(self.running):
            room = max(room, 1)
        return max(0, min(room, self.total - len(self.running)))

    @property
    def is_failing(self) -> bool:
        return self.failures >= FAILURES

    def failed(self, step: Begun, now: float) -> None:
        """A failure says nothing about a partner that answered others meanwhile, or if the lane was closed since."""
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
    """The running steps of one worker, and how its partners have responded. Times are of its monotonic clock."""

    concurrency: int
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lanes[SUSPECTS] = _Lane(few=1, most=1, total=1, limit=1)

    @property
    def few(self) -> int:
        """The number of steps that a new lane may have."""
        return min(self.concurrency, max(2, int(self.concurrency * FEW)))

    def room(self, now: float) -> Room:
        """The room for new steps now."""
        running = [step for lane in self._lanes.values() for step in lane.running]
        free = self.concurrency - sum(now - step.at < SLOW_SECONDS for step in running)
        return Room(
            {rank: free - int(self.concurrency * RESERVED[rank]) for rank in Rank},
            {name: lane.room(now) for name, lane in self._lanes.items()},
            otherwise=self.few,
        )

    def begin(self, task: Task, now: float) -> Begun:
        """Notes that a step of this task starts."""
        step = Begun(task.lane, now)
        self._lane(step.lane).running.add(step)
        return step

    def end(self, step: Begun, error: Exception | None, now: float) -> str | None:
        """Notes the result of the step. Returns "down" if that closes its lane, "up" if it opens it."""
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
        """Seconds after which to check the room for this task again."""
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
