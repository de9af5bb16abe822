"""The life of a task is one table."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.errors import NotAllowed
from receiver.core.task import CUT_OFF, MOVES, Task, TaskState
from tests.builders import NOW, a_task

VERBS: dict[str, Callable[[Task], Task]] = {
    "claim": lambda task: task.claim(owner="worker-1", now=NOW, lease_seconds=60),
    "finish": lambda task: task.finish(now=NOW, keep_seconds=3600),
    "retry": lambda task: task.retry(at=NOW + 5, now=NOW, error="busy", cause="store_busy"),
    "release": lambda task: task.release(now=NOW),
    "give_up": lambda task: task.give_up(now=NOW, error="gone", cause="file_gone"),
    "replay": lambda task: task.replay(now=NOW),
    "retire": lambda task: task.retire(now=NOW, keep_seconds=3600, note="something else came of it"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", TaskState)
def test_a_task_makes_the_moves_of_the_table_and_no_other(state: TaskState, verb: str) -> None:
    task = a_task(state=state)
    if (state, verb) in MOVES:
        assert VERBS[verb](task).state is MOVES[state, verb]
    else:
        with pytest.raises(NotAllowed, match=f"is {state}: it cannot {verb}"):
            VERBS[verb](task)


def test_a_claim_leases_and_counts() -> None:
    task = VERBS["claim"](a_task(attempts=2))
    assert (task.owner, task.lease_until, task.attempts) == ("worker-1", NOW + 60, 3)


def test_a_released_task_is_ready_at_once_and_its_attempt_does_not_count() -> None:
    running = VERBS["claim"](a_task(due_at=NOW - 9, attempts=2, cut_off=1))
    released = VERBS["release"](running)
    assert (released.due_at, released.attempts, released.cut_off) == (NOW, 2, 1)


def test_attempts_that_nobody_ended_are_counted_until_one_is_ended() -> None:
    task = a_task()
    for _ in range(3):
        task = VERBS["claim"](task).retry(at=NOW, now=NOW, error="gone", cause=CUT_OFF)
    assert (task.attempts, task.cut_off) == (3, 3)
    running = VERBS["claim"](task)
    assert {VERBS["retry"](running).cut_off, VERBS["finish"](running).cut_off} == {0}


def test_an_uncounted_retry_gives_the_attempt_back_and_counts_the_look() -> None:
    running = VERBS["claim"](a_task())
    looked = running.retry(at=NOW + 1, now=NOW, error="not final", cause="early", counted=False)
    assert (looked.attempts, looked.looks) == (0, 1)
    assert (VERBS["retry"](running).attempts, VERBS["retry"](running).looks) == (1, 0)


def test_a_finished_task_may_be_forgotten_after_a_while_and_a_parked_one_not() -> None:
    running = VERBS["claim"](a_task())
    assert VERBS["finish"](running).expires_at == NOW + 3600
    assert running.finish(now=NOW).expires_at is None
    assert VERBS["give_up"](running).expires_at is None


def test_a_retired_task_says_why_and_may_be_forgotten_after_a_while() -> None:
    retired = VERBS["retire"](VERBS["give_up"](VERBS["claim"](a_task())))
    assert (retired.note, retired.expires_at) == ("something else came of it", NOW + 3600)


def test_a_replayed_task_starts_afresh() -> None:
    parked = VERBS["give_up"](VERBS["claim"](a_task(attempts=9, looks=4)))
    replayed = VERBS["replay"](parked)
    assert (replayed.attempts, replayed.looks, replayed.error, replayed.cause) == (0, 0, "", "")
    assert (replayed.due_at, replayed.finished_at) == (NOW, None)


@pytest.mark.parametrize(
    ("state", "claimable_at"),
    [(TaskState.READY, NOW + 1), (TaskState.RUNNING, None), (TaskState.DONE, None), (TaskState.PARKED, None)],
)
def test_only_what_is_ready_is_claimable(state: TaskState, claimable_at: float | None) -> None:
    assert a_task(state=state, due_at=NOW + 1, lease_until=NOW + 9).claimable_at == claimable_at


@given(st.lists(st.sampled_from(sorted(VERBS)), max_size=30))
def test_no_life_ends_where_nothing_can_move_it(verbs: list[str]) -> None:
    task = a_task()
    for verb in verbs:
        if (task.state, verb) in MOVES:
            task = VERBS[verb](task)
        assert task.attempts >= 0
        assert (task.lease_until is not None) == (task.state is TaskState.RUNNING)
        assert (task.finished_at is not None) == (task.state in {TaskState.DONE, TaskState.PARKED})
    assert any(state is task.state for state, _ in MOVES)


def test_the_drawing_shows_every_verb() -> None:
    from receiver.core import task

    assert task.__doc__ is not None
    assert all(verb in task.__doc__ for _, verb in MOVES)
