"""The store contract over DynamoDB, as ministack emulates it; and what is DynamoDB's alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from handlers.demo.local_aws import LocalAws
from receiver.aws.client import JsonClient
from receiver.core.balance import Tally
from receiver.core.change import Delete, Insert, Query, Replace
from receiver.core.document import Delivery, Document, DocumentState
from receiver.core.event import Event
from receiver.core.plan import Target
from receiver.core.task import Task, TaskState
from receiver.ports import Store
from receiver.store.dynamodb.items import SHARDS, item_of, place_of
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from tests.builders import NOW, a_document, a_task, an_event
from tests.contracts.store import HandClock, StoreContract
from tests.contracts.store_asked import all_pages
from tests.integration.test_store_model import StoreMachine

pytestmark = pytest.mark.aws
_numbers = count(1)


@pytest.fixture
def table(local_aws: LocalAws) -> str:
    """A table of this test's own."""
    return a_table(local_aws)


def a_table(aws: LocalAws) -> str:
    """A new table, in which nothing is removed: the tests' clock is not the local AWS's."""
    name = f"store-{next(_numbers)}"
    create_table(aws.client("dynamodb"), name, time_to_live=False)
    return name


@pytest.fixture
async def store(clock: HandClock, local_aws: LocalAws, table: str) -> AsyncIterator[DynamoStore]:
    store = DynamoStore(table, clock, client=partial(local_aws.client, "dynamodb"))
    yield store
    await store.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class TestDynamoStore(StoreContract):
    searches = ("harbour", "type:invoice type:contract", "state:failed harbour", "batch:doc_batch3 -pdf", 'type:""')
    page_size = 11

    async def test_purge_forgets_a_bounded_number_and_says_how_many(self, store: Store, clock: HandClock) -> None:
        """Here DynamoDB forgets by itself, hours later, for nothing; what is past its time is gone for us at once."""
        await store.apply(Insert(an_event(expires_at=NOW + 1)), Insert(an_event(id="kept")))
        clock.now = NOW + 1
        assert await store.purge(now=NOW + 1) == 0
        assert [event.id for event in await all_pages(store, Event, Query())] == ["kept"]


@pytest.mark.anyio
async def test_a_document_that_was_forgotten_and_came_again_is_counted_as_what_it_is_now(
    local_aws: LocalAws, table: str, clock: HandClock
) -> None:
    """Another process may remember its earlier life, in which the same version was in another state."""
    item, other = (DynamoStore(table, clock, client=partial(local_aws.client, "dynamodb")) for _ in range(2))
    document = a_document(state=DocumentState.ROUTED)
    await item.apply(Insert(document))
    assert await other.get(Document, document.id) == document
    await item.apply(Delete(document))
    again = replace(document, state=DocumentState.OPEN, taken_in_at=NOW + 86400)
    await item.apply(Insert(again))
    await other.apply(Replace(replace(again, state=DocumentState.REVIEW)))
    assert await item.tally() == Tally(received=2, review=1, forgotten=1)
    await item.close()
    await other.close()


@pytest.mark.anyio
async def test_tasks_of_an_older_mailroom_are_claimed_and_listed(
    store: DynamoStore, local_aws: LocalAws, table: str
) -> None:
    """They lie where all tasks lay, in no part of the index by rank."""
    old = a_task(id="old", due_at=NOW - 5)
    item = item_of(old, wrote="older")
    item["gsi4pk"] = {"S": item["gsi4pk"]["S"].replace("#part1", "")}
    local_aws.client("dynamodb").put_item(TableName=table, Item=item)
    new = a_task(id="new", kind="deliver", due_at=NOW - 9)
    await store.apply(Insert(new))
    assert await all_pages(store, Task, Query(by="claimable", limit=1)) == [new, old]
    claimed = await store.claim(owner="a", now=NOW, lease_seconds=60, limit=9)
    assert [task.id for task in claimed] == ["new", "old"]


