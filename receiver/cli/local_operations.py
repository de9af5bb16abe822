"""The operator's commands on the store of this machine."""

import os
import time

from receiver import show
from receiver.alerting.incident_report import incident_report
from receiver.cli.operations import Shown
from receiver.cli.suggestions import types_of_the_table
from receiver.config import load
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import MailroomError
from receiver.core.event import Event
from receiver.core.incident import Incident
from receiver.core.routing_choice import choices
from receiver.core.search import Search
from receiver.core.task import Task, TaskState
from receiver.operations.calibrate import calibrate
from receiver.operations.document_report import document_report
from receiver.operations.document_search import documents_called, search_documents
from receiver.operations.event_report import event_report
from receiver.operations.recount import Recount, recount
from receiver.operations.replay_task import task_of
from receiver.pipeline.records import find_records
from receiver.ports import Store
from receiver.read_settings import from_environ
from receiver.secrets import RevealedEnviron

PAGE = 500


class LocalOperations:
    """Over the store alone: reading needs no key, no secret and, but for calibration, no table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def search(self, asked: Search, *, limit: int, cursor: str | None) -> Shown:
        types = types_of_the_table()
        page = await search_documents(asked, self._store, types=types, limit=min(limit, PAGE), cursor=cursor)
        found = list(page.records)
        while page.cursor and page.back_to is None and len(found) < limit:
            size = min(limit - len(found), PAGE)
            more = await search_documents(asked, self._store, types=types, limit=size, cursor=page.cursor)
            found += more.records
            looked = page.looked_at + more.looked_at
            page = page._replace(cursor=more.cursor, back_to=more.back_to, looked_at=looked)
        return {"documents": [show.document(item) for item in show.in_page_order(found)], **show.search_page(page)}

    async def called(self, word: str) -> list[Shown]:
        return [show.document(item) for item in await documents_called(word, self._store)]

    async def document(self, document_id: str) -> Shown:
        return (await document_report(document_id, self._store)).shown()

    async def overdue(self, *, since: float | None, limit: int) -> list[Shown]:
        query = Query(by="overdue", since=since, until=time.time())
        found = await find_records(self._store, Document, query, limit=limit)
        return [show.document(item) for item in show.in_page_order(found)]

    async def events(self, *, job: str | None, since: float | None, limit: int) -> list[Shown]:
        query = Query(by="job" if job else "all", key=job, since=since, newest_first=True)
        return [show.event(item) for item in await find_records(self._store, Event, query, limit=limit)]

    async def event(self, word: str) -> Shown:
        return (await event_report(word, self._store)).shown()

    async def tasks(self, *, state: str | None, subject: str | None, since: float | None, limit: int) -> list[Shown]:
        if state == TaskState.DONE:  # nearly all tasks are done, so there is no index of them
            done = Query(since=since, newest_first=True)
            found = await find_records(self._store, Task, done, limit=limit, fits=lambda task: task.state == state)
        else:
            by, key = ("subject", subject) if subject else ("state", state) if state else ("all", None)
            query = Query(by=by, key=key, since=since, newest_first=True)
            found = await find_records(self._store, Task, query, limit=limit)
        return [show.task(item) for item in found]

    async def task(self, task_id: str) -> Shown:
        return show.task_whole(await task_of(task_id, self._store))

    async def balance(self, *, limit: int, recount: bool) -> Shown:
        totals = await self._store.tally()
        return {
            "balance": show.balance(totals),
            "balanced": totals.balanced,
            "overdue": await self.overdue(since=None, limit=limit),
            **({"recount": await _recounted(self._store)} if recount else {}),
        }

    async def calibration(self, *, since: float | None, target: float) -> Shown:
        table = load(from_environ().config, RevealedEnviron(os.environ)).table
        return show.calibration(await calibrate(table, self._store, target=target, since=since))

    async def incidents(self, *, everything: bool, limit: int | None) -> list[Shown]:
        query = Query(newest_first=True) if everything else Query(by="standing")
        most = limit if limit is not None else 10**9
        return [show.incident(item) for item in await find_records(self._store, Incident, query, limit=most)]

    async def incident(self, key: str, *, limit: int) -> Shown:
        try:
            channels = [rule.to for rule in load(from_environ().config, RevealedEnviron(os.environ)).alerts]
        except MailroomError:  # incidents can be shown without the rules
            channels = []
        return (await incident_report(key, channels, self._store, limit=limit)).shown()

    async def route_names(self) -> list[str]:
        return list(choices(load(from_environ().config, RevealedEnviron(os.environ)).table))


async def _recounted(store: Store) -> Shown:
    counted: Recount = await recount(store)
    differences = {name: {"totals": says, "records": there} for name, (says, there) in counted.differences.items()}
    odd = [
        {"document_id": item.id, "name": item.name, "state": item.state, "follows": item.settle().state}
        for item in counted.odd
    ]
    return {
        "differences": differences, "odd": odd, "odd_count": counted.odd_count, "changed": counted.changed,
        "clean": counted.clean,
    }  # fmt: skip
