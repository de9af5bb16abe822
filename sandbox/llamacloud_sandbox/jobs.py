"""The life of a job: PENDING -> RUNNING -> COMPLETED, FAILED or CANCELLED; each step shows in GET and has an event."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from llamacloud_sandbox.faults import Faults
from llamacloud_sandbox.limits import Limits
from llamacloud_sandbox.options import Options
from llamacloud_sandbox.reading import Unreadable
from llamacloud_sandbox.records import Job, ParseJob, Status
from llamacloud_sandbox.refused import conflict
from llamacloud_sandbox.sender import Sender
from llamacloud_sandbox.state import State
from llamacloud_sandbox.work import Done, Work

log = logging.getLogger(__name__)
GONE = "Source file not found in storage"
_HAPPENING = {
    Status.PENDING: "pending",
    Status.RUNNING: "running",
    Status.COMPLETED: "success",
    Status.FAILED: "error",
    Status.CANCELLED: "cancelled",
}


def happening(job: Job) -> str:
    """What the event of the job's state is called; split says `processing` where classify says `running`."""
    name = _HAPPENING[job.status]
    return "processing" if name == "running" and job.product == "split" else name


def group_status(parts: Sequence[Job]) -> str:
    """What a job of classify v1 says while and after its files are judged (reference of SDK 1.0: five words)."""
    ended = [part.status for part in parts]
    if not all(status.terminal for status in ended):
        return "PENDING"
    for whole, word in ((Status.COMPLETED, "SUCCESS"), (Status.CANCELLED, "CANCELLED")):
        if set(ended) == {whole}:
            return word
    return "PARTIAL_SUCCESS" if Status.COMPLETED in ended else "ERROR"


class Jobs:
    """Starts jobs and carries each one to its end, at most `options.workers` reading and judging at a time."""

    def __init__(
        self,
        options: Options,
        state: State,
        work: Work,
        sender: Sender,
        faults: Faults,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options, self._state, self._work = options, state, work
        self._sender, self._faults, self._limits, self._clock = sender, faults, limits, clock
        self._pool = ThreadPoolExecutor(options.workers, thread_name_prefix="judge")
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def create(self, job: Job) -> Job:
        """The job, kept, announced as pending, and under way."""
        if job.input_type == "file_id":
            parse_id = f"pjb-{uuid.uuid4()}"
            job = replace(job, parse_job_id=parse_id)
            self._state.parse_jobs.put(
                ParseJob(id=parse_id, project_id=job.project_id, file_id=job.file_id, created_at=job.created_at)
            )
        job = self._state.add_job(job)
        self._sender.announce(job, happening(job))
        self._start(job)
        return job

    def cancel(self, job: Job) -> Job:
        """The cancelled job. Raises Refused (409) for one that has ended."""
        if job.status.terminal:
            raise conflict(f"Job is already in a terminal state ({_spelled(job)}) and cannot be cancelled")
        task = self._tasks.pop(job.id, None)
        if task is not None:
            task.cancel()
        return self._move(job, Status.CANCELLED)

    def delete(self, job: Job) -> None:
        """Forget a job that has ended. Raises Refused (409) for one that has not."""
        if not job.status.terminal:
            raise conflict(f"Job is not in a terminal state ({_spelled(job)}); cancel it before deleting it")
        self._state.jobs.remove(job.id)

    def resume(self) -> None:
        """Go on with every job that a restart interrupted."""
        for job in self._state.jobs.oldest():
            if not job.status.terminal:
                self._start(job)

    def stop(self) -> None:
        """Stop all jobs where they are."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def close(self) -> None:
        """Stop all jobs, and the threads when what they do is done."""
        tasks = list(self._tasks.values())
        self.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, job: Job) -> None:
        task = asyncio.get_running_loop().create_task(self._live(job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.id, None))

    async def _live(self, job: Job) -> None:
        if self._faults.strikes("stuck_job"):
            return
        await self._think(0.25)
        job = self._move(job, Status.RUNNING)
        await self._think(0.75)
        try:
            done = await self._done(job)
        except Unreadable as error:
            self._move(job, Status.FAILED, error_message=str(error))
        except FileNotFoundError:
            self._move(job, Status.FAILED, error_message=GONE)
        except Exception:
            log.exception("the judge failed on job %s", job.id)
            self._move(job, Status.FAILED, error_message="Internal error while processing the document")
        else:
            await self._complete(job, done)

    async def _done(self, job: Job) -> Done:
        failed = self._faults.strikes("failed_job")
        if failed:
            raise Unreadable(failed.message)
        file = self._state.files.get(job.file_id)
        if file is None:
            raise FileNotFoundError(job.file_id)
        path = self._state.path(file.id)
        if self._faults.strikes("expired_file"):
            path.unlink(missing_ok=True)
        if not path.exists():
            raise FileNotFoundError(file.id)
        known = self._work.remembered(job, file)
        if known is not None:  # spares the way to another thread
            return known
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._work.do, job, file, path)

    async def _complete(self, job: Job, done: Done) -> None:
        early = self._faults.strikes("early_event")
        if early:
            self._sender.announce(job, "success")
            await asyncio.sleep(early.seconds)
        billed = self._limits.bill(job.product, done.pages, job.project_id) if job.input_type == "file_id" else 0.0
        parse_credits = billed if job.input_type == "file_id" else None
        parse_job = self._state.parse_jobs.get(job.parse_job_id or "")
        if parse_job is not None:
            self._state.parse_jobs.put(replace(parse_job, completed=True))
        changes = {"result": done.result, "credits": billed, "parse_credits": parse_credits}
        self._move(job, Status.COMPLETED, announce=early is None, **changes)

    def _move(self, job: Job, status: Status, *, announce: bool = True, **changes: Any) -> Job:
        moved = self._state.jobs.put(replace(job, status=status, updated_at=self._clock(), **changes))
        if announce:
            self._sender.announce(moved, happening(moved))
        if status.terminal and moved.group is not None:
            self._tell_group(moved.group)
        return moved

    def _tell_group(self, group_id: str) -> None:
        """Announces a job of classify v1 when the last of its files has ended."""
        group = self._state.classifier_jobs.get(group_id)
        if group is None:
            return
        said = group_status([part for each in group.parts if (part := self._state.jobs.get(each))])
        if said != "PENDING":
            self._sender.announce(group, said.lower())

    async def _think(self, share: float) -> None:
        if self._options.think_seconds:
            await asyncio.sleep(self._options.think_seconds * share)


def _spelled(job: Job) -> str:
    return job.status.value if job.product == "classify" else job.status.value.lower()
