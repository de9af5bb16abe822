"""Who guesses the operator's token is slowed by the address that the guesses come from, and nobody else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.http.auth import ADDRESSES, EACH_SECONDS, FREE, WrongTokens
from receiver.metrics import SummingMeter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def guesses(wrong: WrongTokens, address: str, times: int) -> int:
    """How many of so many guesses at this moment are looked at."""
    looked_at = 0
    for _ in range(times):
        if not wrong.wait(address):
            wrong.add(address)
            looked_at += 1
    return looked_at


def test_ten_are_looked_at_and_then_one_in_six_seconds() -> None:
    clock = Clock()
    wrong = WrongTokens(SummingMeter(), clock=clock)
    assert guesses(wrong, "10.0.0.1", 10_000) == FREE == 10
    assert wrong.wait("10.0.0.1") == EACH_SECONDS == 6
    for _ in range(5):
        clock.now += 6
        assert guesses(wrong, "10.0.0.1", 100) == 1
    clock.now += 3600
    assert guesses(wrong, "10.0.0.1", 100) == FREE


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 20)), max_size=200))
def test_however_they_come_no_address_has_more_looked_at_than_its_share(asked: list[tuple[str, float]]) -> None:
    clock = Clock()
    wrong, looked_at, begun = WrongTokens(SummingMeter(), clock=clock), dict.fromkeys("abc", 0), clock.now
    for address, later in asked:
        clock.now += later
        looked_at[address] += guesses(wrong, address, 1)
    for count in looked_at.values():
        assert count <= FREE + (clock.now - begun) / EACH_SECONDS + 0.01
    assert guesses(wrong, "somebody else", 1) == 1


@pytest.mark.parametrize(
    ("item", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("127.0.0.1", "127.44.5.6", True),
        ("127.0.0.1", "::1", True),
        ("::ffff:127.9.9.9", "127.0.0.1", True),
        ("127.0.0.1", "10.0.0.1", False),
        ("::1", "::2", False),
        ("", "", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_what_one_sender_can_choose_among_counts_as_one_address(item: str, other: str, same: bool) -> None:
    wrong = WrongTokens(SummingMeter(), clock=Clock())
    guesses(wrong, item, FREE)
    assert bool(wrong.wait(other)) is same


def test_only_so_many_addresses_are_remembered() -> None:
    wrong = WrongTokens(SummingMeter(), clock=Clock())
    for number in range(ADDRESSES + 100):
        guesses(wrong, f"sender {number}", 1)
    assert len(wrong._limit) == ADDRESSES


def test_each_is_counted_and_told_and_a_flood_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    meter = SummingMeter()
    wrong = WrongTokens(meter, clock=Clock())
    guesses(wrong, "10.0.0.1", 1000)
    assert {labels: value for _, labels, value in meter.counts()} == {("refused",): 10, ("slowed",): 990}
    told = [(item.getMessage(), item.facts["peer"]) for item in caplog.records]  # type: ignore[attr-defined]
    assert told == [("auth.refused", "10.0.0.1")] * 10 + [("auth.throttled", "10.0.0.1")]
