"""The child's side of ``handlers/child/process.py``: its limits, and its loop of questions and answers, one a line.

It imports very little, because each packet and each mail waits until its child has loaded.
"""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class ChildRefusal(Exception):
    """The request cannot be carried out; the message says why. The answer is ``{"refused": reason}``."""


def answer_questions(answer: Answer) -> None:
    """Answers each question until standard input ends.

    If ``answer`` raises anything but ChildRefusal, the child ends, and the parent reports the last line of the
    traceback. Import what ``answer`` needs before this call: a child that dies later is taken to die of its input.
    """
    _limit(json.loads(sys.argv[1]))
    _send({"ready": True})
    for line in sys.stdin:
        _send(_answered(answer, json.loads(line)))


def _answered(answer: Answer, question: dict[str, Any]) -> dict[str, Any]:
    try:
        return answer(question)
    except ChildRefusal as refused:
        return {"refused": str(refused)}


def _limit(bounds: dict[str, int]) -> None:
    memory, seconds, written = bounds["memory_bytes"], bounds["processor_seconds"], bounds["file_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would be a copy of somebody's mail


def _send(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
