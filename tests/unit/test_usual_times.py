"""When a job of which no event comes is asked about follows from how long its like take, by LlamaCloud's clock."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.usual_times import FEW, FLOOR, KEPT, MARGIN, SLACK, UsualTimes

CLASSIFY, SPLIT = JobKind.CLASSIFY, JobKind.SPLIT
SECONDS = st.floats(0, 5000)


def took(seconds: float | None, kind: JobKind = CLASSIFY) -> JobReport:
    ended = None if seconds is None else 1000.0 + seconds
    return JobReport(id="j", kind=kind, status=JobStatus.COMPLETED, created_at=1000.0, ended_at=ended)


def seen(*seconds: float, kind: JobKind = CLASSIFY, pages: int | None = None) -> UsualTimes:
    times = UsualTimes()
    for each in seconds:
        times.note(took(each, kind), pages)
    return times


@given(st.lists(SECONDS, max_size=300), st.floats(1, 1000))
def test_it_is_never_before_the_floor_nor_after_the_deadline(seconds: list[float], longest: float) -> None:
    assert min(FLOOR, longest) <= seen(*seconds).first_look(CLASSIFY, None, longest=longest) <= longest


@given(st.lists(SECONDS, min_size=FEW, max_size=KEPT))
def test_all_but_a_twentieth_of_recent_jobs_are_done_by_then(seconds: list[float]) -> None:
    look = seen(*seconds).first_look(CLASSIFY, None, longest=1e9)
    assert sum(each > look for each in seconds) <= len(seconds) / 20
    assert look <= max(FLOOR, MARGIN * max(seconds) + SLACK)


def test_few_jobs_say_nothing_yet_and_old_ones_no_more() -> None:
    assert seen(*[100.0] * (FEW - 1)).first_look(CLASSIFY, None, longest=600) == FLOOR
    assert seen(*[100.0] * KEPT, *[7.0] * KEPT).first_look(CLASSIFY, None, longest=600) < 10


def test_each_kind_and_size_has_its_own() -> None:
    times = seen(*[100.0] * FEW, kind=SPLIT, pages=40)
    assert times.first_look(SPLIT, 50, longest=600) > 100
    assert times.first_look(SPLIT, 2, longest=600) == times.first_look(CLASSIFY, 40, longest=600) == FLOOR


def test_a_job_that_does_not_say_when_it_ended_is_not_counted() -> None:
    times = UsualTimes()
    for _ in range(FEW):
        times.note(took(None), None)
    assert times.first_look(CLASSIFY, None, longest=600) == FLOOR
