"""Here the local AWS is moto."""

from collections.abc import Iterator

import pytest

from handlers.demo.local_aws import LocalAws
from tests.moto_aws import moto_aws


@pytest.fixture(name="local_aws", scope="session")
def the_second_aws() -> Iterator[LocalAws]:
    """moto in the place of ministack."""
    with moto_aws() as aws:
        yield aws
