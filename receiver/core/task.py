"""A task: a durable promise to do something. Its life is one table.

                    claim                  finish
        READY ---------------> RUNNING -------------> DONE
          ^  ^                  |  |                    |
          |  +- retry, release -+  +-- give_up          |
          |                            v                |
          +------ replay ----------- PARKED -- retire --+
          +------ replay -------------------------------+

Attempts are counted at the claim. An attempt that nobody ends (its process died, its function's time was over, the
store could not be written) counts like one that failed: once its lease is over, operations/lease_takeover.py retries
the task or gives it up, by the same schedule. So a task that kills its process each time is parked in the end all the
same. On Lambda a new result's first attempt is claimed in memory alone (handlers/functions/process.py): one that nobody
ends leaves no trace, and the next is counted.
"""

import math
from enum import IntEnum, StrEnum

import msgspec
from msgspec.structs import replace

from receiver.core.document import Document
from receiver.core.errors import NotAllowed
from receiver.core.ids import id_parts, place, task_id

NOTE_LIMIT = 300
"""Characters of a note."""


class TaskState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    PARKED = "parked"


class Rank(IntEnum):
    """How urgent a task is: a lower rank goes first, however long others have waited."""

    DELIVER = 0
    """A decision is delivered, and a failure is reported."""
    REACT = 1
    """A result of LlamaCloud's is fetched and decided."""
    SUBMIT = 2
    BULK = 3
    """Bulk work: a replay of many, an import, an event of a job that is not ours."""


RANKS: dict[str, Rank] = {
    "deliver": Rank.DELIVER,
    "announce": Rank.DELIVER,
    "alert": Rank.DELIVER,
    "notify": Rank.DELIVER,
    "submit": Rank.SUBMIT,
    "supersede": Rank.BULK,
}
"""Kind of task -> its rank; REACT for all others."""
LLAMACLOUD = "llamacloud"
SUSPECT_FROM = 2
"""Unfinished attempts in a row after which a task is suspected of crashing its process."""

SUSPECTS = f"{Rank.REACT:d} suspects"
"""The lane of tasks that may have crashed a process. They run one at a time: side by side each would be suspected."""
MOVES: dict[tuple[TaskState, str], TaskState] = {
    (TaskState.READY, "claim"): TaskState.RUNNING,
    (TaskState.RUNNING, "finish"): TaskState.DONE,
    (TaskState.RUNNING, "retry"): TaskState.READY,
    (TaskState.RUNNING, "release"): TaskState.READY,
    (TaskState.RUNNING, "give_up"): TaskState.PARKED,
    (TaskState.PARKED, "replay"): TaskState.READY,
    (TaskState.PARKED, "retire"): TaskState.DONE,
    (TaskState.DONE, "replay"): TaskState.READY,
}


