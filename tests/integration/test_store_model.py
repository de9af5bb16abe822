"""The stores against a plain dictionary: whatever is done to them, in whatever order, they agree.

Hypothesis makes up the histories: changes of several writes that fit or do not, claims, listings, time that passes,
purges, and (for the stores that outlive a process) closing and opening again.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from receiver.core.balance import Tally
from receiver.core.bulkhead import Room
from receiver.core.change import (
    INDEXES,
    CheckOwner,
    Delete,
    Insert,
    InsertIfAbsent,
    Query,
    Record,
    Replace,
    Write,
    changed,
    kind_of,
)
from receiver.core.document import Classification, Document, DocumentState, HistoryEntry
from receiver.core.errors import Conflict
from receiver.core.incident import Status
from receiver.core.job import JobStatus
from receiver.core.task import SUSPECTS, Rank, Task, TaskState
from receiver.ports import Store
from receiver.store.memory import MemoryStore
from receiver.store.sqlite.store import SqliteStore
from tests.builders import (
    NOW,
    a_channel,
    a_document,
    a_flag,
    a_job,
    a_notification,
    a_task,
    an_alert,
    an_event,
    an_incident,
    an_occurrence,
)
from tests.contracts.store import HandClock, outcome
from tests.contracts.store_asked import all_pages
from tests.contracts.store_searched import expected, found_by

QUICK = settings(max_examples=20, stateful_step_count=30)
AT_LENGTH = settings(max_examples=50, stateful_step_count=60)

IDS = st.sampled_from(["a", "b", "c"])
MOMENTS = st.sampled_from([NOW + second for second in range(4)])
PERHAPS = st.none() | MOMENTS
CLASSIFIED = st.sampled_from([None, Classification(type=None, confidence=0), Classification(type="x", confidence=1)])

RECORDS: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        a_document,
        id=IDS,
        state=st.sampled_from(DocumentState),
        taken_in_at=MOMENTS,
        deadline=PERHAPS,
        batch_id=IDS,
        classification=CLASSIFIED,
        content=st.sampled_from(["spool:x", ""]),
        history=st.lists(st.builds(HistoryEntry, at=MOMENTS, what=st.just("delivered")), max_size=1).map(tuple),
    ),
    st.builds(a_job, id=IDS, document_id=IDS, created_at=MOMENTS, deadline=PERHAPS, status=st.sampled_from(JobStatus)),
    st.builds(an_event, id=IDS, job_id=IDS, received_at=MOMENTS, expires_at=PERHAPS),
    st.builds(
        a_task,
        id=IDS,
        kind=st.sampled_from(["deliver", "react", "submit"]),
        bulk=st.booleans(),
        cut_off=st.sampled_from([0, 2]),
        subject=IDS,
        state=st.sampled_from(TaskState),
        due_at=MOMENTS,
        created_at=MOMENTS,
        lease_until=PERHAPS,
        expires_at=PERHAPS,
    ),
    st.builds(an_alert, id=IDS, last_at=MOMENTS, expires_at=PERHAPS),
    st.builds(an_incident, id=IDS, opened_at=MOMENTS, status=st.sampled_from(Status), expires_at=PERHAPS),
    st.builds(an_occurrence, id=IDS, part=IDS, at=MOMENTS, ended_at=PERHAPS, expires_at=PERHAPS),
    st.builds(a_notification, id=IDS, channel=IDS, due_at=PERHAPS, held_since=PERHAPS, expires_at=PERHAPS),
    st.builds(a_channel, id=IDS),
    st.builds(a_flag, id=IDS, value=st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
)
WRITES: st.SearchStrategy[Write] = st.one_of(
    st.builds(Insert, RECORDS),
    st.builds(InsertIfAbsent, RECORDS),
    st.builds(Replace, RECORDS),
    st.builds(Delete, RECORDS),
    st.builds(CheckOwner, IDS, IDS),
)
LISTINGS = [(kind, name) for kind, indexes in INDEXES.items() for name in indexes]
KEYS = st.sampled_from(["a", "b", "c", "x", "content", "record", *DocumentState, *TaskState])
SEARCHES = ["", "a", "pdf", "letter state:open", "type:x -state:failed", "confidence:>0.5 batch:b", "-before:today pdf"]

Place = tuple[str, str]
"""A record's kind and id."""


def place_of(record: Record) -> Place:
    return kind_of(record), record.id


def written(writes: Sequence[Write]) -> list[Insert | InsertIfAbsent | Replace | Delete]:
    return [write for write in writes if not isinstance(write, CheckOwner)]


