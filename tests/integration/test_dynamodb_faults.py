"""The DynamoDB store when AWS is slow to agree, cut off, throttled, late with its indexes, or not there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.demo.local_aws import LocalAws
from receiver.aws.client import JsonClient
from receiver.core.change import Insert, InsertIfAbsent, Query, Replace, changed
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict, StoreBusy
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.search import parse_search
from receiver.core.task import Task, TaskState
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from tests.builders import NOW, a_document, a_flag, a_job, a_task, an_event
from tests.contracts.store import HandClock
from tests.contracts.store_asked import all_pages
from tests.cutting_wire import Wire, a_wire

pytestmark = [pytest.mark.aws, pytest.mark.anyio]
_numbers = count(1)


@pytest.fixture(scope="module")
def table(local_aws: LocalAws) -> str:
    name = f"faults-{next(_numbers)}"
    create_table(local_aws.client("dynamodb"), name, time_to_live=False)
    return name


@pytest.fixture
def wire(local_aws: LocalAws) -> Iterator[Wire]:
    with a_wire(local_aws.endpoint) as wire:
        yield wire


def clients(local_aws: LocalAws, url: str) -> dict[str, Callable[[], Any]]:
    """The clients that the store is used with, led to this URL."""
    env = {**local_aws.env, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    session = boto3.session.Session(**local_aws.credentials)
    return {
        "botocore": partial(session.client, "dynamodb", endpoint_url=url, config=config),
        "ours": partial(JsonClient, "dynamodb", environ=env),
    }


@pytest.fixture(params=["botocore", "ours"])
async def wired(
    request: pytest.FixtureRequest, local_aws: LocalAws, wire: Wire, table: str
) -> AsyncIterator[DynamoStore]:
    """A store whose answers come over the wire."""
    store = DynamoStore(table, HandClock(), client=clients(local_aws, wire.url)[request.param])
    await store.ready()
    yield store
    await store.close()


class TestCutOff:
    async def test_an_insert_whose_answer_is_lost_is_no_conflict_with_itself(
        self, wired: DynamoStore, wire: Wire
    ) -> None:
        flag = a_flag()
        wire.lose(1)
        await wired.apply(Insert(flag))
        assert wire.lost == 1
        assert await wired.get(Flag, flag.id) == flag

    async def test_an_update_whose_answer_is_lost_is_done_once(self, wired: DynamoStore, wire: Wire) -> None:
        job = a_job()
        await wired.apply(Insert(job))
        wire.lose(2)
        await wired.apply(Replace(job))
        assert await wired.get(type(job), job.id) == changed(job, version=1)

    async def test_a_transaction_whose_answer_is_lost_is_counted_once(self, wired: DynamoStore, wire: Wire) -> None:
        before = await wired.tally()
        document, task = a_document(), a_task()
        wire.lose(2, to=b"TransactWriteItems")
        await wired.apply(Insert(document), Insert(task))
        assert wire.lost == 2
        assert await wired.get(Document, document.id) == document
        after = await wired.tally()
        assert (after.received, after.open) == (before.received + 1, before.open + 1)

    async def test_a_claim_whose_answer_is_lost_has_the_task(self, wired: DynamoStore, wire: Wire) -> None:
        task = a_task()
        await wired.apply(Insert(task))
        wire.lose(1, to=b"PutItem")
        (claimed,) = await wired.claim(owner="a", now=NOW, lease_seconds=60, ids=[task.id])
        assert wire.lost == 1
        assert (claimed.owner, claimed.attempts) == ("a", 1)

    async def test_the_event_of_somebody_else_is_still_a_conflict(self, wired: DynamoStore, wire: Wire) -> None:
        event = an_event()
        await wired.apply(Insert(event), Insert(a_task()))
        wire.lose(1)
        with pytest.raises(Conflict):
            await wired.apply(Insert(changed(event, job_id="other")), Insert(a_task()))

    @pytest.mark.parametrize("after", [17, 200])
    async def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(
        self, wired: DynamoStore, wire: Wire, after: int
    ) -> None:
        tasks = [a_task(subject=f"cut-{after}-{next(_numbers)}") for _ in range(3)]
        await wired.apply(*map(Insert, tasks))
        for operation in (b"GetItem", b"Query", b"PutItem", b"TransactWriteItems"):
            wire.lose(1, to=operation, after=after)
            assert await wired.get(Task, tasks[0].id) == tasks[0]
            found = await all_pages(wired, Task, Query(by="subject", key=tasks[1].subject))
            assert found == [tasks[1]]
            await wired.apply(Insert(a_flag()))
            await wired.apply(Insert(a_flag()), Insert(a_flag()))
            wire.lose(1, to=operation, after=after)
            with pytest.raises(Conflict):
                await wired.apply(Insert(tasks[0]))
            with pytest.raises(Conflict):
                await wired.apply(Insert(a_flag()), Insert(tasks[0]))

    async def test_when_every_answer_is_lost_nobody_says_that_it_was_written(
        self, wired: DynamoStore, wire: Wire
    ) -> None:
        event, task = an_event(), a_task()
        wire.lose(3)
        with pytest.raises(StoreBusy):
            await wired.apply(Insert(event), InsertIfAbsent(task))
        with pytest.raises(Conflict):
            await wired.apply(Insert(event), InsertIfAbsent(task))
        assert await wired.get(Event, event.id) == event


Mood = Callable[[str, dict[str, Any], Callable[[], Any]], Any]
"""What is answered to an operation with these arguments; the last one asks the real DynamoDB."""


def _really(asked: str, arguments: dict[str, Any], really: Callable[[], Any]) -> Any:
    return really()


class Moody:
    """The real client, in a mood."""

    def __init__(self, client: Any) -> None:
        self.really = client
        self.mood: Mood = _really
        self.asked: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.asked.append(operation)
            return self.mood(operation, arguments, partial(getattr(self.really, operation), **arguments))

        return call

    def close(self) -> None:
        """The real one is the session's."""


