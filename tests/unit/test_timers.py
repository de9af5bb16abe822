"""Timers that must be ordered are, in the code, in serverless.yml and beside it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.functions.process import ANSWER_SECONDS, RECORD_SECONDS
from handlers.http_client import SECONDS
from receiver.aws.boto import ATTEMPTS, CALL_SECONDS, CONNECT_SECONDS, COPY_SECONDS, READ_SECONDS
from receiver.cloud.refusal import About
from receiver.cloud.transport import Call, Timeouts
from receiver.core import timers
from receiver.core.errors import CutOff, Misconfigured
from receiver.core.retry import RetryAt, next_attempt
from receiver.http.readiness import PATIENCE_SECONDS
from receiver.queue.sqs import POLL_SECONDS
from receiver.read_settings import from_environ
from receiver.settings import Settings
from tests.infra import ROOT, param, service

FUNCTIONS = service()["functions"]
LEASES = st.floats(1, timers.LONGEST_LEASE)


@given(lease=LEASES, sweep=st.floats(1, 86_400))
def test_an_attempt_that_was_cut_off_is_repeated_while_a_fifo_queue_remembers_it(lease: float, sweep: float) -> None:
    assert timers.repeated_within(lease, timers.look_every(lease, sweep)) < timers.FIFO_MEMORY
    assert timers.repeated_within(lease, timers.LOOK_ON_LAMBDA) < timers.FIFO_MEMORY


def test_a_longer_lease_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="MAILROOM_LEASE_SECONDS"):
        from_environ({"MAILROOM_LEASE_SECONDS": str(timers.LONGEST_LEASE + 1)})
    assert Settings().lease_seconds == timers.LEASE <= timers.LONGEST_LEASE


@given(attempt=st.integers(1, 12), spread=st.floats(0, 1))
def test_the_pause_before_the_repeat_is_the_one_that_is_counted_with(attempt: int, spread: float) -> None:
    decision = next_attempt(CutOff(), attempt=attempt, now=0, spread=spread)
    assert isinstance(decision, RetryAt)
    assert decision.at <= timers.CUT_OFF_DELAY


@given(lease=LEASES, sweep=st.floats(1, 86_400))
def test_whoever_looks_sees_a_living_worker_renew(lease: float, sweep: float) -> None:
    """A worker renews at each third of the lease; who looks at each quarter sees it unchanged for less than a lease."""
    assert lease / 3 + 2 * timers.look_every(lease, sweep) < lease


def test_a_message_comes_into_sight_again_after_the_lease() -> None:
    assert timers.visibility(timers.LEASE) > timers.LEASE


def test_the_sweep_on_lambda_looks_as_often_as_is_counted_with_and_ends_before_the_next() -> None:
    assert param(FUNCTIONS["sweep"]["events"][0]["schedule"]["rate"]) == "rate(1 minute)"
    assert param(FUNCTIONS["sweep"]["timeout"]) <= timers.LOOK_ON_LAMBDA == 60


def test_a_function_has_time_to_write_down_how_its_steps_ended() -> None:
    assert 0 < ANSWER_SECONDS + RECORD_SECONDS < param(FUNCTIONS["process"]["timeout"]) / 10


@pytest.mark.parametrize(
    ("file", "granted"), [("compose.yml", r"stop_grace_period: (\d+)s"), ("mailroom.service", r"TimeoutStopSec=(\d+)")]
)
def test_a_stop_is_over_before_the_process_is_killed(file: str, granted: str) -> None:
    (seconds,) = re.findall(granted, (ROOT / "infra" / file).read_text())
    assert Settings().stop_seconds == timers.STOP < int(seconds)


def test_of_a_stop_there_is_time_left_to_let_go_of_tasks_and_to_close() -> None:
    closing = POLL_SECONDS  # the poll that is under way is waited for, so that its messages are given back
    assert timers.STOP * timers.WORK_SHARE + timers.RELEASE + closing < timers.STOP


def test_a_call_is_over_before_its_step_and_the_step_before_its_function() -> None:
    patience = Timeouts()
    function = param(FUNCTIONS["process"]["timeout"]) - ANSWER_SECONDS - RECORD_SECONDS
    look = Call(method="GET", path="/", about=About.JOB)
    change = Call(method="POST", path="/", about=About.ORDER)
    calls = [patience.whole(look), patience.whole(change), patience.upload_seconds, CALL_SECONDS, COPY_SECONDS, SECONDS]
    assert all(seconds is not None and seconds < min(function, Settings().step_seconds) for seconds in calls)
    attempts = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)
    assert attempts > CALL_SECONDS > CONNECT_SECONDS + READ_SECONDS, "one that hangs is tried once more, and no longer"


def test_receive_answers_while_the_sender_waits_whatever_aws_does() -> None:
    """Receiving writes once and enqueues once; each call may use up all its attempts."""
    assert timers.AWS_ATTEMPTS * timers.AWS_ATTEMPT <= timers.AWS_CALL
    assert 2 * timers.AWS_CALL + timers.TO_ANSWER <= timers.RECEIVE < timers.SENDER
    assert param(FUNCTIONS["receive"]["timeout"]) == timers.RECEIVE
    assert PATIENCE_SECONDS < timers.RECEIVE - timers.TO_ANSWER
    assert timers.TO_ANSWER < param(FUNCTIONS["console"]["timeout"]) < timers.SENDER
