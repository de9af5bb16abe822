"""Timers that must be ordered, in seconds. What is no fact about AWS follows from the lease; a test holds the order.

a repeat after a crash  <  what a FIFO queue remembers
one call to a partner   <  a step  <  the function's time  <=  a sixth of its queue's visibility
a stop                  <  what Docker and systemd grant
"""

FIFO_MEMORY = 300.0
"""For so long a FIFO queue knows the deduplication id of a repeat (SQS Developer Guide, exactly-once processing)."""
LEASE = 90.0
"""After so long without a sign of life a task is taken from its worker, by default."""
LONGEST_LEASE = 120.0
LOOKS = 4
"""How often a process looks round in each lease, and in each interval of the sweep."""
LOOK_ON_LAMBDA = 60.0
"""There the sweep looks: once a minute (serverless.yml, sweepEvery)."""
CUT_OFF_DELAY = 30.0
"""The longest pause before an attempt that nobody ended is repeated."""
PICK_UP = 15.0
"""From the moment that a task is due until a worker has it: the queue's delay, a poll, the start of a function."""


STOP = 30.0
"""From SIGTERM to the end of the process, by default."""
WORK_SHARE = 2 / 3
"""The part of it for requests and tasks in hand; the rest is for letting go of them and closing."""
RELEASE = 3.0
"""For letting go of the tasks that are still in hand then."""


def repeated_within(lease: float, look: float) -> float:
    """When an attempt that ended with its process has been repeated: seen once, unchanged for a lease, then retried."""
    return look + lease + look + CUT_OFF_DELAY + PICK_UP


def look_every(lease: float, sweep: float) -> float:
    """How often a process looks for workers that died and whether it is time for a sweep."""
    return min(lease, sweep) / LOOKS


def visibility(lease: float) -> float:
    """For how long a message is kept out of sight while its task is worked on: a little longer than the lease."""
    return lease + 5.0
