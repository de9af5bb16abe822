"""The sandboxes that users start in their own tests."""

import httpx
import pytest

from llamacloud_sandbox.testing import sandbox_in_thread, start_sandbox

HEADERS = {"Authorization": "Bearer llx-1"}


def test_a_sandbox_in_a_thread_serves_as_long_as_the_block_lasts() -> None:
    with sandbox_in_thread(think_seconds=0, limits=False) as url:
        assert httpx.get(f"{url}/api/v1/projects", headers=HEADERS).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/v1/projects", headers=HEADERS)


def test_what_keeps_a_sandbox_in_a_thread_from_starting_is_raised() -> None:
    with pytest.raises(ValueError, match="oracle"), sandbox_in_thread(judge="oracle"):
        pytest.fail("it started")


def test_what_keeps_a_program_from_starting_is_raised_with_its_words() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)exit 1.*oracle"), start_sandbox("--judge", "oracle"):
        pytest.fail("it started")
