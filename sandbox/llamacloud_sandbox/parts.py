"""The sandbox's parts, put together once; every handler is given them."""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from llamacloud_sandbox.bounded import BoundedJudge
from llamacloud_sandbox.children import Children
from llamacloud_sandbox.faults import Faults
from llamacloud_sandbox.jobs import Jobs
from llamacloud_sandbox.limits import Limits
from llamacloud_sandbox.options import Options
from llamacloud_sandbox.reader import Reader
from llamacloud_sandbox.scripted import ScriptedJudge
from llamacloud_sandbox.sender import Sender
from llamacloud_sandbox.state import State
from llamacloud_sandbox.verdict import Judge
from llamacloud_sandbox.work import Work


def microseconds() -> float:
    """The time, no finer than an ISO time says it: a job's `created_at` then finds that job."""
    return round(time.time(), 6)


class Parts:
    """Everything behind the routes. Made before the server listens; `begin` and `end` bracket its life."""

    def __init__(
        self, options: Options, *, judge: Judge | None = None, clock: Callable[[], float] = microseconds
    ) -> None:
        self.options, self.clock = options, clock
        self.children = Children()
        work = Work(judge or judge_named(options.judge, self.children), Reader(self.children, ocr=options.ocr))
        self.state = State(options.state)
        self.faults = Faults(options.faults, options.seed)
        self.limits = Limits(options, clock)
        self.sender = Sender(options, self.faults, clock)
        self.jobs = Jobs(options, self.state, work, self.sender, self.faults, self.limits, clock)
        self.requests: Counter[str] = Counter()
        self.link_secret = secrets.token_hex()  # links die with the process
        self.started_at = clock()

    def begin(self) -> None:
        """Take up what a restart interrupted; needs the running loop."""
        self.jobs.resume()

    async def end(self) -> None:
        """Stop jobs and deliveries, close files and connections."""
        await self.jobs.close()
        self.children.close()
        await self.sender.close()
        self.state.close()

    def reset(self) -> None:
        """Forget everything, and put faults, limits and counters back to the start."""
        self.jobs.stop()
        self.sender.reset()
        self.state.reset()
        self.faults.reset()
        self.limits.reset()
        self.requests.clear()


def judge_named(name: str, children: Children) -> Judge:
    """The judge for `--judge`: `lexical`, or `scripted:FILE`. Raises ValueError for any other name."""
    kind, _, argument = name.partition(":")
    if kind == "lexical" and not argument:
        return BoundedJudge(children)
    if kind == "scripted" and argument:
        return ScriptedJudge(Path(argument), otherwise=BoundedJudge(children))
    raise ValueError(f"judge {name!r}: give 'lexical' or 'scripted:FILE'")