CHANGES = st.lists(
    WRITES,
    min_size=1,
    max_size=4,
    unique_by=lambda write: id(write) if isinstance(write, CheckOwner) else place_of(write.record),
)


async def outcomes(store: Store, changes: Sequence[Sequence[Write]]) -> list[BaseException | None]:
    """What each change was told, all of them asked for at the same time."""
    return await asyncio.gather(*(store.apply(*change) for change in changes), return_exceptions=True)


def agrees(told: BaseException | None, refusals: set[Place]) -> bool:
    """Whether a change was told what the model says: done, or a conflict about one of these records."""
    if not refusals:
        return told is None
    return isinstance(told, Conflict) and (told.kind, told.record_id) in refusals


class StoreMachine(RuleBasedStateMachine):
    """``kept`` is the model: what the store must hold, expired or not."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = HandClock()
        self.folder = Path(tempfile.mkdtemp(prefix="mailroom-model-"))
        self.kept: dict[Place, Any] = {}
        self.forgotten = 0
        self.store = self.open()

    def open(self) -> Store:
        raise NotImplementedError

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    # --- the model

    def there(self, place: Place) -> Any:
        record = self.kept.get(place)
        expires_at = getattr(record, "expires_at", None)
        return None if expires_at is not None and expires_at <= self.clock.now else record

    def all_there(self, kind: type[Record]) -> list[Any]:
        return [self.kept[place] for place in self.kept if place[0] == kind_of(kind) and self.there(place)]

    def carry_out(self, writes: Sequence[Write]) -> set[Place]:
        """Does the change, or says which records it conflicts about and does nothing."""
        if refusals := {place for write in writes if (place := self.refused(write))}:
            return refusals
        self.kept |= {place_of(write.record): write.record for write in writes if isinstance(write, Insert)}
        self.kept |= {
            place_of(write.record): write.record
            for write in writes
            if isinstance(write, InsertIfAbsent) and self.there(place_of(write.record)) is None
        }
        self.kept |= {
            place_of(write.record): changed(write.record, version=write.record.version + 1)
            for write in writes
            if isinstance(write, Replace)
        }
        for write in writes:
            if isinstance(write, Delete):
                gone = self.kept.pop(place_of(write.record))
                self.forgotten += isinstance(gone, Document)
        return set()

    def refused(self, write: Write) -> Place | None:
        if isinstance(write, CheckOwner):
            job = self.there(("job", write.job_id))
            return None if job is None or job.document_id == write.document_id else ("job", write.job_id)
        old = self.there(place_of(write.record))
        fits = {
            Insert: old is None,
            InsertIfAbsent: True,
            Replace: old is not None and old.version == write.record.version,
            Delete: old is not None and old.version == write.record.version,
        }
        return None if fits[type(write)] else place_of(write.record)

    # --- what happens

    @rule(writes=CHANGES, fit=st.booleans())
    def apply(self, writes: list[Write], fit: bool) -> None:
        """``fit``: updates name the version that is there, as one that has just read it would."""
        change = [self.fitted(write) if fit else write for write in writes]
        refusals = self.carry_out(change)
        assert agrees(self.run(outcome(self.store.apply(*change))), refusals)

    @rule(changes=st.lists(CHANGES, min_size=2, max_size=6))
    def apply_many_at_once(self, changes: list[list[Write]]) -> None:
        """What came of it must be explained by one change after the other, in some order."""
        told = self.run(outcomes(self.store, changes))
        places = {place_of(write.record): type(write.record) for change in changes for write in written(change)}
        found = {place: self.run(self.store.get(kind, place[1])) for place, kind in places.items()}
        before, forgotten = dict(self.kept), self.forgotten
        for order in permutations(range(len(changes))):
            self.kept, self.forgotten = dict(before), forgotten
            refusals = {number: self.carry_out(changes[number]) for number in order}
            same = all(agrees(told[number], refusals[number]) for number in order)
            if same and found == {place: self.there(place) for place in found}:
                return
        raise AssertionError(f"no order of {changes} explains {told} and {found}")

    def fitted(self, write: Write) -> Write:
        if isinstance(write, CheckOwner) or not (old := self.there(place_of(write.record))):
            return write
        kind = Delete if isinstance(write, Delete) else Replace
        return kind(changed(write.record, version=old.version))

    @rule(
        owner=st.sampled_from(["w1", "w2"]),
        limit=st.integers(1, 3),
        lease_seconds=st.sampled_from([0.5, 2]),
        ids=st.none() | st.lists(IDS, max_size=3),
        slots=st.none() | st.lists(st.integers(0, 3), min_size=4, max_size=4),
        lanes=st.dictionaries(
            st.sampled_from(["0 deliver", "1 llamacloud", "2 llamacloud", SUSPECTS]), st.integers(0, 2)
        ),
    )
    def claim(
        self,
        owner: str,
        limit: int,
        lease_seconds: float,
        ids: list[str] | None,
        slots: list[int] | None,
        lanes: dict[str, int],
    ) -> None:
        now = self.clock.now

        def room() -> Room:
            return (
                Room.for_any(limit) if slots is None else Room(dict(zip(Rank, slots, strict=True)), lanes, otherwise=3)
            )

        due = [task for task in self.all_there(Task) if task.claimable_at is not None and task.claimable_at <= now]
        due = [task for task in due if ids is None or task.id in ids]
        due.sort(key=lambda task: task.turn)
        expected = [
            changed(task.claim(owner=owner, now=now, lease_seconds=lease_seconds), version=task.version + 1)
            for task in list(filter(room().take, due))[:limit]
        ]
        claim = self.store.claim(owner=owner, now=now, lease_seconds=lease_seconds, limit=limit, ids=ids, room=room())
        assert self.run(claim) == expected
        self.kept.update({("task", task.id): task for task in expected})

    @rule(seconds=st.sampled_from([0.5, 1, 2]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(limit=st.integers(1, 3))
    def purge(self, limit: int) -> None:
        expired = {place for place in self.kept if self.there(place) is None}
        for left in range(len(expired), 0, -limit):
            assert self.run(self.store.purge(now=self.clock.now, limit=limit)) == min(limit, left)
        assert self.run(self.store.purge(now=self.clock.now, limit=limit)) == 0
        for place in expired:
            del self.kept[place]

    @rule(
        listing=st.sampled_from(LISTINGS),
        key=KEYS,
        bounds=st.tuples(PERHAPS, PERHAPS),
        newest_first=st.booleans(),
        limit=st.integers(1, 4),
    )
    def find(
        self, listing: tuple[type[Record], str], key: str, bounds: tuple[Any, Any], newest_first: bool, limit: int
    ) -> None:
        (kind, name), (since, until) = listing, bounds
        index = INDEXES[kind][name]
        wanted = key if index.key else None
        if wanted is not None and wanted == index.unlisted:
            return  # tests/contracts/store_asked.py
        query = Query(by=name, key=wanted, since=since, until=until, newest_first=newest_first, limit=limit)
        rows = [(getattr(item, index.order), item.id, item) for item in self.all_there(kind)]
        rows = [row for row in rows if row[0] is not None and (not index.key or getattr(row[2], index.key) == key)]
        rows = [row for row in rows if (since is None or row[0] >= since) and (until is None or row[0] < until)]
        rows.sort(key=lambda row: row[:2], reverse=newest_first)
        assert self.run(all_pages(self.store, kind, query)) == [record for _, _, record in rows]

    @rule(text=st.sampled_from(SEARCHES), limit=st.integers(1, 4))
    def search(self, text: str, limit: int) -> None:
        assert self.run(found_by(self.store, text, limit=limit)) == expected(text, self.all_there(Document))

    @rule(record=RECORDS)
    def get(self, record: Record) -> None:
        got = self.run(self.store.get(type(record), record.id))
        assert got == self.there((kind_of(record), record.id))

    @invariant()
    def the_books_are_a_recount(self) -> None:
        documents = self.all_there(Document)
        states = Counter(str(document.state) for document in documents)
        tally = self.run(self.store.tally())
        taken_in = len(documents) - states["withdrawn"] + self.forgotten
        assert tally == Tally(received=taken_in, forgotten=self.forgotten, **states)
        assert tally.balanced


class MemoryMachine(StoreMachine):
    def open(self) -> Store:
        return MemoryStore(self.clock)


class SqliteMachine(StoreMachine):
    def open(self) -> Store:
        return SqliteStore(self.folder / "mailroom.db", self.clock)

    @precondition(lambda self: self.kept)
    @rule()
    def close_and_open_again(self) -> None:
        self.run(self.store.close())
        self.store = self.open()


@pytest.mark.parametrize("machine", [MemoryMachine, SqliteMachine])
def test_the_store_and_the_dictionary_agree(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [MemoryMachine, SqliteMachine])
def test_the_store_and_the_dictionary_agree_in_long_histories(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=AT_LENGTH)
