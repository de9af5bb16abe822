"""The switches of faults."""

import pytest

from llamacloud_sandbox.faults import Faults, known


def strikes(faults: Faults, times: int, kind: str = "drop") -> list[bool]:
    """Whether the fault struck, time after time."""
    return [faults.strikes(kind) is not None for _ in range(times)]


def test_a_fault_that_is_not_set_never_strikes() -> None:
    assert strikes(Faults({}, seed=1), 50) == [False] * 50


def test_a_probability_of_one_always_strikes_and_zero_never() -> None:
    assert strikes(Faults(known({"drop": 1}), seed=1), 20) == [True] * 20
    assert strikes(Faults(known({"drop": 0}), seed=1), 20) == [False] * 20


def test_the_same_seed_gives_the_same_run_and_a_reset_begins_it_again() -> None:
    one, two = Faults(known({"drop": 0.5}), seed=7), Faults(known({"drop": 0.5}), seed=7)
    first = strikes(one, 100)
    assert strikes(two, 100) == first
    assert 20 < sum(first) < 80
    one.reset()
    assert strikes(one, 100) == first


def test_a_count_strikes_that_often_and_no_more() -> None:
    faults = Faults(known({"drop": {"next": 2}}), seed=1)
    assert strikes(faults, 5) == [True, True, False, False, False]
    assert faults.shown()["drop"] | {"next": 0, "struck": 2} == faults.shown()["drop"]


def test_an_api_fault_can_be_narrowed_to_a_method_and_a_path() -> None:
    faults = Faults(known({"server_error": {"probability": 1, "method": "post", "path": "/api/v2/classify"}}), seed=1)
    assert faults.strikes("server_error", method="POST", path="/api/v2/classify/x/cancel")
    assert not faults.strikes("server_error", method="GET", path="/api/v2/classify")
    assert not faults.strikes("server_error", method="POST", path="/api/v1/files")


@pytest.mark.parametrize(
    "wrong", [{"explode": 1}, {"drop": 2}, {"drop": "often"}, {"drop": {"nxt": 1}}, {"drop": True}]
)
def test_a_wrong_switch_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"explode|Switch"):
        known(wrong)
