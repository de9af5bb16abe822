"""The operator's commands on a server elsewhere, through its API."""

from datetime import UTC, datetime
from typing import Any

from receiver.cli.operations import Shown
from receiver.cli.server import Server, needs_store
from receiver.core.search import Search

PAGE = 500
"""Records of one request; the API answers no more."""
OVERDUE = 100
"""Overdue documents that the API lists."""


class RemoteOperations:
    """Over the API of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def search(self, asked: Search, *, limit: int, cursor: str | None) -> Shown:
        page = await self._server.get("documents", q=str(asked), limit=min(limit, PAGE), cursor=cursor)
        found = list(page["documents"])
        while page["cursor"] and page["looked_back_to"] is None and len(found) < limit:
            size = min(limit - len(found), PAGE)
            more = await self._server.get("documents", q=str(asked), limit=size, cursor=page["cursor"])
            found += more["documents"]
            looked = page["looked_at"] + more["looked_at"]
            page |= {"cursor": more["cursor"], "looked_back_to": more["looked_back_to"], "looked_at": looked}
        return page | {"documents": found}

    async def called(self, word: str) -> list[Shown]:
        return list((await self._server.get("documents", called=word))["documents"])

    async def document(self, document_id: str) -> Shown:
        return await self._server.get("documents", document_id)

    async def overdue(self, *, since: float | None, limit: int) -> list[Shown]:
        found = (await self._server.get("overview"))["overdue"]
        first = moment_given(since) or ""
        return [item for item in found if item["taken_in_at"] >= first][:limit]

    async def events(self, *, job: str | None, since: float | None, limit: int) -> list[Shown]:
        return await self._listed("events", limit, job=job, since=moment_given(since))

    async def event(self, word: str) -> Shown:
        return await self._server.get("events", word)

    async def tasks(self, *, state: str | None, subject: str | None, since: float | None, limit: int) -> list[Shown]:
        return await self._listed("tasks", limit, state=state, subject=subject, since=moment_given(since))

    async def task(self, task_id: str) -> Shown:
        return await self._server.get("tasks", task_id)

    async def balance(self, *, limit: int, recount: bool) -> Shown:
        if recount:
            raise needs_store("mailroom balance --recount")
        found = await self._server.get("overview")
        return {key: found[key] for key in ("balance", "balanced")} | {"overdue": found["overdue"][:limit]}

    async def calibration(self, *, since: float | None, target: float) -> Shown:
        return await self._server.get("calibration", since=moment_given(since), target=target)

    async def incidents(self, *, everything: bool, limit: int | None) -> list[Shown]:
        return await self._listed("alerts", limit, all="true" if everything else None)

    async def incident(self, key: str, *, limit: int) -> Shown:
        found = await self._server.get("alerts", key)
        return found | {"documents": found["documents"][:limit]}

    async def route_names(self) -> list[str]:
        return list((await self._server.get("overview"))["routes"])

    async def _listed(self, name: str, limit: int | None, **query: Any) -> list[Shown]:
        """The first records of a listing, page by page."""
        found, cursor = list[Shown](), None
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(limit - len(found), PAGE)
            page = await self._server.get(name, limit=size, cursor=cursor, **query)
            found += page[name]
            if (cursor := page["cursor"]) is None:
                break
        return found


def moment_given(at: float | None) -> str | None:
    """A moment as the API takes it."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
