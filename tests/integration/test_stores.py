"""The store contract over every store, and what is SQLite's alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from receiver.ports import Store
from receiver.store.memory import MemoryStore
from receiver.store.sqlite.store import SqliteStore
from tests.contracts.store import HandClock, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, clock: HandClock) -> Store:
        return MemoryStore(clock)


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, clock: HandClock, tmp_path: Path) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "mailroom.db", clock)
        yield store
        await store.close()
