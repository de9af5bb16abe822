"""Claims tasks in SQLite, lane by lane, so that tasks waiting for one partner do not slow down others."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from receiver.core.bulkhead import Room
from receiver.core.change import Replace, succeeding
from receiver.core.task import Task
from receiver.store import codec
from receiver.store.sqlite import statements
from receiver.store.sqlite.encoded_change import encode_change
from receiver.store.sqlite.event_log import SOME

if TYPE_CHECKING:
    from receiver.store.sqlite.connection import SqliteConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A callable that takes a connection, leases the tasks that are due at ``now``, and returns them."""

    take: Callable[[Task], Task]
    now: float
    moment: float
    """The store's own time, which decides what has expired."""
    limit: int
    room: Room
    ids: Sequence[str] | None = None

    def __call__(self, db: "SqliteConnection") -> list[Task]:
        due = self._most_urgent(db) if self.ids is None else self._of(db, self.ids)
        admitted = (self.take(task) for task in due if self.room.take(task))
        taken = list(itertools.islice(admitted, self.limit))
        encode_change(tuple(Replace(task) for task in taken), self.moment)(db)
        return [succeeding(task) for task in taken]

    def _most_urgent(self, db: "SqliteConnection") -> Iterator[Task]:
        """Rank by rank, the oldest first."""
        db.event_log.file(db, at_most=SOME)
        lanes = [lane for (lane,) in db.execute(statements.LANES).fetchall()]
        for _, same_rank in itertools.groupby(lanes, key=lambda lane: lane[:1]):
            rows = [row for lane in same_rank for row in self._of_lane(db, lane)]
            yield from (codec.decode(Task, body) for _, _, body in sorted(rows))

    def _of_lane(self, db: "SqliteConnection", lane: str) -> list[tuple[float, str, str]]:
        wanted = min(self.limit, self.room.of(lane))
        return db.execute(statements.CLAIMABLE, (lane, self.now, self.moment, wanted)).fetchall()

    def _of(self, db: "SqliteConnection", ids: Sequence[str]) -> Iterator[Task]:
        db.event_log.make_way(db, ids)
        rows = db.execute(statements.CLAIMABLE_OF, (json.dumps(list(ids)), self.now, self.moment)).fetchall()
        return iter(sorted((codec.decode(Task, body) for (body,) in rows), key=attrgetter("turn")))
