"""What every store answers: listings, page after page, and claims. A part of the contract in store.py."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from receiver.core.bulkhead import Room
from receiver.core.change import INDEXES, Insert, Query, Record, Replace, changed
from receiver.core.document import Classification, Document, DocumentState
from receiver.core.errors import Conflict, Malformed
from receiver.core.event import Event
from receiver.core.job import JobStatus
from receiver.core.task import CUT_OFF, Rank, Task, TaskState
from receiver.ports import Store
from tests.builders import BUILDERS, NOW, a_document, a_job, a_task, an_event


async def all_pages(store: Store, kind: type[Record], query: Query) -> list[Any]:
    """Everything that the listing holds, page after page; an empty page with a cursor fails."""
    found: list[Any] = []
    while True:
        page = await store.find(kind, query)
        found += page.records
        assert len(page.records) <= query.limit
        if page.cursor is None:
            return found
        assert page.records, "a page with a cursor must not be empty"
        query = replace(query, cursor=page.cursor)


class AskedContract:
    """Its subclass provides the fixture ``store``."""

    # --- find

    async def test_a_listing_without_a_key_is_all_of_the_kind_in_order(self, store: Store) -> None:
        documents = [a_document(id=f"d{number}", taken_in_at=NOW + number % 3) for number in range(7)]
        await store.apply(*(Insert(document) for document in documents))
        ordered = sorted(documents, key=lambda item: (item.taken_in_at, item.id))
        assert await all_pages(store, Document, Query()) == ordered
        assert await all_pages(store, Document, Query(newest_first=True)) == ordered[::-1]

    @pytest.mark.parametrize("newest_first", [False, True])
    @pytest.mark.parametrize("limit", [1, 2, 3, 10, 11])
    async def test_pages_join_up_without_gap_or_repeat(self, store: Store, limit: int, newest_first: bool) -> None:
        await store.apply(*(Insert(a_task(id=f"t{n}", subject="s", created_at=NOW + n // 4)) for n in range(10)))
        query = Query(by="subject", key="s", limit=limit, newest_first=newest_first)
        found = [task.id for task in await all_pages(store, Task, query)]
        assert found == [f"t{n}" for n in (range(9, -1, -1) if newest_first else range(10))]

    async def test_the_last_page_has_no_cursor_even_when_it_is_full(self, store: Store) -> None:
        await store.apply(*(Insert(a_task()) for _ in range(4)))
        first = await store.find(Task, Query(limit=2))
        last = await store.find(Task, Query(limit=2, cursor=first.cursor))
        assert (len(last.records), last.cursor) == (2, None)

    async def test_an_empty_listing_is_one_empty_page(self, store: Store) -> None:
        assert await store.find(Document, Query(by="state", key="failed")) == ([], None)

    async def test_since_is_inclusive_and_until_exclusive(self, store: Store) -> None:
        await store.apply(*(Insert(an_event(id=f"e{number}", received_at=NOW + number)) for number in range(6)))
        query = Query(since=NOW + 1, until=NOW + 4, limit=2)
        assert [event.id for event in await all_pages(store, Event, query)] == ["e1", "e2", "e3"]
        backwards = replace(query, newest_first=True)
        assert [event.id for event in await all_pages(store, Event, backwards)] == ["e3", "e2", "e1"]

    async def test_records_added_while_paging_do_not_disturb_the_pages(self, store: Store) -> None:
        await store.apply(*(Insert(an_event(id=f"e{n}", received_at=NOW + n)) for n in range(4)))
        first = await store.find(Event, Query(limit=2))
        await store.apply(Insert(an_event(id="early", received_at=NOW - 1)), Insert(an_event(received_at=NOW + 1.5)))
        rest = await all_pages(store, Event, Query(limit=2, cursor=first.cursor))
        assert [event.received_at - NOW for event in rest] == [1.5, 2, 3]

    async def test_the_indexes_follow_each_change(self, store: Store) -> None:
        document = a_document(deadline=NOW + 5)
        await store.apply(Insert(document))
        assert await all_pages(store, Document, Query(by="state", key="open")) == [document]
        assert await all_pages(store, Document, Query(by="overdue", until=NOW + 6)) == [document]
        routed = changed(
            document, state=DocumentState.ROUTED, classification=Classification(type="invoice", confidence=1.0)
        )
        await store.apply(Replace(routed))
        kept = changed(routed, version=1)
        assert await all_pages(store, Document, Query(by="state", key="open")) == []
        assert await all_pages(store, Document, Query(by="overdue")) == []
        for query in (Query(by="state", key="routed"), Query(by="type", key="invoice"), Query()):
            assert await all_pages(store, Document, query) == [kept]

    async def test_every_index_finds_its_records_and_no_others(self, store: Store) -> None:
        pairs: list[tuple[Any, Any]] = [(build(), build()) for build in BUILDERS if INDEXES[type(build())]]
        pairs.append((a_document(deadline=NOW, classification=Classification(type="a", confidence=1)), a_document()))
        pairs.append((a_job(deadline=NOW), a_job(deadline=NOW, status=JobStatus.COMPLETED)))
        records = [record for pair in pairs for record in pair]
        await store.apply(*(Insert(record) for record in records))
        for kind, indexes in INDEXES.items():
            of_kind = [record for record in records if type(record) is kind]
            for name, index in indexes.items():
                keys = {getattr(record, index.key) for record in of_kind} - {None} if index.key else {None}
                for key in keys:
                    there = [r for r in of_kind if (not index.key or getattr(r, index.key) == key)]
                    there = [r for r in there if getattr(r, index.order) is not None]
                    found = await all_pages(store, kind, Query(by=name, key=key, limit=3))
                    assert found == sorted(there, key=lambda r: (getattr(r, index.order), r.id)), (kind, name, key)

    @pytest.mark.parametrize("cursor", ["", "x", "!!", "bm9wZQ", "W10", "Ww==", "ü", "A" * 5000])
    async def test_a_cursor_that_nobody_gave_out_is_malformed(self, store: Store, cursor: str) -> None:
        with pytest.raises(Malformed):
            await store.find(Document, Query(cursor=cursor))

    async def test_a_cursor_of_another_listing_is_malformed(self, store: Store) -> None:
        await store.apply(*(Insert(a_task(subject="s")) for _ in range(3)))
        page = await store.find(Task, Query(limit=1))
        with pytest.raises(Malformed):
            await store.find(Task, Query(by="subject", key="s", cursor=page.cursor))

    async def test_a_page_of_no_records_is_malformed(self, store: Store) -> None:
        with pytest.raises(Malformed):
            await store.find(Document, Query(limit=0))

    async def test_a_query_that_no_index_answers_is_our_own_mistake(self, store: Store) -> None:
        with pytest.raises(KeyError, match="document has no index 'colour'"):
            await store.find(Document, Query(by="colour"))
        with pytest.raises(ValueError, match="with a key"):
            await store.find(Document, Query(by="state"))
        with pytest.raises(ValueError, match="without a key"):
            await store.find(Document, Query(key="open"))

    async def test_a_key_whose_records_are_not_listed_is_refused_not_answered_with_nothing(self, store: Store) -> None:
        await store.apply(Insert(a_task(state=TaskState.DONE)))
        with pytest.raises(ValueError, match="task by 'state' is not found with 'done'"):
            await store.find(Task, Query(by="state", key=TaskState.DONE))
        assert [task.state for task in await all_pages(store, Task, Query())] == [TaskState.DONE]

    # --- claim

    async def test_a_due_task_is_claimed_for_the_lease(self, store: Store) -> None:
        task = a_task(due_at=NOW)
        await store.apply(Insert(task))
        assert await store.claim(owner="a", now=NOW - 1, lease_seconds=60) == []
        claimed = await store.claim(owner="a", now=NOW, lease_seconds=60)
        assert claimed == [changed(task.claim(owner="a", now=NOW, lease_seconds=60), version=1)]
        assert await store.get(Task, task.id) == claimed[0]
        assert await store.claim(owner="b", now=NOW + 59.9, lease_seconds=60) == []

    async def test_a_claimed_task_is_finished_with_the_version_it_came_with(self, store: Store) -> None:
        await store.apply(Insert(a_task(id="t")))
        (task,) = await store.claim(owner="a", now=NOW, lease_seconds=60)
        await store.apply(Replace(task.finish(now=NOW + 1)))
        done = await store.get(Task, "t")
        assert done is not None
        assert (done.state, done.version) == (TaskState.DONE, 2)
        assert await store.claim(owner="a", now=NOW + 1000, lease_seconds=60) == []

    async def test_however_late_it_is_a_task_in_hand_is_nobody_elses_to_claim(self, store: Store) -> None:
        await store.apply(Insert(a_task(id="t")))
        await store.claim(owner="a", now=NOW, lease_seconds=10)
        assert await store.claim(owner="b", now=NOW + 1e6, lease_seconds=10) == []
        assert await store.claim(owner="b", now=NOW + 1e6, lease_seconds=10, ids=["t"]) == []

    async def test_after_a_takeover_another_claims_it_and_the_late_one_conflicts(self, store: Store) -> None:
        await store.apply(Insert(a_task(id="t")))
        (late,) = await store.claim(owner="a", now=NOW, lease_seconds=10)
        await store.apply(Replace(late.retry(at=NOW + 10, now=NOW + 10, error="cut off", cause=CUT_OFF)))
        (taken,) = await store.claim(owner="b", now=NOW + 10, lease_seconds=10)
        assert (taken.owner, taken.attempts) == ("b", 2)
        with pytest.raises(Conflict):
            await store.apply(Replace(late.finish(now=NOW + 11)))
        await store.apply(Replace(taken.finish(now=NOW + 12)))

    async def test_the_oldest_due_comes_first(self, store: Store) -> None:
        await store.apply(*(Insert(a_task(id=item, due_at=NOW + at)) for item, at in [("c", 3), ("a", 1), ("b", 2)]))
        claimed = await store.claim(owner="y", now=NOW + 10, lease_seconds=60, limit=2)
        assert [task.id for task in claimed] == ["a", "b"]
        assert [task.id for task in await store.claim(owner="y", now=NOW + 10, lease_seconds=60, limit=5)] == ["c"]

    async def test_the_most_urgent_come_first_and_of_these_the_oldest(self, store: Store) -> None:
        kinds = ["submit", "react", "deliver", "cut", "notify"]
        tasks = [a_task(id=f"{kind}-{age}", kind=kind, due_at=NOW - age) for kind in kinds for age in (1, 2)]
        bulk = a_task(id="bulk", kind="deliver", due_at=NOW - 9, bulk=True)
        await store.apply(*map(Insert, [*tasks, bulk]))
        claimed = [await store.claim(owner="a", now=NOW, lease_seconds=60, limit=4) for _ in range(3)]
        assert [[task.id for task in some] for some in claimed] == [
            ["deliver-2", "notify-2", "deliver-1", "notify-1"],
            ["cut-2", "react-2", "cut-1", "react-1"],
            ["submit-2", "submit-1", "bulk"],
        ]

    async def test_urgent_among_the_named_comes_first_too(self, store: Store) -> None:
        await store.apply(Insert(a_task(id="s", kind="submit", due_at=NOW - 9)), Insert(a_task(id="d", kind="deliver")))
        (first,) = await store.claim(owner="a", now=NOW, lease_seconds=60, ids=["s", "d"])
        assert first.id == "d"

    async def test_only_those_are_claimed_for_which_there_is_room(self, store: Store) -> None:
        def to(place: str, count: int) -> list[Task]:
            return [a_task(kind="deliver", due_at=NOW - 9, details={"to": place}) for _ in range(count)]

        full = to("s3://full/b/", 3)
        await store.apply(*map(Insert, [*to("s3://slow/a/", 30), *full, *to("s3://well/c/", 3)]))
        await store.apply(*(Insert(a_task(kind="submit", due_at=NOW - 10)) for _ in range(3)))
        room = Room(dict.fromkeys(Rank, 9) | {Rank.SUBMIT: 6}, {"0 s3://slow": 1, "0 s3://full": 0}, otherwise=9)
        claimed = await store.claim(owner="a", now=NOW, lease_seconds=60, limit=9, room=room)
        assert [task.lane for task in claimed if task.rank is Rank.DELIVER].count("0 s3://slow") == 1
        assert [task.lane for task in claimed].count("0 s3://well") == 3
        assert [task.lane for task in claimed].count("2 llamacloud") == 2, "four slots are taken of its six"
        assert len(claimed) == 6
        ids = [task.id for task in full]
        assert await store.claim(owner="a", now=NOW, lease_seconds=60, limit=9, ids=ids, room=room) == []
        assert len(await store.claim(owner="a", now=NOW, lease_seconds=60, limit=9, ids=ids)) == 3

    async def test_what_waits_for_one_partner_costs_the_others_nothing(self, store: Store) -> None:
        """However much it is: a claim reads past it."""
        waiting = [a_task(kind="deliver", due_at=NOW - 9, details={"to": "s3://down/"}) for _ in range(120)]
        for start in range(0, len(waiting), 40):
            await store.apply(*map(Insert, waiting[start : start + 40]))
        await store.apply(Insert(a_task(id="well", kind="deliver", details={"to": "s3://well/"})))
        room = Room(dict.fromkeys(Rank, 4), {"0 s3://down": 0}, otherwise=4)
        (claimed,) = await store.claim(owner="a", now=NOW, lease_seconds=60, limit=4, room=room)
        assert claimed.id == "well"

    async def test_parked_and_done_tasks_are_nobodys_to_claim(self, store: Store) -> None:
        running = a_task().claim(owner="a", now=NOW, lease_seconds=1)
        await store.apply(Insert(running.give_up(now=NOW, error="e", cause="c")))
        await store.apply(Insert(changed(running, id="done").finish(now=NOW)))
        assert await store.claim(owner="a", now=NOW + 1e6, lease_seconds=1, limit=10) == []

    async def test_a_claim_by_ids_takes_only_those_that_are_due(self, store: Store) -> None:
        tasks = [a_task(id=f"t{number}", due_at=NOW + number) for number in range(5)]
        await store.apply(*(Insert(task) for task in tasks))
        ids = ["t4", "t2", "t1", "nobody", "t2"]
        claimed = await store.claim(owner="a", now=NOW + 2, lease_seconds=60, limit=10, ids=ids)
        assert [task.id for task in claimed] == ["t1", "t2"]
        assert await store.claim(owner="a", now=NOW + 2, lease_seconds=60, limit=10, ids=ids) == []
        assert await store.claim(owner="a", now=NOW + 2, lease_seconds=60, limit=10, ids=[]) == []

    async def test_no_task_is_given_to_two_owners(self, store: Store) -> None:
        await store.apply(*(Insert(a_task(due_at=NOW - number)) for number in range(40)))

        async def worker(owner: str) -> list[tuple[str, str]]:
            mine = []
            while claimed := await store.claim(owner=owner, now=NOW, lease_seconds=60, limit=3):
                mine += [(task.id, task.owner) for task in claimed]
            assert all(name == owner for _, name in mine)
            return mine

        by_worker = await asyncio.gather(*(worker(f"w{number}") for number in range(8)))
        taken = [pair for mine in by_worker for pair in mine]
        assert len({task_id for task_id, _ in taken}) == len(taken) == 40
