"""A limit for each of many keys: none has more than its share, whatever the others do, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.core.rate_limit import RateLimit

BURST, SECONDS, KEYS = 4, 10.0, 50
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 25), st.booleans()), max_size=200)


def a_limit() -> RateLimit:
    return RateLimit(burst=BURST, seconds=SECONDS, keys=KEYS)


@given(STEPS)
def test_no_key_gets_more_than_its_burst_and_one_in_each_span_and_what_is_taken_back_costs_nothing(
    steps: list[tuple[str, float, bool]],
) -> None:
    limit, now, counted = a_limit(), 1000.0, dict.fromkeys("abc", 0)
    for key, later, happened in steps:
        now += later
        if limit.wait(key, now):
            continue
        limit.add(key, now)
        if happened:
            counted[key] += 1
        else:
            limit.take_back(key)
    for count in counted.values():
        assert count <= BURST + (now - 1000.0) / SECONDS + 0.01
    now += max((limit.wait(key, now) for key in "abc"), default=0.0)
    assert all(limit.wait(key, now) <= 1e-6 for key in "abc"), "who waits as long as was said is let through"


def test_a_key_that_was_never_counted_does_not_wait_and_nothing_can_be_taken_back_from_it() -> None:
    limit = a_limit()
    limit.take_back("new")
    for _ in range(BURST):
        assert limit.wait("new", 0.0) == 0.0
        limit.add("new", 0.0)
    assert limit.wait("new", 0.0) == SECONDS


def test_only_so_many_keys_are_remembered_and_the_one_that_is_in_use_is_among_them() -> None:
    limit = a_limit()
    for number in range(KEYS * 10):
        limit.add(f"key {number}", 0.0)
        limit.add("in use", 0.0)
    assert len(limit) == KEYS
    assert limit.wait("in use", 0.0) > 0
