"""What every store keeps to: the Protocol's docstrings, one test per promise, for any adapter.

A subclass provides two fixtures: ``clock`` is taken from here, ``store`` is the adapter under test built with it.
"""

import asyncio
from typing import Any

import pytest

from receiver.cloud.shared_budget import RENEW_SECONDS, SharedBudget
from receiver.core.balance import Tally
from receiver.core.change import (
    INDEXES,
    CheckOwner,
    Delete,
    Insert,
    InsertIfAbsent,
    Query,
    Replace,
    Write,
    changed,
    kind_of,
)
from receiver.core.document import Classification, Delivery, Document, DocumentState, HistoryEntry
from receiver.core.errors import Conflict
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.job import JobStatus
from receiver.core.plan import Plan, Row, Target, Way
from receiver.core.task import Task
from receiver.ports import Store
from tests.builders import BUILDERS, NOW, a_document, a_flag, a_job, a_task, an_event
from tests.contracts.store_asked import AskedContract, all_pages
from tests.contracts.store_counted import CountedContract
from tests.contracts.store_searched import SearchContract


class HandClock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def a_full_document() -> Document:
    """One with something in every nested place."""
    target = Target(url="s3://mail/über uns/", options={"storage_class": "STANDARD_IA"})
    row = Row(route="invoice", matched=True, why="so")
    plan = Plan(way=Way.MATCHED, route="invoice", reason="type 'invoice'", to=(target,), trace=(row,))
    return a_document(
        name="Rechnung \u0000 \U0001f4ec ';drop table document;--.pdf",
        pages=(1, 2, 30),
        metadata={"from": "ärger@example.org", "": "x"},
        deadline=NOW + 0.1,
        classification=Classification(type="invoice", confidence=0.1 + 0.2, reasoning="because"),
        plan=plan,
        deliveries=(Delivery(id="dlv-1", to=target, route="invoice"),),
        history=(HistoryEntry(at=NOW, what="taken_in"), HistoryEntry(at=NOW + 1e-6, what="decided", detail="…")),
    )


async def outcome(work: Any) -> Any:
    """What it returned, or the exception it raised."""
    return (await asyncio.gather(work, return_exceptions=True))[0]


