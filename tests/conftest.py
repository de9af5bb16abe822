"""What all tests share."""

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from handlers.local_aws import LocalAws, local_aws

if TYPE_CHECKING:
    from tests.endpoints import Endpoint


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(name="local_aws", scope="session")
def the_local_aws() -> Iterator[LocalAws]:
    """One local AWS for the whole session; a test makes its own buckets and queues in it. Mark such a test ``aws``."""
    with local_aws() as aws:
        yield aws


@pytest.fixture(scope="session")
def running_endpoint() -> "Iterator[Endpoint]":
    from tests.endpoints import an_endpoint

    with an_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(running_endpoint: "Endpoint") -> "Endpoint":
    """An HTTP endpoint that remembers what it got and answers what it is told to."""
    return running_endpoint.forget()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that nobody listens at, held so that nobody else takes it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