NOTICES = ("alert", "notify")
"""Kinds of tasks that notify people; whatever their subject, they are no work on a document."""
CUT_OFF = "cut_off"
"""The cause of an attempt that did not finish."""


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True):
    """``kind`` names the step that does it (react, submit, deliver, alert, …); ``subject`` what it is about.

    A struct, like Event: each request makes one.
    """

    id: str
    kind: str
    subject: str
    """The document's id; for an event without a token the job's."""
    due_at: float
    created_at: float
    details: dict[str, str] = {}  # a struct copies it
    state: TaskState = TaskState.READY
    attempts: int = 0
    looks: int = 0
    """Uncounted retries so far: checks of something that was not there yet."""
    cut_off: int = 0
    """How many attempts in a row did not finish."""
    owner: str = ""
    lease_until: float | None = None
    waits: float | None = None
    """Seconds until ``due_at`` when that was last set; None where the task is as it was created."""
    lease_seconds: float = 300.0
    """How long the owner may keep it without renewing the lease; the default is for tasks of an older Mailroom."""
    error: str = ""
    """Why the last attempt failed, in words for a person."""
    cause: str = ""
    """The error's code, by which alerts are grouped."""
    note: str = ""
    """The result of the last attempt when it did not fail, in words for a person."""
    bulk: bool = False
    """Whether it may wait for all others."""
    finished_at: float | None = None
    expires_at: float | None = None
    """From when on it may be removed: when it is done, or parked and about no document."""
    version: int = 0

    @property
    def claimable_at(self) -> float | None:
        """From when on it may be claimed; None unless it is ready (a sparse index)."""
        return self.due_at if self.state is TaskState.READY else None

    @property
    def longest_wait(self) -> float:
        """Maximum seconds until its due time; one further in the future was written by another clock.

        Notices have a check of their own (alerting/wake_channels.py).
        """
        if self.kind in NOTICES:
            return math.inf
        return max(0.0, self.due_at - self.created_at) if self.waits is None else self.waits

    @property
    def rank(self) -> Rank:
        """How urgent it is."""
        return Rank.BULK if self.bulk else RANKS.get(self.kind, Rank.REACT)

    @property
    def turn(self) -> tuple[Rank, float, str]:
        """Sorts tasks in the order of claims: the most urgent first, of these the oldest."""
        return self.rank, self.due_at, self.id

    @property
    def partner(self) -> str:
        """The partner of its step, or the kind itself: what may hang without the others."""
        if self.kind in ("submit", "react", "recheck"):
            return LLAMACLOUD
        if "to" not in self.details:
            return self.kind
        at = self.details.get("endpoint", "")
        return f"{at} {place(self.details['to'])}" if at else place(self.details["to"])

    @property
    def lane(self) -> str:
        """What its limits apply to (core/bulkhead.py): the tasks of its rank for its partner."""
        return SUSPECTS if self.cut_off >= SUSPECT_FROM else f"{self.rank:d} {self.partner}"

    def claim(self, *, owner: str, now: float, lease_seconds: float) -> "Task":
        """The task, claimed by ``owner`` until the lease expires; counts the attempt."""
        return replace(
            self._move("claim"),
            owner=owner,
            attempts=self.attempts + 1,
            lease_until=now + lease_seconds,
            lease_seconds=lease_seconds,
        )

    def hold(self, *, now: float) -> "Task":
        """The task with its lease renewed."""
        return replace(self, lease_until=now + self.lease_seconds)

    def release(self, *, now: float) -> "Task":
        """The task ready again at once, its attempt not counted, because its worker stops."""
        return replace(self._move("release"), due_at=now, waits=0.0, lease_until=None, attempts=self.attempts - 1)

    def finish(self, *, now: float, keep_seconds: float | None = None, note: str = "") -> "Task":
        """The task done; it may be removed after ``keep_seconds``."""
        return replace(
            self._move("finish"),
            lease_until=None,
            finished_at=now,
            expires_at=None if keep_seconds is None else now + keep_seconds,
            error="",
            cause="",
            cut_off=0,
            note=note[:NOTE_LIMIT],
        )

    def retry(self, *, at: float, now: float, error: str, cause: str, counted: bool = True) -> "Task":
        """The task waiting for ``at``; an uncounted retry (a pause, an early event) gives the attempt back."""
        attempts, looks = (self.attempts, self.looks) if counted else (self.attempts - 1, self.looks + 1)
        return replace(
            self._move("retry"),
            due_at=at,
            waits=max(0.0, at - now),
            lease_until=None,
            attempts=attempts,
            looks=looks,
            error=error,
            cause=cause,
            cut_off=self.cut_off + 1 if cause == CUT_OFF else 0,
        )

    def give_up(self, *, now: float, error: str, cause: str) -> "Task":
        """The task parked: it waits for a person."""
        return replace(self._move("give_up"), lease_until=None, finished_at=now, error=error, cause=cause)

    def retire(self, *, now: float, keep_seconds: float | None, note: str) -> "Task":
        """The parked task closed without another attempt: something else happened to its document."""
        expires_at = None if keep_seconds is None else now + keep_seconds
        return replace(self._move("retire"), finished_at=now, expires_at=expires_at, note=note[:NOTE_LIMIT])

    def replay(self, *, now: float) -> "Task":
        """The task ready again, with a fresh count of attempts."""
        moved = self._move("replay")
        return replace(
            moved,
            due_at=now,
            waits=0.0,
            attempts=0,
            looks=0,
            cut_off=0,
            finished_at=None,
            expires_at=None,
            error="",
            cause="",
        )

    def _move(self, verb: str) -> "Task":
        state = MOVES.get((self.state, verb))
        if state is None:
            raise NotAllowed(f"task {self.id} is {self.state}: it cannot {verb}")
        return replace(self, state=state)


def new_task(
    kind: str, *parts: str | float, subject: str, now: float, details: dict[str, str] | None = None, bulk: bool = False
) -> Task:
    """A task that is due at once. Its id is made of its kind and ``parts``."""
    name = task_id(kind, *parts)
    return Task(id=name, kind=kind, subject=subject, due_at=now, created_at=now, details=details or {}, bulk=bulk)


def submission_of(document: Document, *, now: float, bulk: bool = False) -> Task:
    """The task to submit this document for its present number of submissions."""
    return new_task("submit", document.id, document.submissions, subject=document.id, now=now, bulk=bulk)


def delivery_parts(delivery_id: str, run: int) -> tuple[str | int, ...]:
    """What the id of the task is made of that makes this delivery when it was begun for this time."""
    return (delivery_id, run) if run else (delivery_id,)


def delivery_task_ids(document: Document) -> list[str]:
    """The ids of all tasks that can have made, or are to make, a delivery that the document has now."""
    runs = ((delivery.id, run) for delivery in document.deliveries for run in range(delivery.run + 1))
    return [task_id("deliver", *delivery_parts(*each)) for each in runs]


def is_named_after_delivery(task: Task) -> bool:
    """Whether its id says which delivery it makes: while its document has that, ``delivery_task_ids`` has it."""
    return task.kind == "deliver" and id_parts(task.id)[:2] == ("deliver", task.details.get("delivery_id"))
