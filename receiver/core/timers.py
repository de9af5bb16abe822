"""Timers that must be ordered, in seconds. What is no fact about AWS follows from the lease; a test holds the order.

a repeat after a crash  <  what a FIFO queue remembers
an attempt  <  a call to DynamoDB or SQS  <  half of what receive has  <  its time  <  the sender's patience
one call to a partner   <  a step  <  the function's time  <=  a sixth of its queue's visibility
a stop                  <  what Docker and systemd grant
"""

FIFO_MEMORY = 300.0
"""For so long a FIFO queue knows the deduplication id of a repeat (SQS Developer Guide, exactly-once processing)."""
LEASE = 90.0
"""Default seconds without a renewal after which a lease expires, and another worker takes the task over."""
LONGEST_LEASE = 120.0
LOOKS = 4
"""How many checks a process makes in each lease, and in each interval of the sweep."""
LOOK_ON_LAMBDA = 60.0
"""On Lambda the sweep makes the checks, once a minute (serverless.yml, sweepEvery)."""
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


SENDER = 30.0
"""How long LlamaCloud waits for the answer to an event; API Gateway's HTTP API waits as long."""
RECEIVE = SENDER / 2
"""The time of the function that receives (serverless.yml). What follows is derived from it."""
TO_ANSWER = 2.0
"""What is left of a function's time when it answers 503, so that the answer and the metrics get out."""
AWS_CALL = (RECEIVE - TO_ANSWER) / 2
"""One call to DynamoDB or SQS with all its attempts: receiving makes two, one after the other."""
AWS_ATTEMPTS = 3
AWS_ATTEMPT = AWS_CALL / AWS_ATTEMPTS
"""One of them: who hangs is asked again, on another connection."""


def repeated_within(lease: float, look: float) -> float:
    """When an attempt that ended with its process has been repeated: seen once, unchanged for a lease, then retried."""
    return look + lease + look + CUT_OFF_DELAY + PICK_UP


def look_every(lease: float, sweep: float) -> float:
    """Seconds between two checks for dead workers and for the turn to sweep."""
    return min(lease, sweep) / LOOKS


def visibility(lease: float) -> float:
    """For how long a message is kept out of sight while its task is worked on: a little longer than the lease."""
    return lease + 5.0
