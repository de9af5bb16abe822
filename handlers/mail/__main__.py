"""Reads mails: ``python -m handlers.mail``, called by ``child_reader`` (protocol: handlers/child/process.py).

It returns the mails, with their contents as files in a folder, or the reason why they cannot be read. The time for each
mail is limited. A mail that exceeds a limit is refused, where possible, instead of crashing the process.
"""

import resource
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from handlers.child.loop import ChildRefusal, answer_questions
from handlers.mail.read import read_mails
from handlers.mail.tree import TooMuch
from receiver.core.mail import MailBounds

CPU_SECONDS, CPU_SECONDS_PER_MB = 10, 0.2
"""Processor time for any mail, and for each megabyte of it. Ordinary mail takes a tenth of that."""


def mails_in(asked: dict[str, Any]) -> dict[str, Any]:
    """The mails in one file. Raises ChildRefusal."""
    path = Path(asked["read"])
    _limit_time(path.stat().st_size)
    bounds = msgspec.convert(asked["bounds"], type=MailBounds)
    try:
        mails = read_mails(path.read_bytes(), asked["name"], bounds, Path(asked["folder"]))
    except TooMuch as error:
        raise ChildRefusal(str(error)) from error
    except MemoryError as error:
        raise ChildRefusal("reading it exceeds the memory limit for mail") from error
    except RecursionError as error:
        raise ChildRefusal("it is nested too deeply to be read") from error
    except Exception as error:  # the edge of this process: what fails here is the mail's fault
        raise ChildRefusal(f"it cannot be parsed: {type(error).__name__} {error}"[:300]) from error
    return {"mails": msgspec.to_builtins(mails)}


def _limit_time(size: int) -> None:
    spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    seconds = int(spent + CPU_SECONDS + size / 1e6 * CPU_SECONDS_PER_MB) + 1
    signal.signal(signal.SIGXCPU, _too_slow)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    soft = seconds if most == resource.RLIM_INFINITY else min(seconds, most)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, most))


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooMuch("reading it exceeds the CPU time limit for mail")


if __name__ == "__main__":
    answer_questions(mails_in)
