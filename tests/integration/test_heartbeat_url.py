"""The watchdog's address, asked over a real connection."""

import pytest

from handlers.alerts.heartbeat_url import HeartbeatUrl
from receiver.core.errors import DestinationBusy, Misconfigured, Unroutable
from tests.endpoints import an_endpoint

pytestmark = pytest.mark.anyio
SECRET = "ping-key-that-nobody-may-see"


async def test_it_is_asked_once_and_a_2xx_is_enough() -> None:
    with an_endpoint() as watchdog:
        watchdog.status = 204
        await HeartbeatUrl(f"{watchdog.url}/{SECRET}")()
        assert [(item.method, item.path) for item in watchdog.got] == [("GET", f"/{SECRET}")]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_any_other_answer_is_told_without_the_address(status: int) -> None:
    with an_endpoint() as watchdog:
        watchdog.status = status
        with pytest.raises(Unroutable, match=f"MAILROOM_HEARTBEAT_URL answered {status}") as told:
            await HeartbeatUrl(f"{watchdog.url}/{SECRET}")()
    assert SECRET not in f"{told.value!r} {told.value.fix}"


async def test_nobody_answers(closed_port: int) -> None:
    with pytest.raises(DestinationBusy) as told:
        await HeartbeatUrl(f"http://127.0.0.1:{closed_port}/{SECRET}")()
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("url", ["http://watchdog.example.com/x", "ftp://a", "nothing"])
def test_a_key_is_not_sent_where_others_can_read_it(url: str) -> None:
    with pytest.raises(Misconfigured, match="MAILROOM_HEARTBEAT_URL needs an https:// address"):
        HeartbeatUrl(url)
