"""A sandbox for these tests, and clients of it; every test has a key, and by it a project, of its own."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from llamacloud_sandbox.testing import start_sandbox
from receiver.cloud.client import LlamaCloud
from receiver.cloud.pacing import RequestRate
from receiver.cloud.transport import Timeouts
from tests.integration.cloud.faulty import Faulty
from tests.integration.cloud.scripted import scripted

HASTY = Timeouts(first_wait_seconds=0.01, longest_wait_seconds=0.05, answer_seconds=10)
"""Waits that a test can bear."""
UNPACED = RequestRate(10_000, 1)


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    """A sandbox that is quick and has no limits."""
    with start_sandbox("--instant", "--no-limits") as sandbox:
        yield sandbox.url


@pytest.fixture
def key() -> str:
    """A key that no other test has."""
    return f"llx-{uuid4().hex}"


@pytest.fixture
async def cloud(sandbox_url: str, key: str, anyio_backend: str) -> AsyncIterator[LlamaCloud]:
    """A client of the sandbox."""
    client = LlamaCloud(sandbox_url, key, patience=HASTY, job_rate=UNPACED, upload_rate=UNPACED)
    yield client
    await client.close()


@pytest.fixture(scope="module")
def faulty() -> Iterator[Faulty]:
    """One server for all tests of a file."""
    with scripted() as (url, server):
        yield Faulty(url, server)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Faulty]:
    """Another host: where presigned links may lead."""
    with scripted() as (url, server):
        yield Faulty(url, server)
