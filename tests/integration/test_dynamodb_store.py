"""The store contract over DynamoDB, as ministack emulates it; and what is DynamoDB's alone."""

from collections.abc import AsyncIterator
from functools import partial
from itertools import count

import pytest

from handlers.local_aws import LocalAws
from receiver.core.change import Insert, Query
from receiver.core.event import Event
from receiver.ports import Store
from receiver.store.dynamodb import DynamoStore
from receiver.store.table import create_table
from tests.builders import NOW, an_event
from tests.contracts.store import HandClock, StoreContract, all_pages

pytestmark = pytest.mark.aws
_numbers = count(1)


@pytest.fixture
def table(local_aws: LocalAws) -> str:
    """A table of this test's own."""
    name = f"store-{next(_numbers)}"
    create_table(local_aws.client("dynamodb"), name, time_to_live=False)
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
    async def test_purge_forgets_a_bounded_number_and_says_how_many(self, store: Store, clock: HandClock) -> None:
        """Here DynamoDB forgets by itself, hours later, for nothing; what is past its time is gone for us at once."""
        await store.apply(Insert(an_event(expires_at=NOW + 1)), Insert(an_event(id="kept")))
        clock.now = NOW + 1
        assert await store.purge(now=NOW + 1) == 0
        assert [event.id for event in await all_pages(store, Event, Query())] == ["kept"]
