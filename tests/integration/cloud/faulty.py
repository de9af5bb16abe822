"""A server that fails on demand, a client of it, and one call of each kind."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from receiver.cloud.client import LlamaCloud
from receiver.core.job import JobKind
from tests.integration.cloud.pdf_fixtures import an_order, content
from tests.integration.cloud.scripted import Answer, Scripted

KEY = "llx-0123456789abcdef"
NOW = 1_800_000_000.0
JOB = Answer(200, {"id": "cls-1", "status": "PENDING"})
FILE = Answer(201, {"id": "dfl-1", "name": "letter.pdf", "external_file_id": "doc_a"})


class Naps:
    """A sleep that only remembers how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Faulty:
    """A server with a script, and clients of it."""

    def __init__(self, url: str, server: Scripted) -> None:
        self.url = url
        self.server = server

    @asynccontextmanager
    async def client(
        self, *script: Answer, otherwise: Answer | None = None, prefix: str = "", **options: Any
    ) -> AsyncIterator[tuple[LlamaCloud, Scripted, Naps]]:
        """A client whose calls are answered by this script; the waits between its tries take no time."""
        self.server.play(*script, otherwise=otherwise)
        naps = Naps()
        plain = httpx.AsyncHTTPTransport(verify=False)
        cloud = LlamaCloud(self.url + prefix, KEY, sleep=naps, clock=lambda: NOW, transport=plain, **options)
        try:
            yield cloud, self.server, naps
        finally:
            await cloud.close()


Deed = Callable[[LlamaCloud], Awaitable[Any]]


async def an_upload(cloud: LlamaCloud) -> Any:
    return await cloud.upload(content(b"%PDF-"), name="letter.pdf", external_id="doc_a", purpose="classify")


async def a_creation(cloud: LlamaCloud) -> Any:
    return await cloud.create(an_order("dfl-1"))


async def a_look(cloud: LlamaCloud) -> Any:
    return await cloud.job(JobKind.CLASSIFY, "cls-1")


async def a_download(cloud: LlamaCloud) -> Any:
    return b"".join([chunk async for chunk in cloud.read_file("dfl-1")])


async def a_listing(cloud: LlamaCloud) -> Any:
    return [job async for job in cloud.jobs(JobKind.SPLIT, since=0, until=1)]


DEEDS: dict[str, Deed] = {
    "upload": an_upload,
    "create": a_creation,
    "job": a_look,
    "read": a_download,
    "list": a_listing,
    "find": lambda cloud: cloud.find_file("doc_a", sha256="0"),
    "file": lambda cloud: cloud.file("dfl-1"),
    "cancel": lambda cloud: cloud.cancel(JobKind.CLASSIFY, "cls-1"),
    "check_key": lambda cloud: cloud.check_key(),
    "webhooks": lambda cloud: cloud.webhook_configs.list(),
}
