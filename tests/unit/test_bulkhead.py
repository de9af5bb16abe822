"""What a worker has room for: no partner, and no kind of task, may take it all for long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.bulkhead import (
    FAILURES,
    LONGEST_PAUSE,
    MOST_SLOW,
    NO_ROOM_SECONDS,
    SLOW_SECONDS,
    Begun,
    Capacity,
    Room,
)
from receiver.core.errors import AccessDenied, CloudBusy, DestinationBusy, OutOfTime, StoreBusy
from receiver.core.task import SUSPECT_FROM, SUSPECTS, Rank, Task
from tests.builders import a_task

KINDS = st.sampled_from(["deliver", "react", "submit", "cut", "packet", "alert"])


def to(place: str, **fields: object) -> Task:
    return a_task(kind="deliver", details={"to": place}, **fields)


@pytest.mark.parametrize(
    ("task", "lane"),
    [
        (to("s3://mail/invoices/{document_id}/"), "0 s3://mail"),
        (to("s3://mail/contracts/"), "0 s3://mail"),
        (to("sqs://https://sqs.eu-central-1.amazonaws.com/1/q"), "0 sqs://https://sqs.eu-central-1.amazonaws.com/1/q"),
        (to("https://user:secret@example.com/hook?key=1"), "0 https://example.com"),
        (to("folder:///srv/mail/"), "0 folder://"),
        (a_task(kind="notify", details={"to": "slack:env:SLACK"}), "0 slack:env:SLACK"),
        (a_task(kind="alert"), "0 alert"),
        (a_task(kind="react"), "1 llamacloud"),
        (a_task(kind="cut"), "1 cut"),
        (a_task(kind="submit"), "2 llamacloud"),
        (a_task(kind="submit", bulk=True), "3 llamacloud"),
        (a_task(kind="submit", cut_off=SUSPECT_FROM), SUSPECTS),
    ],
)
def test_a_lane_is_the_tasks_of_one_rank_for_one_partner(task: Task, lane: str) -> None:
    assert task.lane == lane


class Clocked:
    """A capacity, its clock, and what it does."""

    def __init__(self, concurrency: int = 16) -> None:
        self.capacity = Capacity(concurrency)
        self.now = 100.0
        self.running: list[Begun] = []

    def room(self) -> Room:
        return self.capacity.room(self.now)

    def begin(self, task: Task, number: int) -> int:
        """Begins so many like it, as far as there is room; how many those were."""
        room, begun = self.room(), 0
        while begun < number and room.take(task):
            self.running.append(self.capacity.begin(task, self.now))
            begun += 1
        return begun

    def end_all(self, error: Exception | None) -> list[str | None]:
        said = [self.capacity.end(step, error, self.now) for step in self.running]
        self.running = []
        return said

    def warm_up(self, *tasks: Task) -> None:
        """Has the partners of these answer until their lanes are as wide as can be."""
        for task in tasks:
            for _ in range(20):
                self.begin(task, 1)
                self.end_all(None)


@pytest.fixture
def worker() -> Clocked:
    return Clocked()


def test_slots_are_kept_free_for_what_is_more_urgent(worker: Clocked) -> None:
    bulk, submit, react, deliver = (
        a_task(kind="submit", bulk=True), a_task(kind="submit"), a_task(kind="react"), to("s3://mail/"),
    )  # fmt: skip
    worker.warm_up(bulk, submit, react, deliver)
    assert [worker.begin(item, 99) for item in (bulk, submit, react, deliver)] == [8, 4, 2, 2]
    assert worker.room().for_rank(Rank.DELIVER) == 0


def test_a_partner_gets_a_few_slots_and_more_as_it_answers(worker: Clocked) -> None:
    assert worker.begin(to("s3://mail/"), 99) == 4
    worker.end_all(None)
    assert worker.begin(to("s3://mail/"), 99) == 8
    worker.end_all(None)
    assert worker.begin(to("s3://mail/"), 99) == 16


def test_one_failure_and_it_has_a_few_again(worker: Clocked) -> None:
    worker.warm_up(to("s3://mail/"))
    worker.begin(to("s3://mail/"), 1)
    worker.end_all(DestinationBusy())
    assert worker.begin(to("s3://mail/"), 99) == 4


def test_a_step_that_lasts_gives_up_its_slot_and_counts_in_its_lane_alone(worker: Clocked) -> None:
    worker.warm_up(to("s3://hangs/"), to("s3://well/"))
    assert worker.begin(to("s3://hangs/"), 99) == 16
    assert worker.begin(to("s3://well/"), 1) == 0
    worker.now += SLOW_SECONDS
    assert worker.begin(to("s3://hangs/"), 99) == 0
    assert worker.begin(to("s3://well/"), 99) == 16


def test_steps_that_hang_while_the_partner_answers_others_hold_these_up_no_longer(worker: Clocked) -> None:
    """Twenty jobs that LlamaCloud does not answer for are no reason not to ask for the others."""
    worker.warm_up(a_task(kind="react"))
    for _ in range(10):
        hanging = [worker.capacity.begin(a_task(kind="react"), worker.now) for _ in range(2)]
        worker.begin(a_task(kind="react"), 1)
        worker.now += SLOW_SECONDS
        assert worker.end_all(None) == [None]
        assert worker.begin(a_task(kind="react"), 99) >= 12
        worker.end_all(None)
    assert worker.capacity.end(hanging[0], CloudBusy(), worker.now) is None


def quiet_after_some_hung(worker: Clocked) -> list[Begun]:
    """Sixteen steps hang, although others were answered; the last of them began after the last answer."""
    task = a_task(kind="react")
    worker.warm_up(task)
    hanging = [worker.capacity.begin(task, worker.now) for _ in range(15)]
    worker.now += SLOW_SECONDS
    worker.capacity.end(worker.capacity.begin(task, worker.now), None, worker.now)
    worker.now += 1
    hanging.append(worker.capacity.begin(task, worker.now))
    worker.now += SLOW_SECONDS
    return hanging


def test_after_a_quiet_moment_one_step_finds_out_whether_the_partner_still_answers(worker: Clocked) -> None:
    quiet_after_some_hung(worker)
    assert worker.begin(a_task(kind="react"), 99) == 1
    assert worker.begin(a_task(kind="react"), 99) == 0
    worker.end_all(None)
    assert worker.begin(a_task(kind="react"), 99) >= 12


def test_a_partner_that_stopped_answering_gets_one_step_at_a_time_up_to_a_bound(worker: Clocked) -> None:
    hanging = quiet_after_some_hung(worker)
    for _ in range(100):
        assert worker.begin(a_task(kind="react"), 99) <= 1
        assert worker.begin(a_task(kind="react"), 99) == 0
        worker.now += SLOW_SECONDS
    assert len(hanging) + len(worker.running) == MOST_SLOW * 16


def test_a_partner_that_hangs_after_it_was_well_gets_no_more_than_its_slots(worker: Clocked) -> None:
    worker.warm_up(to("s3://hangs/"))
    begun = 0
    for _ in range(10):
        begun += worker.begin(to("s3://hangs/"), 99)
        worker.now += SLOW_SECONDS
    assert begun == 16


def test_a_partner_that_hangs_from_the_start_leaves_most_slots_to_the_others_at_once(worker: Clocked) -> None:
    worker.warm_up(to("s3://well/"))
    worker.begin(to("s3://hangs/"), 99)
    assert worker.begin(to("s3://well/"), 99) == 12


def test_however_many_partners_hang_a_worker_holds_no_more_than_its_slots_of_each(worker: Clocked) -> None:
    hanging = [to(f"s3://hangs-{number}/") for number in range(5)]
    worker.warm_up(*hanging, to("s3://well/"))
    for number in range(50):
        worker.begin(hanging[number % 5], 99)
        worker.now += SLOW_SECONDS
    assert len(worker.running) == 5 * 16
    assert worker.begin(to("s3://well/"), 99) == 16


def test_a_lane_that_only_fails_is_closed_and_tried_by_a_few_more_and_more_rarely(worker: Clocked) -> None:
    worker.warm_up(to("s3://down/"), to("s3://well/"))
    worker.begin(to("s3://down/"), 16)
    assert worker.end_all(DestinationBusy()) == [None] * (FAILURES - 1) + ["down"] + [None] * (16 - FAILURES)
    pauses = []
    for _ in range(9):
        closed_at = worker.now
        while not worker.begin(to("s3://down/"), 99):
            worker.now += 0.5
        assert len(worker.running) == 4
        pauses.append(worker.now - closed_at)
        worker.end_all(DestinationBusy())
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert worker.begin(to("s3://well/"), 99) == 16, "of all this nobody else has noticed anything"


def close(worker: Clocked, task: Task) -> None:
    for _ in range(FAILURES):
        worker.begin(task, 1)
        worker.end_all(DestinationBusy())
    assert worker.begin(task, 1) == 0


def test_a_lane_whose_partner_answers_again_is_open_at_once(worker: Clocked) -> None:
    close(worker, to("s3://down/"))
    worker.now += 1
    worker.begin(to("s3://down/"), 1)
    assert worker.end_all(None) == ["up"]
    assert worker.begin(to("s3://down/"), 99) == 5


def test_reactions_do_not_suffer_from_submissions_to_the_same_partner(worker: Clocked) -> None:
    worker.warm_up(a_task(kind="react"))
    close(worker, a_task(kind="submit"))
    assert worker.begin(a_task(kind="react"), 99) == 14


@pytest.mark.parametrize(
    ("error", "closes"),
    [(CloudBusy(), True), (DestinationBusy(), True), (OutOfTime(), True), (StoreBusy(), False), (KeyError(), False),
     (AccessDenied(), False), (None, False)],
)  # fmt: skip
def test_only_what_speaks_of_the_partner_closes_its_lane(
    worker: Clocked, error: Exception | None, closes: bool
) -> None:
    for _ in range(FAILURES):
        worker.begin(to("s3://mail/"), 1)
        worker.end_all(error)
    assert (worker.begin(to("s3://mail/"), 1) == 0) is closes


def test_failures_among_successes_close_nothing(worker: Clocked) -> None:
    for number in range(100):
        worker.begin(to("s3://mail/"), 1)
        worker.end_all(DestinationBusy() if number % FAILURES else None)
    assert worker.begin(to("s3://mail/"), 1) == 1


def test_tasks_that_may_have_ended_a_process_run_one_at_a_time(worker: Clocked) -> None:
    assert worker.begin(a_task(kind="submit", cut_off=SUSPECT_FROM), 5) == 1
    assert worker.begin(to("s3://mail/", cut_off=SUSPECT_FROM), 5) == 0
    assert worker.begin(to("s3://mail/"), 4) == 4


def test_when_it_is_worth_asking_again(worker: Clocked) -> None:
    close(worker, to("s3://down/"))
    for _ in range(7):
        worker.now += LONGEST_PAUSE
        worker.begin(to("s3://down/"), 1)
        worker.end_all(DestinationBusy())
    assert worker.capacity.wait_for(to("s3://down/"), worker.now) == LONGEST_PAUSE
    assert worker.capacity.wait_for(to("s3://well/"), worker.now) == NO_ROOM_SECONDS


@given(
    concurrency=st.integers(1, 40),
    deeds=st.lists(
        st.tuples(KINDS, st.sampled_from(["s3://a/", "s3://b/"]), st.integers(0, 2), st.sampled_from([0, 1, 6, 70])),
        max_size=60,
    ),
)
def test_once_all_that_runs_has_lasted_there_is_room_whatever_hangs_fails_or_floods(
    concurrency: int, deeds: list[tuple[str, str, int, int]]
) -> None:
    worker = Clocked(concurrency)
    worker.warm_up(to("s3://well/"))
    for kind, place, end, seconds in deeds:
        worker.begin(a_task(kind=kind, details={"to": place}), 9)
        if end and worker.running:
            error = DestinationBusy() if end == 1 else None
            worker.capacity.end(worker.running.pop(0), error, worker.now)
        worker.now += seconds
    worker.now += SLOW_SECONDS
    assert worker.room().of("0 s3://well") == min(concurrency, worker.capacity.few + 20)
    assert all(worker.room().for_rank(rank) for rank in Rank)


@given(closed=st.booleans(), passed=st.floats(0, 4 * LONGEST_PAUSE))
def test_a_new_task_follows_at_once_unless_an_older_one_of_its_lane_may_wait_for_room(
    closed: bool, passed: float
) -> None:
    worker = Clocked()
    if closed:
        for _ in range(FAILURES):
            worker.capacity.end(worker.capacity.begin(to("s3://a/"), worker.now), DestinationBusy(), worker.now)
    assert worker.capacity.may_follow(to("s3://a/"), worker.now)
    longest = 2 * worker.capacity.wait_for(to("s3://a/"), worker.now)
    assert worker.capacity.may_follow(to("s3://b/"), worker.now)
    worker.now += passed
    assert worker.capacity.may_follow(to("s3://a/"), worker.now) == (passed >= longest)