@pytest.fixture
def moody(local_aws: LocalAws) -> Moody:
    return Moody(local_aws.client("dynamodb"))


@pytest.fixture
async def store(moody: Moody, table: str) -> AsyncIterator[DynamoStore]:
    store = DynamoStore(table, HandClock(), client=lambda: moody)
    yield store
    await store.close()


def refusing(operations: str, code: str, times: int, **response: Any) -> Mood:
    """A mood that answers these operations with an error, so many times."""
    left = iter(range(times))

    def mood(asked: str, arguments: dict[str, Any], really: Callable[[], Any]) -> Any:
        if asked in operations.split() and next(left, None) is not None:
            facts = {"Error": {"Code": code, "Message": "not now"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError({**facts, **response}, asked)
        return really()

    return mood


CONFLICTING = [{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}]


class TestContention:
    async def test_a_transaction_that_meets_another_is_tried_again(self, store: DynamoStore, moody: Moody) -> None:
        moody.mood = refusing(
            "transact_write_items", "TransactionCanceledException", 3, CancellationReasons=CONFLICTING
        )
        document = a_document()
        await store.apply(Insert(document), Insert(a_task()))
        assert await store.get(Document, document.id) == document
        assert moody.asked.count("transact_write_items") == 4

    async def test_a_put_that_meets_a_transaction_is_tried_again(self, store: DynamoStore, moody: Moody) -> None:
        moody.mood = refusing("put_item", "TransactionConflictException", 2)
        await store.apply(Insert(a_flag()))
        assert moody.asked == ["put_item"] * 3

    async def test_what_stays_contended_is_busy_in_the_end(self, store: DynamoStore, moody: Moody) -> None:
        moody.mood = refusing("put_item", "TransactionConflictException", 99)
        with pytest.raises(StoreBusy) as busy:
            await store.apply(Insert(a_flag()))
        assert busy.value.retry_after

    async def test_many_documents_that_settle_at_once_are_all_counted(self, store: DynamoStore) -> None:
        before = await store.tally()
        documents = [a_document() for _ in range(40)]
        await asyncio.gather(*(store.apply(Insert(item)) for item in documents))
        routed = [Replace(changed(item, state=DocumentState.ROUTED)) for item in documents]
        await asyncio.gather(*map(store.apply, routed))
        after = await store.tally()
        assert (after.received, after.routed, after.open) == (before.received + 40, before.routed + 40, before.open)


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "fix"),
        [
            ("ProvisionedThroughputExceededException", "throttling"),
            ("ResourceNotFoundException", "MAILROOM_STORE"),
            ("AccessDeniedException", "permission to read and write table"),
        ],
    )
    async def test_whatever_aws_refuses_nothing_was_kept_and_the_fix_is_named(
        self, store: DynamoStore, moody: Moody, code: str, fix: str
    ) -> None:
        moody.mood = refusing("put_item get_item", code, 99)
        for work in (store.apply(Insert(a_flag())), store.get(Flag, "x"), store.ready()):
            with pytest.raises(StoreBusy) as busy:
                await work
            assert fix in busy.value.fix

    async def test_nobody_there_is_busy(self, local_aws: LocalAws, closed_port: int) -> None:
        for client in clients(local_aws, f"http://127.0.0.1:{closed_port}").values():
            store = DynamoStore("any", client=client)
            with pytest.raises(StoreBusy, match="dynamodb://any"):
                await store.apply(Insert(a_flag()))
            await store.close()

    async def test_a_closed_store_is_busy(self, store: DynamoStore) -> None:
        await store.close()
        with pytest.raises(StoreBusy):
            await store.apply(Insert(a_flag()))

    async def test_a_change_that_no_transaction_can_hold_is_our_own_mistake(self, store: DynamoStore) -> None:
        with pytest.raises(ValueError, match="over DynamoDB's 100"):
            await store.apply(*(Insert(a_flag()) for _ in range(101)))

    async def test_a_record_that_no_item_can_hold_is_our_own_mistake(self, store: DynamoStore) -> None:
        noise = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(300_000))
        with pytest.raises(ValueError, match="rejects the change"):
            await store.apply(Insert(a_flag(value=noise)))


