"""The LlamaCloud client of the pipeline (ports.Cloud), over plain HTTP.

Source of paths and fields: reference 1.1 (files), 1.2 (classify), 1.4 (split), 1.9 (projects).
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx

from receiver.cloud import order as orders
from receiver.cloud import wire
from receiver.cloud.access import base_address
from receiver.cloud.ask import ask_one, ask_pages
from receiver.cloud.multipart import Multipart
from receiver.cloud.pacing import JOB_RATE, REQUEST_RATE, UPLOAD_RATE, Pace, RequestRate
from receiver.cloud.parse_jobs import as_file, link_in, parse_job_call
from receiver.cloud.project import ProjectScope
from receiver.cloud.refusal import About, Refusal
from receiver.cloud.shared_budget import SharedBudget
from receiver.cloud.transport import Call, Timeouts, Transport
from receiver.cloud.webhook_configs import WebhookConfigs
from receiver.core.delivery_request import Content
from receiver.core.errors import CloudBusy, CloudRefused, FileGone, JobGone
from receiver.core.ids import may_be_id
from receiver.core.job import JobKind, JobReport, JobRequest, JobStatus
from receiver.core.vendor_input import is_parse_job
from receiver.ports import Clock, Cloud, CloudFile

FILES = "/api/v1/beta/files"
CANDIDATES = 3
"""Maximum files with one of our ids whose bytes are compared. Usually there is one."""
PAGE_SIZE = 100
"""Jobs in a page: the maximum that the lists return (reference 1.2)."""
CHUNK_BYTES = 1024 * 1024
FILE_BYTES = 512 * 1024 * 1024
"""Bytes of the largest file that LlamaCloud accepts, and so returns."""


class LlamaCloud:
    """A client for one project, which the tasks of one loop can share. ``webhook_configs`` has the saved webhooks.

    With a ``budget``, the rate limits apply to all processes together.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        scope: ProjectScope = ProjectScope(),  # noqa: B008  frozen
        *,
        patience: Timeouts = Timeouts(),  # noqa: B008  frozen
        job_rate: RequestRate = JOB_RATE,
        upload_rate: RequestRate = UPLOAD_RATE,
        request_rate: RequestRate = REQUEST_RATE,
        budget: SharedBudget | None = None,
        clock: Clock = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._budget = budget
        shared = budget.shared if budget else (lambda pace: pace)
        self._job_pace, self._upload_pace = shared(Pace(job_rate)), shared(Pace(upload_rate))
        self._transport = Transport(
            base_url,
            api_key,
            pace=shared(Pace(request_rate)) if request_rate.limit else None,
            scope=scope,
            patience=patience,
            clock=clock,
            sleep=sleep,
            transport=transport,
        )
        self._scope = scope
        self._clock = clock
        self.webhook_configs = WebhookConfigs(self._transport)

    @property
    def clock_ahead(self) -> float | None:
        return self._transport.clock_ahead

    async def find_file(self, external_id: str, *, sha256: str, known: str = "") -> CloudFile | None:
        """The file with these bytes that was uploaded under our id before, if any; of several, the last to expire.

        Anybody in the project can give a file our id, and LlamaCloud
        returns no checksum (reference 1.1). Every file but the ``known`` one is therefore downloaded and compared, at
        most CANDIDATES of them. Without a ``sha256`` none is accepted.
        """
        call = Call(method="GET", path=FILES, about=About.ACCOUNT, params={"external_file_id": external_id})
        now = self._clock()
        pages = ask_pages(self._transport, wire.Listed[wire.FilePayload], call)
        listed = [file.record() async for file in pages if not self._scope.excludes(file.project_id)]
        found = [file for file in listed if file.external_id == external_id and _lasts_until(file) > now]
        found.sort(key=lambda file: (file.id == known, _lasts_until(file)), reverse=True)
        for file in found[:CANDIDATES]:
            if file.id == known or await self._holds(file, sha256):
                return file
        return None

    async def _holds(self, file: CloudFile, sha256: str) -> bool:
        """Whether the file has these bytes. If unreadable, it counts as different: a second upload costs nothing."""
        if not sha256:
            return False
        read = hashlib.sha256()
        try:
            async for chunk in self.read_file(file.id):
                read.update(chunk)
        except (FileGone, CloudBusy, CloudRefused):
            return False
        return read.hexdigest() == sha256

    async def upload(self, content: Content, *, name: str, external_id: str, purpose: str) -> CloudFile:
        """The file, uploaded in chunks. A retry first checks whether the previous attempt arrived after all."""
        form = Multipart({"purpose": purpose, "external_file_id": external_id}, name=name, content=content)
        call = Call(method="POST", path=FILES, about=About.UPLOAD, form=form, pace=self._upload_pace)
        tries = 0

        async def once() -> CloudFile:
            nonlocal tries
            tries += 1
            if tries > 1 and (arrived := await self.find_file(external_id, sha256=content.sha256)):
                return arrived
            made = wire.read_payload(wire.FilePayload, await self._transport.attempt(call), asked=call.asked)
            self._scope.refuse_other(made.project_id, f"file {made.id}")
            return made.record()

        return await self._transport.insist(call, once)

    async def file(self, file_id: str) -> CloudFile:
        """What LlamaCloud knows about the file, or about the parse job that is used as one.

        Raises FileGone; for a parse job also CloudBusy while it runs, and DocumentRefused if it failed.
        """
        if is_parse_job(file_id):
            return as_file(await self._parse_job(file_id), file_id)
        call = Call(method="GET", path=_file_path(file_id), about=About.FILE)
        found = await ask_one(self._transport, wire.FilePayload, call)
        if self._scope.excludes(found.project_id):
            raise FileGone(f"file {found.id} is in another LlamaCloud project ({found.project_id})")
        return found.record()

    async def read_file(self, file_id: str) -> AsyncIterator[bytes]:
        """The file's bytes in chunks, through a new presigned link, to which our key is not sent. A parse job gives
        the PDF of its source.

        Raises FileGone, or CloudBusy if the stream is cut off; the caller then starts again from the first byte.
        """
        call = Call(method="GET", path=f"{_file_path(file_id)}/content", about=About.FILE)
        if is_parse_job(file_id):
            call = parse_job_call(file_id, pdf=True)
        response = await self._transport.insist(call, lambda: self._open_file(call, file_id))
        try:
            read = 0
            async for chunk in response.aiter_bytes(CHUNK_BYTES):
                read += len(chunk)
                if read > FILE_BYTES:
                    raise CloudBusy(f"LlamaCloud returned more than {FILE_BYTES >> 20} MB for {call.path}")
                yield chunk
        except httpx.HTTPError as failure:
            raise self._transport.unanswered(failure, f"GET {call.path}") from failure
        finally:
            await response.aclose()

    async def _parse_job(self, job_id: str) -> wire.ParseJobPayload:
        _file_path(job_id)
        try:
            found = await ask_one(self._transport, wire.ParseJobPayload, parse_job_call(job_id))
        except FileGone as gone:
            raise FileGone(f"LlamaCloud does not know parse job {job_id}: {gone}") from gone
        if self._scope.excludes(found.job.project_id):
            raise FileGone(f"parse job {job_id} is in another LlamaCloud project ({found.job.project_id})")
        return found

    async def _open_file(self, call: Call, file_id: str) -> httpx.Response:
        body = await self._transport.attempt(call)
        if is_parse_job(file_id):
            link = link_in(wire.read_payload(wire.ParseJobPayload, body, asked=call.asked), file_id)
        else:
            link = wire.read_payload(wire.PresignedUrl, body, asked=call.asked).url
        url = base_address(link, self._transport.base_url)
        if url is None:
            raise CloudBusy(f"LlamaCloud returned an invalid link for {call.path}")
        try:
            return await self._transport.download(url)
        except Refusal as failure:
            if failure.response.status_code in {401, 403}:  # the link is refused, not our key
                raise CloudBusy(f"the presigned link for {call.path} was refused: it may have expired") from failure
            raise

    async def create(self, order: JobRequest) -> JobReport:
        """The new job, or the one that was created with this ``transaction_id`` before.

        That id makes a repetition harmless. Split's beta path has no such id, so a request to it that may have been
        accepted is not repeated here.
        """
        call = Call(
            method="POST",
            path=orders.job_path(order.kind, beta=order.beta),
            about=About.ORDER,
            json=orders.job_body(order),
            pace=self._job_pace,
            repeatable=not order.beta,
            hide=orders.secrets(order.registration),
        )
        made = await ask_one(self._transport, wire.JobPayload, call)
        self._scope.refuse_other(made.project_id, f"job {made.id}")
        return made.report(order.kind)

    async def job(self, kind: JobKind, job_id: str, *, beta: bool = False) -> JobReport:
        """The current state of the job, with its result. Raises JobGone, also for a job of another project."""
        params = {"expand": "usage"} if kind is JobKind.CLASSIFY else {}
        call = Call(method="GET", path=_job_path(kind, job_id, beta=beta), about=About.JOB, params=params)
        found = await ask_one(self._transport, wire.JobPayload, call)
        if self._scope.excludes(found.project_id):
            raise JobGone(f"job {found.id} is in another LlamaCloud project ({found.project_id})")
        return found.report(kind)

    async def jobs(
        self,
        kind: JobKind,
        *,
        since: float | None = None,
        until: float | None = None,
        ids: Sequence[str] = (),
        status: str | None = None,
        beta: bool = False,
    ) -> AsyncIterator[JobReport]:
        """All jobs created in this period (both ends included), or with these ids (100 at most), read page by page;
        ``status`` is a JobStatus.
        """
        params: dict[str, Any] = {
            "page_size": PAGE_SIZE,
            "created_at_on_or_after": None if since is None else wire.iso(since),
            "created_at_on_or_before": None if until is None else wire.iso(until),
            "job_ids": [item for item in ids if may_be_id(item)],
        }
        params = {name: value for name, value in params.items() if value}
        if status is not None:
            params["status"] = orders.status_word(kind, JobStatus(status))
        call = Call(method="GET", path=orders.job_path(kind, beta=beta), about=About.ACCOUNT, params=params)
        async for job in ask_pages(self._transport, wire.Listed[wire.JobPayload], call):
            if not self._scope.excludes(job.project_id):
                yield job.report(kind)

    async def cancel(self, kind: JobKind, job_id: str) -> JobReport:
        """The job after LlamaCloud was asked to cancel it. A split job stops later, and a final job stays as it is."""
        at = _job_path(kind, job_id)
        call = Call(method="POST", path=f"{at}/cancel", about=About.JOB)

        async def once() -> bytes:
            try:
                return await self._transport.attempt(call)
            except Refusal as failure:
                if failure.response.status_code not in {400, 409}:  # both mean that the job is final
                    raise
                return await self._transport.attempt(Call(method="GET", path=at, about=About.JOB))

        body = await self._transport.insist(call, once)
        return wire.read_payload(wire.JobPayload, body, asked=call.asked).report(kind)

    async def check_key(self) -> tuple[wire.ProjectPayload, ...]:
        """The projects that calls go to: ours, or without ``LLAMA_CLOUD_PROJECT_ID`` those that the key can access.

        This is the cheapest call that proves key, base URL and project. Raises KeyRefused, and SettingsRefused for a
        project or an organization that the key cannot access.
        """
        call = Call(method="GET", path="/api/v1/projects", about=About.ACCOUNT, organization_only=True)
        opened = (await ask_one(self._transport, wire.Bare[wire.ProjectPayload], call)).root
        return self._scope.chosen(opened)

    def renew(self, api_key: str) -> None:
        """Uses this key from now on. Raises Misconfigured for an unusable one; the old one stays in use."""
        self._transport.renew(api_key)

    async def close(self) -> None:
        """Closes the connections, and returns the share of the budget."""
        await self._transport.close()
        if self._budget is not None:
            await self._budget.leave()


def _lasts_until(file: CloudFile) -> float:
    return float("inf") if file.expires_at is None else file.expires_at


def _file_path(file_id: str) -> str:
    """The path of a file. Raises FileGone if this cannot be an id."""
    if not may_be_id(file_id):
        raise FileGone(f"{file_id!r} is not a valid file id")
    return f"{FILES}/{file_id}"


def _job_path(kind: JobKind, job_id: str, *, beta: bool = False) -> str:
    """The path of a job. Raises JobGone if this cannot be an id: ids come from events, too."""
    if not may_be_id(job_id):
        raise JobGone(f"{job_id!r} is not a valid job id")
    return f"{orders.job_path(kind, beta=beta)}/{job_id}"


_: type[Cloud] = LlamaCloud
