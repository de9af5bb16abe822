"""A sandbox in a process of its own, the vendor's SDK as its client, and an inbox for its webhooks.

Every test has a key, and by it a project, of its own; faults are taken back after each test.
"""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from llama_cloud import LlamaCloud

from llamacloud_sandbox.testing import start_sandbox
from support.inbox import Inbox, an_inbox
from support.switchboard import Switchboard


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """A sandbox without think time and rate limits, that repeats a webhook at once."""
    with start_sandbox("--instant", "--no-limits", "--retry-delays", "0.02,0.04") as sandbox:
        yield sandbox.url


@pytest.fixture
def key() -> str:
    """A key that no other test has."""
    return f"llx-{uuid4().hex}"


@pytest.fixture
def client(sandbox_url: str, key: str) -> Iterator[LlamaCloud]:
    """The vendor's SDK, refusing every answer that is not of the published shape."""
    with LlamaCloud(api_key=key, base_url=sandbox_url, max_retries=0, _strict_response_validation=True) as client:
        yield client


@pytest.fixture
def http(sandbox_url: str, key: str) -> Iterator[httpx.Client]:
    """Plain HTTP with the same key."""
    with httpx.Client(base_url=sandbox_url, headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A receiver."""
    with an_inbox() as inbox:
        yield inbox


@pytest.fixture
def switchboard(sandbox_url: str) -> Iterator[Switchboard]:
    """The sandbox's faults, all off again afterwards."""
    with httpx.Client(base_url=sandbox_url) as http:
        board = Switchboard(http)
        yield board
        board.set({})
