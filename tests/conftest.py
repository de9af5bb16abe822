"""What all tests share."""

import logging
import multiprocessing.util
import os
import socket
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from handlers.demo.local_aws import LocalAws, local_aws

if TYPE_CHECKING:
    from tests.endpoints import Endpoint

IN_CI = os.environ.get("CI") == "true"

settings.register_profile(
    "mailroom",
    deadline=None,  # a busy machine is slow, and that is no mistake
    suppress_health_check=[HealthCheck.too_slow],  # for the same reason
    derandomize=IN_CI,  # there a failure is the change's; new examples are looked for on developers' machines
    database=None if IN_CI else settings().database,
    print_blob=True,  # the line that repeats the failure elsewhere
)
settings.load_profile("mailroom")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: what a test drives is installed there. ``may_skip`` marks the exceptions."""
    report = yield
    if report.skipped and IN_CI and item.get_closest_marker("may_skip") is None:
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def own_scratch() -> Iterator[None]:
    """Scratch folders of this process's own: a sweep with a clock of its own clears away those of others.

    Not below pytest's own folder, which no other user may enter: some tests give up their rights.
    """
    multiprocessing.util.get_temp_dir()  # made now and elsewhere: it is removed only as this process ends
    with tempfile.TemporaryDirectory(prefix="mailroom-tests-") as folder:
        Path(folder).chmod(0o755)
        tempfile.tempdir = folder
        yield
        tempfile.tempdir = None


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """A command that a test runs in this process sets up the log, which would then be nobody else's to look at."""
    logger = logging.getLogger("mailroom")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


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