@pytest.mark.anyio
async def test_a_page_takes_two_rounds_of_queries_although_most_partitions_are_empty(
    store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [a_document(state=DocumentState.ROUTED, taken_in_at=NOW + number) for number in range(200)]
    for start in range(0, len(documents), 50):
        await store.apply(*map(Insert, documents[start : start + 50]))
    ask, queries = store._lookup._ask, list[str]()

    async def counted(what: str, **asked: Any) -> dict[str, Any]:
        queries.extend([what] if what == "query" else [])
        return await ask(what, **asked)

    monkeypatch.setattr(store._lookup, "_ask", counted)
    assert (await store.find(Document, Query(limit=150))).records == documents[:150]
    assert len(queries) == 2 * SHARDS * len(DocumentState)


@pytest.mark.anyio
async def test_documents_of_an_older_mailroom_are_listed_once_among_all(
    store: DynamoStore, local_aws: LocalAws, table: str
) -> None:
    """It gave each an entry of the index of all; now the index by state lists them."""
    documents = [a_document(state=state, taken_in_at=NOW + number) for number, state in enumerate(DocumentState)]
    for document in documents[::2]:
        item = item_of(document, wrote="older")
        item |= {"gsi1pk": {"S": "document#all##0"}, "gsi1sk": {"S": place_of(document.taken_in_at, document.id)}}
        local_aws.client("dynamodb").put_item(TableName=table, Item=item)
    await store.apply(*map(Insert, documents[1::2]))
    assert await all_pages(store, Document, Query(limit=2)) == documents
    assert await all_pages(store, Document, Query(limit=2, newest_first=True)) == documents[::-1]


@pytest.mark.anyio
async def test_a_batch_holds_the_document_it_is_named_after_whoever_wrote_it(
    store: DynamoStore, local_aws: LocalAws, table: str
) -> None:
    """An older Mailroom gave it an entry of the index; now it is found by its key."""
    mail, parts = (
        a_document(id="mail", batch_id="mail", taken_in_at=NOW + 1),
        [a_document(batch_id="mail") for _ in "ab"],
    )
    await store.apply(*map(Insert, (mail, *parts)))
    query = Query(by="batch", key="mail", limit=1)
    assert await all_pages(store, Document, query) == [*parts, mail]
    item = item_of(mail, wrote="older")
    item |= {"gsi4pk": {"S": "document#batch#mail"}, "gsi4sk": {"S": place_of(mail.taken_in_at, mail.id)}}
    local_aws.client("dynamodb").put_item(TableName=table, Item=item)
    assert await all_pages(store, Document, query) == [*parts, mail]
    assert await all_pages(store, Document, replace(query, since=NOW + 2)) == []
    assert await all_pages(store, Document, Query(by="batch", key="none")) == []


@pytest.mark.anyio
@pytest.mark.parametrize("newest_first", [False, True])
async def test_the_tasks_of_a_document_are_listed_with_and_without_an_entry(
    store: DynamoStore, local_aws: LocalAws, table: str, newest_first: bool
) -> None:
    """Those of its deliveries have none unless they are parked; an older Mailroom gave one to each."""
    to = Target(url="s3://mail/")
    document = a_document(
        id="doc", deliveries=tuple(Delivery(id=item, to=to, route="r", place="", run=2) for item in "ab")
    )
    ids = ["submit:doc:0", "deliver:a", "deliver:a:2", "deliver:b:2", "deliver:gone:1"]
    tasks = [
        a_task(
            id=task_id, kind=task_id.partition(":")[0], subject="doc", created_at=NOW + number, state=state,
            details={"delivery_id": task_id.split(":")[1]},
        )
        for number, (task_id, state) in enumerate(zip(ids, [*TaskState, TaskState.PARKED], strict=True))
    ]  # fmt: skip
    other = a_task(id="deliver:b:1", kind="deliver", subject="else", details={"delivery_id": "b"})
    item = item_of(tasks[1], wrote="older")
    item |= {"gsi3pk": {"S": "task#subject#doc"}, "gsi3sk": {"S": place_of(tasks[1].created_at, tasks[1].id)}}
    local_aws.client("dynamodb").put_item(TableName=table, Item=item)
    await store.apply(Insert(document), *map(Insert, (tasks[0], *tasks[2:], other)))
    listed = tasks[::-1] if newest_first else tasks
    for limit in (1, 2, 9):
        query = Query(by="subject", key="doc", newest_first=newest_first, limit=limit)
        assert await all_pages(store, Task, query) == listed
    assert await all_pages(store, Task, Query(by="subject", key="doc", since=NOW + 2, until=NOW + 4)) == tasks[2:4]


def test_the_store_and_the_dictionary_agree(local_aws: LocalAws) -> None:
    env = {**local_aws.env, "AWS_REGION": "us-east-1"}

    class Machine(StoreMachine):
        """A table for each history; the client is the one of the functions (receiver/aws/client.py)."""

        def open(self) -> Store:
            self.table = getattr(self, "table", None) or a_table(local_aws)
            return DynamoStore(self.table, self.clock, client=partial(JsonClient, "dynamodb", environ=env))

        @rule(limit=st.integers(1, 3))
        def purge(self, limit: int) -> None:
            assert self.run(self.store.purge(now=self.clock.now, limit=limit)) == 0

        @precondition(lambda self: self.kept)
        @rule()
        def close_and_open_again(self) -> None:
            self.run(self.store.close())
            self.store = self.open()

    run_state_machine_as_test(Machine, settings=settings(max_examples=6, stateful_step_count=20))
