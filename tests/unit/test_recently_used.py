"""The cache of pictures has a bound in bytes and in time."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.core.recently_used import RecentlyUsed


def test_the_least_recently_used_goes_first() -> None:
    cache = RecentlyUsed(most_bytes=30, seconds=60)
    for key in "abc":
        cache.put(key, b"x" * 10, now=0)
    cache.get("a", now=1)
    cache.put("d", b"x" * 10, now=1)
    assert [key for key in "abcd" if cache.get(key, now=1)] == ["a", "c", "d"]


def test_nothing_is_kept_for_longer_than_its_time() -> None:
    cache = RecentlyUsed(most_bytes=30, seconds=60)
    cache.put("a", b"x", now=0)
    assert cache.get("a", now=59.9) == b"x"
    assert cache.get("a", now=60) is None
    assert cache.size == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100))))
def test_it_never_holds_more_than_its_bytes_and_returns_what_was_put(steps: list[tuple[int, int]]) -> None:
    cache = RecentlyUsed(most_bytes=50, seconds=60)
    value_of = {key: bytes([key]) * (key * 7) for key in range(10)}
    for key, now in sorted(steps, key=lambda step: step[1]):
        cache.put(key, value_of[key], now=now)
        assert cache.get(key, now=now) == (value_of[key] if key < 8 else None)
        assert cache.size <= 50