@pytest.mark.anyio
class StoreContract(AskedContract, CountedContract, SearchContract):
    @pytest.fixture
    def clock(self) -> HandClock:
        return HandClock()

    # --- apply and get

    @pytest.mark.parametrize("build", [*BUILDERS, a_full_document], ids=lambda build: build.__name__)
    async def test_what_was_written_is_read_back_equal(self, store: Store, build: Any) -> None:
        record = build()
        await store.apply(Insert(record))
        assert await store.get(type(record), record.id) == record

    @pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
    async def test_a_second_insert_is_a_conflict_that_names_the_record(self, store: Store, build: Any) -> None:
        record = build()
        await store.apply(Insert(record))
        with pytest.raises(Conflict) as conflict:
            await store.apply(Insert(build(id=record.id)))
        assert (conflict.value.kind, conflict.value.record_id) == (kind_of(record), record.id)
        assert await store.get(type(record), record.id) == record

    @pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
    async def test_ensure_writes_once_and_then_leaves_the_old_one(self, store: Store, build: Any) -> None:
        first, second = build(id="one"), build(id="one")
        await store.apply(InsertIfAbsent(first))
        await store.apply(InsertIfAbsent(second))
        assert await store.get(type(first), "one") == first

    @pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
    async def test_an_update_raises_the_version_by_one(self, store: Store, build: Any) -> None:
        record = build()
        await store.apply(Insert(record))
        await store.apply(Replace(record))
        await store.apply(Replace(changed(record, version=1)))
        assert await store.get(type(record), record.id) == changed(record, version=2)

    async def test_an_update_of_another_version_is_a_conflict(self, store: Store) -> None:
        document = a_document()
        await store.apply(Insert(document))
        await store.apply(Replace(changed(document, error="first")))
        with pytest.raises(Conflict) as conflict:
            await store.apply(Replace(changed(document, error="second")))
        assert (conflict.value.kind, conflict.value.record_id) == ("document", document.id)
        assert await store.get(Document, document.id) == changed(document, error="first", version=1)

    async def test_an_update_of_nothing_is_a_conflict(self, store: Store) -> None:
        with pytest.raises(Conflict):
            await store.apply(Replace(a_flag(id="nobody")))
        assert await store.get(Flag, "nobody") is None

    # --- delete

    @pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
    async def test_what_is_deleted_is_gone_and_may_be_inserted_again(self, store: Store, build: Any) -> None:
        record = build()
        await store.apply(Insert(record))
        await store.apply(Delete(record))
        assert await store.get(type(record), record.id) is None
        for name, index in INDEXES[type(record)].items():
            key = getattr(record, index.key) if index.key else None
            if key is not None or not index.key:
                assert await all_pages(store, type(record), Query(by=name, key=key)) == []
        await store.apply(Insert(record))
        assert await store.get(type(record), record.id) == record

    @pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
    async def test_what_changed_or_is_gone_is_not_deleted(self, store: Store, build: Any) -> None:
        record = build()
        for _ in range(2):
            with pytest.raises(Conflict) as conflict:
                await store.apply(Delete(record))
            assert (conflict.value.kind, conflict.value.record_id) == (kind_of(record), record.id)
            await store.apply(InsertIfAbsent(changed(record, version=1)))
        assert await store.get(type(record), record.id) == changed(record, version=1)

    async def test_a_delete_is_a_part_of_its_change(self, store: Store) -> None:
        document, job = a_document(), a_job()
        await store.apply(Insert(document), Insert(job))
        with pytest.raises(ValueError, match="writes one record twice"):
            await store.apply(Delete(document), Delete(job), Insert(job))
        with pytest.raises(Conflict):
            await store.apply(Delete(document), Delete(changed(job, version=7)))
        assert await store.get(Document, document.id) == document
        await store.apply(Delete(document), Delete(job), Insert(a_flag(id="done")))
        assert [await store.get(type(item), item.id) for item in (document, job)] == [None, None]

    async def test_an_event_that_just_arrived_is_deleted_like_any_other(self, store: Store) -> None:
        event, task = an_event(), a_task()
        await store.apply(Insert(event), InsertIfAbsent(task))
        await store.apply(Delete(event), Delete(task))
        assert [await store.get(Event, event.id), await store.get(Task, task.id)] == [None, None]

    async def test_nothing_found_is_none(self, store: Store) -> None:
        assert [await store.get(kind, "nobody") for kind in INDEXES] == [None] * len(INDEXES)

    async def test_ids_of_different_kinds_do_not_meet(self, store: Store) -> None:
        records = [build(id="same") for build in BUILDERS]
        await store.apply(*(Insert(record) for record in records))
        assert [await store.get(type(record), "same") for record in records] == records

    @pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
    async def test_long_ids_that_differ_at_their_ends_do_not_meet(self, store: Store, build: Any) -> None:
        item, other = build(id=f"{'é' * 2000}:1"), build(id=f"{'é' * 2000}:2")
        await store.apply(Insert(item), Insert(other))
        assert await store.get(type(item), item.id) == item
        assert await store.get(type(item), other.id) == other

    async def test_a_task_with_a_long_id_and_subject_is_found_and_claimed(self, store: Store) -> None:
        tasks = [a_task(id=f"{'x' * 4000}{number}", subject=f"{'y' * 4000}{number}") for number in range(2)]
        await store.apply(*map(InsertIfAbsent, tasks))
        page = await store.find(Task, Query(by="subject", key=tasks[1].subject))
        claimed = await store.claim(owner="w", now=NOW, lease_seconds=60, ids=[tasks[0].id])
        assert [[item.id for item in found] for found in (page.records, claimed)] == [[tasks[1].id], [tasks[0].id]]

    async def test_a_change_of_nothing_is_nothing(self, store: Store) -> None:
        await store.apply()

    async def test_a_change_that_writes_a_record_twice_is_our_own_mistake(self, store: Store) -> None:
        flag = a_flag()
        with pytest.raises(ValueError, match="writes one record twice"):
            await store.apply(Insert(flag), Replace(flag))
        assert await store.get(Flag, flag.id) is None

    async def test_text_that_is_not_unicode_hurts_nobody_else(self, store: Store) -> None:
        bad, good = a_flag(value="\udcff"), a_flag()
        told = await asyncio.gather(store.apply(Insert(bad)), store.apply(Insert(good)), return_exceptions=True)
        assert isinstance(told[0], UnicodeEncodeError)
        assert told[1] is None
        assert await store.get(Flag, good.id) == good

    async def test_what_was_read_can_be_changed_without_changing_the_store(self, store: Store) -> None:
        document = a_document(metadata={"a": "1"})
        await store.apply(Insert(document))
        document.metadata["a"] = "2"
        read = await store.get(Document, document.id)
        assert read is not None
        read.metadata["b"] = "3"
        again = await store.get(Document, document.id)
        assert again is not None
        assert again.metadata == {"a": "1"}

    # --- all or nothing

    async def test_a_conflict_anywhere_leaves_nothing_of_the_change(self, store: Store) -> None:
        old, moved = a_document(), a_document()
        await store.apply(Insert(old), Insert(moved))
        event, task, flag = an_event(), a_task(), a_flag()
        change: list[Write] = [Insert(event), InsertIfAbsent(task), Replace(changed(moved, error="x")), Insert(flag)]
        for place in range(len(change) + 1):
            writes = [*change[:place], Insert(a_document(id=old.id)), *change[place:]]
            with pytest.raises(Conflict) as conflict:
                await store.apply(*writes)
            assert conflict.value.record_id == old.id
        assert await store.get(Event, event.id) is None
        assert await store.get(Task, task.id) is None
        assert await store.get(Flag, flag.id) is None
        assert await store.get(Document, moved.id) == moved
        assert (await store.tally()).received == 2

    async def test_changes_that_are_given_together_are_done_each_by_itself(self, store: Store) -> None:
        job, known, new, other = a_job(), an_event(), an_event(), an_event()
        await store.apply(Insert(job))
        await store.apply(Insert(known))
        told = await store.apply_each(
            [Insert(known), InsertIfAbsent(a_task(id="of-known"))],
            [CheckOwner(job.id, job.document_id), Insert(new), InsertIfAbsent(a_task(id="of-new"))],
            [CheckOwner(job.id, "another"), Insert(other), InsertIfAbsent(a_task(id="of-other"))],
            [Replace(changed(job, status=JobStatus.COMPLETED))],
        )
        conflicts = [(item.kind, item.record_id) if isinstance(item, Conflict) else item for item in told]
        assert conflicts == [("event", known.id), None, ("job", job.id), None]
        assert [task.id for task in await all_pages(store, Task, Query())] == ["of-new"]
        assert await store.get(type(job), job.id) == changed(job, status=JobStatus.COMPLETED, version=1)
        assert await store.apply_each() == []

    async def test_events_that_are_given_together_are_kept_once_each(self, store: Store) -> None:
        job, known, new, other = a_job(), an_event(), an_event(), an_event()
        await store.apply(Insert(job))
        await store.apply_each([Insert(known), InsertIfAbsent(a_task())])
        task = a_task()
        told = await store.apply_each(
            [Insert(new), InsertIfAbsent(task)],
            [CheckOwner("unknown", "another"), CheckOwner(job.id, "another"), Insert(other), InsertIfAbsent(a_task())],
            [Insert(known), InsertIfAbsent(a_task())],
            [Insert(changed(new, type="classify.error")), InsertIfAbsent(a_task())],
        )
        assert [type(item) for item in told[1:3]] == [Conflict, Conflict]
        assert {type(told[0]), type(told[3])} == {type(None), Conflict}
        assert {item.id for item in await all_pages(store, Event, Query())} == {known.id, new.id}
        assert (await store.get(Task, task.id) == task) == (told[0] is None)

    async def test_a_change_holds_while_the_job_is_unknown_or_belongs_to_the_document(self, store: Store) -> None:
        await store.apply(CheckOwner("job-1", "doc-1"), Insert(an_event(id="e1")))
        await store.apply(Insert(a_job(id="job-1", document_id="doc-1")))
        await store.apply(CheckOwner("job-1", "doc-1"), Insert(an_event(id="e2")))
        assert await store.get(Event, "e2") is not None

    async def test_a_change_about_another_documents_job_is_a_conflict(self, store: Store) -> None:
        await store.apply(Insert(a_job(id="job-1", document_id="doc-1")))
        with pytest.raises(Conflict) as conflict:
            await store.apply(Insert(an_event(id="e1")), CheckOwner("job-1", "doc-2"))
        assert (conflict.value.kind, conflict.value.record_id) == ("job", "job-1")
        assert await store.get(Event, "e1") is None

    async def test_every_job_of_a_change_must_be_unknown_or_belong_to_the_document(self, store: Store) -> None:
        await store.apply(
            Insert(a_job(id="job-1", document_id="doc-1")), Insert(a_job(id="job-2", document_id="doc-2"))
        )
        for jobs in (("job-1", "job-2"), ("job-2", "job-1"), ("job-2", "unknown"), ("unknown", "job-2")):
            event = an_event(job_id=jobs[0], other_id=jobs[1])
            checks = [CheckOwner(item, "doc-1") for item in jobs]
            (told,) = await store.apply_each([*checks, Insert(event), InsertIfAbsent(a_task(id="t"))])
            assert isinstance(told, Conflict)
            assert (told.kind, told.record_id) == ("job", "job-2")
        assert await store.apply_each(
            [CheckOwner("job-1", "doc-1"), CheckOwner("unknown", "doc-1"), Insert(event)]
        ) == [None]
        assert await store.get(Task, "t") is None

    async def test_belonging_asks_about_what_was_there_before_the_change(self, store: Store) -> None:
        await store.apply(Insert(a_job(id="new", document_id="doc-1")), CheckOwner("new", "doc-2"))
        await store.apply(Insert(a_job(id="own", document_id="doc-1")))
        await store.apply(CheckOwner("own", "doc-1"), Replace(a_job(id="own", document_id="doc-2")))
        assert await outcome(store.apply(CheckOwner("own", "doc-2"))) is None

    async def test_a_record_ensured_twice_in_one_change_is_there_once(self, store: Store) -> None:
        task = a_task()
        await store.apply(InsertIfAbsent(task), InsertIfAbsent(changed(task, subject="other")))
        assert await store.get(Task, task.id) == task

    # --- many at once

    async def test_of_a_hundred_inserts_of_one_id_exactly_one_succeeds(self, store: Store) -> None:
        tasks = [a_task() for _ in range(100)]
        told = await asyncio.gather(
            *(store.apply(Insert(task), Insert(an_event(id="one", job_id=task.id))) for task in tasks),
            return_exceptions=True,
        )
        assert [type(item) for item in told].count(Conflict) == 99
        winner = tasks[told.index(None)]
        event = await store.get(Event, "one")
        assert event is not None
        assert event.job_id == winner.id
        assert [task.id for task in await all_pages(store, Task, Query())] == [winner.id]

    async def test_of_many_updates_of_one_version_exactly_one_succeeds(self, store: Store) -> None:
        document = a_document()
        await store.apply(Insert(document))
        told = await asyncio.gather(
            *(store.apply(Replace(changed(document, error=str(number)))) for number in range(50)),
            return_exceptions=True,
        )
        assert [type(item) for item in told].count(Conflict) == 49
        assert await store.get(Document, document.id) == changed(document, error=str(told.index(None)), version=1)

    async def test_a_conflict_among_many_changes_is_that_callers_alone(self, store: Store) -> None:
        await store.apply(Insert(a_flag(id="taken")))
        ids = [f"flag-{number}" if number % 10 else "taken" for number in range(100)]
        told = await asyncio.gather(*(store.apply(Insert(a_flag(id=item))) for item in ids), return_exceptions=True)
        assert [type(item) for item in told].count(Conflict) == 10
        kept = [await store.get(Flag, item) for item in ids]
        assert None not in kept

    async def test_counting_up_by_read_and_update_loses_nothing(self, store: Store) -> None:
        await store.apply(Insert(a_flag(id="count", value="0")))

        async def count_up() -> None:
            while True:
                flag = await store.get(Flag, "count")
                assert flag is not None
                if await outcome(store.apply(Replace(changed(flag, value=str(int(flag.value) + 1))))) is None:
                    return

        await asyncio.gather(*(count_up() for _ in range(20)))
        flag = await store.get(Flag, "count")
        assert flag is not None
        assert (flag.value, flag.version) == ("20", 20)

    # --- expiry

    @pytest.mark.parametrize("build", [an_event, a_task], ids=lambda build: build.__name__)
    async def test_an_expired_record_counts_as_gone(self, store: Store, clock: HandClock, build: Any) -> None:
        record = build(expires_at=NOW + 10)
        await store.apply(Insert(record))
        clock.now = NOW + 9.9
        assert await store.get(type(record), record.id) == record
        assert await all_pages(store, type(record), Query()) == [record]
        clock.now = NOW + 10
        assert await store.get(type(record), record.id) is None
        assert await all_pages(store, type(record), Query()) == []
        with pytest.raises(Conflict):
            await store.apply(Replace(record))

    @pytest.mark.parametrize("write", [Insert, InsertIfAbsent])
    async def test_an_expired_record_gives_way_to_a_new_one(self, store: Store, clock: HandClock, write: Any) -> None:
        await store.apply(Insert(an_event(id="e", job_id="old", expires_at=NOW + 10)))
        clock.now = NOW + 10
        new = an_event(id="e", job_id="new")
        await store.apply(write(new))
        assert await store.get(Event, "e") == new
        assert await all_pages(store, Event, Query(by="job", key="new")) == [new]

    async def test_an_expired_task_is_not_claimed(self, store: Store, clock: HandClock) -> None:
        await store.apply(Insert(a_task(expires_at=NOW + 10)))
        clock.now = NOW + 10
        assert await store.claim(owner="a", now=NOW + 10, lease_seconds=1) == []

    async def test_expired_records_never_make_an_empty_page_with_a_cursor(self, store: Store, clock: HandClock) -> None:
        expiring = [an_event(received_at=NOW + n, expires_at=NOW + 1 if n % 5 else None) for n in range(20)]
        await store.apply(*(Insert(event) for event in expiring))
        clock.now = NOW + 2
        assert await all_pages(store, Event, Query(limit=2)) == expiring[::5]

    async def test_purge_forgets_a_bounded_number_and_says_how_many(self, store: Store, clock: HandClock) -> None:
        await store.apply(*(Insert(an_event(expires_at=NOW + 1)) for _ in range(5)))
        await store.apply(*(Insert(a_task(expires_at=NOW + 1)) for _ in range(5)), Insert(an_event(id="kept")))
        assert await store.purge(now=NOW) == 0
        assert await store.purge(now=NOW + 1, limit=7) == 7
        assert await store.purge(now=NOW + 1, limit=7) == 3
        assert await store.purge(now=NOW + 1, limit=7) == 0
        assert [event.id for event in await all_pages(store, Event, Query())] == ["kept"]

    # --- the books

    async def test_an_empty_store_has_empty_books(self, store: Store) -> None:
        assert await store.tally() == Tally()

    async def test_the_tally_follows_each_document(self, store: Store) -> None:
        documents = [a_document() for _ in range(4)]
        await store.apply(*(Insert(document) for document in documents))
        states = [DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.FAILED]
        for document, state in zip(documents, states, strict=False):
            await store.apply(Replace(changed(document, state=state)))
        await store.apply(InsertIfAbsent(changed(documents[0], state=DocumentState.FAILED)))
        await store.apply(Replace(changed(documents[1], state=DocumentState.ROUTED, version=1)))
        await store.apply(Insert(a_document(state=DocumentState.REVIEW)))
        tally = await store.tally()
        assert tally == Tally(received=5, routed=2, review=1, failed=1, open=1)
        assert tally.balanced

    async def test_what_is_withdrawn_is_counted_apart_until_it_is_brought_back(self, store: Store) -> None:
        documents = [a_document(state=DocumentState.ROUTED) for _ in range(3)]
        await store.apply(*(Insert(document) for document in documents))
        for document in documents[:2]:
            await store.apply(Replace(changed(document, state=DocumentState.WITHDRAWN)))
        tally = await store.tally()
        assert tally == Tally(received=1, routed=1, withdrawn=2)
        assert (tally.balanced, tally.ever) == (True, 3)
        await store.apply(Replace(changed(documents[0], state=DocumentState.OPEN, version=1)))
        assert await store.tally() == Tally(received=2, routed=1, open=1, withdrawn=1)

    async def test_a_document_that_is_deleted_counts_as_forgotten(self, store: Store) -> None:
        states = (DocumentState.OPEN, DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.FAILED)
        documents = [a_document(state=state) for state in states]
        await store.apply(*(Insert(document) for document in documents))
        await store.apply(*(Delete(document) for document in documents[1:3]))
        tally = await store.tally()
        assert tally == Tally(received=4, open=1, failed=1, forgotten=2)
        assert tally.balanced
        await store.apply(Insert(documents[1]))
        assert await store.tally() == Tally(received=5, open=1, failed=1, forgotten=2, routed=1)

    async def test_it_knows_of_each_document_that_it_may_have_been_removed(self, store: Store) -> None:
        """Whether it says so of others too is its own affair, but of none before the first is removed."""
        documents = [a_document() for _ in range(5)]
        await store.apply(*(Insert(document) for document in documents))
        assert not any([await store.may_have_removed(document.id) for document in documents])
        await store.apply(*(Delete(document) for document in documents[:3]))
        await store.apply(Insert(documents[0]))
        assert all([await store.may_have_removed(document.id) for document in documents[:3]])

    async def test_a_change_that_failed_is_not_in_the_books(self, store: Store) -> None:
        await store.apply(Insert(a_flag(id="there")))
        await outcome(store.apply(Insert(a_document()), Insert(a_flag(id="there"))))
        assert await store.tally() == Tally()
        document = a_document()
        await store.apply(Insert(document))
        await outcome(store.apply(Delete(document), Insert(a_flag(id="there"))))
        assert await store.tally() == Tally(received=1, open=1)

    # --- a budget that processes share through it

    async def test_processes_lease_equal_shares_of_a_budget(self, store: Store, clock: HandClock) -> None:
        budgets = [SharedBudget(store, "a", owner, clock=clock) for owner in "abc"]
        assert await budgets[0].renewed()
        assert [item.share for item in budgets] == [1, 0, 0]
        for _ in range(3):
            clock.now += RENEW_SECONDS
            await asyncio.gather(*(item.renewed() for item in budgets))
            assert sum(item.share for item in budgets) <= 1 + 1e-6
        assert [item.share for item in budgets] == [pytest.approx(1 / 3)] * 3
        await budgets.pop().leave()
        for _ in range(2):
            clock.now += RENEW_SECONDS
            await asyncio.gather(*(item.renewed() for item in budgets))
        assert [item.share for item in budgets] == [pytest.approx(1 / 2)] * 2
        for item in budgets:
            await item.leave()

    # --- life

    async def test_a_store_that_can_write_is_ready(self, store: Store) -> None:
        await store.ready()
        await store.ready()

    async def test_closing_twice_is_closing_once(self, store: Store) -> None:
        await store.apply(Insert(a_flag()))
        await store.close()
        await store.close()

    async def test_what_is_under_way_at_the_close_is_answered(self, store: Store) -> None:
        under_way = [asyncio.ensure_future(store.apply(Insert(a_job()))) for _ in range(50)]
        await asyncio.sleep(0)
        await store.close()
        assert await asyncio.gather(*under_way) == [None] * 50