class TestLateIndexes:
    async def test_what_the_index_still_says_is_not_claimed_again(self, store: DynamoStore, moody: Moody) -> None:
        task = a_task(due_at=NOW - 1e6)
        await store.apply(Insert(task))
        moody.mood = remembering()
        (claimed,) = await store.claim(owner="a", now=NOW - 1e6, lease_seconds=60)
        assert claimed.id == task.id
        assert await store.claim(owner="b", now=NOW - 1e6, lease_seconds=60) == []

    async def test_what_has_moved_on_is_not_listed_where_it_was(self, store: DynamoStore, moody: Moody) -> None:
        parked = [a_task(subject="late", state=TaskState.PARKED) for _ in range(3)]
        await store.apply(*map(Insert, parked))
        moody.mood = remembering()
        query = Query(by="state", key="parked", limit=2)
        assert await all_pages(store, Task, query) == parked
        await store.apply(Replace(parked[1].replay(now=NOW)))
        assert await all_pages(store, Task, query) == [parked[0], parked[2]]

    async def test_records_that_dynamodb_left_unread_are_asked_for_again(
        self, store: DynamoStore, moody: Moody
    ) -> None:
        flags = [a_task() for _ in range(5)]
        await store.apply(*map(Insert, flags))
        moody.mood = reading_halves(moody)
        ids = [item.id for item in flags]
        claimed = await store.claim(owner="a", now=NOW, lease_seconds=1, limit=9, ids=ids)
        assert {task.id for task in claimed} == set(ids)
        assert moody.asked.count("batch_get_item") > 1

    async def test_a_search_without_a_hit_asks_a_bounded_number_of_times_and_goes_on(
        self, store: DynamoStore, moody: Moody, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("receiver.store.dynamodb.store.SEARCHED", 40)
        monkeypatch.setattr("receiver.store.walked_search.READ_AT_ONCE", 20)
        documents = [a_document(id=f"doc_{n:03d}", taken_in_at=NOW + 3600 + n) for n in range(100)]
        for start in range(0, 100, 20):
            await store.apply(*map(Insert, documents[start : start + 20]))
        moody.asked.clear()
        search = parse_search("nothing since:2027-01-15T09:00", now=NOW)
        page = await store.search(search, limit=1)
        assert (page.records, page.looked_at, page.back_to, page.total_is_exact) == ([], 40, NOW + 3660, False)
        partitions = 5 * 8
        assert len(moody.asked) <= 2 * 4 * (partitions + 1), "not a round for each document"
        cursors = [page.cursor]
        while cursors[-1] is not None:
            page = await store.search(search, limit=1, cursor=cursors[-1])
            cursors.append(page.cursor)
        assert len(cursors) == 3


def remembering() -> Mood:
    """A mood in which indexes answer each question as they did the first time."""
    known: dict[str, Any] = {}

    def mood(asked: str, arguments: dict[str, Any], really: Callable[[], Any]) -> Any:
        if asked != "query":
            return really()
        if repr(arguments) not in known:
            known[repr(arguments)] = really()
        return known[repr(arguments)]

    return mood


def reading_halves(moody: Moody) -> Mood:
    """A mood in which a batch is read by halves."""

    def mood(asked: str, arguments: dict[str, Any], really: Callable[[], Any]) -> Any:
        if asked != "batch_get_item":
            return really()
        ((table, wanted),) = arguments["RequestItems"].items()
        half = (len(wanted["Keys"]) + 1) // 2
        now, later = ({table: {**wanted, "Keys": keys}} for keys in (wanted["Keys"][:half], wanted["Keys"][half:]))
        answer = moody.really.batch_get_item(RequestItems=now)
        return {**answer, "UnprocessedKeys": later if later[table]["Keys"] else {}}

    return mood
