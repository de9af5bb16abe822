"""The operator's commands that change documents, on a server elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from receiver.cli.document_list import search_of
from receiver.cli.operations import Shown
from receiver.cli.remote_operations import RemoteOperations, moment_given
from receiver.cli.server import needs_store
from receiver.core.copy_check import CheckedCopy, CopyKind, CopyState, DocumentCheck
from receiver.core.document import DocumentState
from receiver.core.errors import Conflict, MailroomError, Malformed, NotAllowed, NotFound
from receiver.core.pages import spans
from receiver.core.quantity import quantity
from receiver.core.search import Search
from receiver.operations.bulk_correction import MOST_AT_ONCE, DocumentSelection
from receiver.operations.manual_routing import RoutingDecision
from receiver.operations.mend_each import in_full
from receiver.operations.replay import ReplayFilter
from receiver.packets.correct import CutRequest

AT_ONCE = 200
"""Documents of one request: the API takes no more."""
POLL_SECONDS = 0.5


class RemoteMending(RemoteOperations):
    """Over the API of one server."""

    async def found_ids(self, asked: Search) -> list[str]:
        page = await self.search(asked, limit=MOST_AT_ONCE, cursor=None)
        if page["looked_back_to"] is not None or page["not_indexed"]:
            raise Malformed("the search cannot look at all documents: add a date (since:), a state or a type")
        if page["cursor"]:
            raise Malformed(f"more than {MOST_AT_ONCE:,} documents match: give a smaller selection")
        return [item["document_id"] for item in page["documents"]]

    async def caused(self, key: str) -> list[str]:
        found = (await self._server.get("alerts", key))["documents"]
        ids = [item["document_id"] for item in found if item["document_id"] and item["ended_at"] is None]
        return list(dict.fromkeys(ids))

    async def failed_since(self, since: float) -> list[str]:
        raise needs_store("mailroom resubmit --failed-since")

    async def refuse_decision(self, decision: RoutingDecision) -> None:
        """The server refuses it with the first document, before anything is written."""

    async def correct(self, ids: Sequence[str], decision: RoutingDecision, *, dry_run: bool) -> list[Shown]:
        body = {"to": decision.to or None, "type": decision.type or None, "undo": decision.undo or None}
        given = body | {"why": decision.why, "who": decision.who}
        return await self._each("correct", ids, preview=_flag(dry_run), **given)

    async def route(self, document_id: str, decision: RoutingDecision) -> Shown:
        body = {"to": decision.to or None, "type": decision.type or None, "why": decision.why, "who": decision.who}
        return await self._server.post("documents", document_id, "route", body=body)

    async def foreseen_resubmission(self, ids: Sequence[str]) -> Shown:
        return await self._server.post("documents", "resubmit", body={"ids": _at_once(ids)}, preview="true")

    async def resubmit(self, ids: Sequence[str], *, who: str) -> list[Shown]:
        return await self._each("resubmit", ids, who=who)

    async def foreseen_reclassification(self, ids: Sequence[str], *, also_decided: bool) -> Shown:
        body = {"ids": _at_once(ids), "also_decided": also_decided}
        return await self._server.post("documents", "reclassify", body=body, preview="true")

    async def reclassify(self, ids: Sequence[str], *, who: str, also_decided: bool) -> list[Shown]:
        return await self._each("reclassify", ids, who=who, also_decided=also_decided)

    async def dismiss(self, ids: Sequence[str], note: str, *, who: str) -> list[Shown]:
        return await self._each("dismiss", ids, note=note, who=who)

    async def price_of_new_bytes(self, document_id: str, file: Path | None) -> str:
        if file is not None:
            return ""  # the pages of a new file are counted where it is stored
        return str((await self._server.post("documents", document_id, "resubmit", preview="true"))["price"])

    async def unlock(self, document_id: str, password: str, *, who: str) -> Shown:
        body = {"password": password, "who": who}
        return _done(await self._server.post("documents", document_id, "unlock", body=body))

    async def replace(self, document_id: str, file: Path, *, who: str) -> Shown:
        return _done(await self._server.send("documents", document_id, "file", file=file, who=who))

    async def recut(self, document_id: str, request: CutRequest) -> Shown:
        pieces = [
            {"pages": spans(item.pages), **({"type": item.category} if item.category else {})}
            for item in request.pieces
        ]
        body = {"pieces": pieces or None, "merge": spans(request.merge) if request.merge else None, "who": request.who}
        return await self._server.post("documents", document_id, "pieces", body=body)

    async def replay(self, choice: ReplayFilter, *, dry_run: bool) -> Shown:
        body = {
            "ids": list(choice.ids) or None, "parked": choice.parked or None, "cause": choice.cause or None,
            "since": moment_given(choice.since), "until": moment_given(choice.until), "type": choice.type,
            "destination": choice.destination, "table": choice.table, "reroute": choice.reroute or None,
        }  # fmt: skip
        return await self._server.post("replay", body=body, preview=_flag(dry_run))

    async def selected(self, selection: DocumentSelection) -> AsyncIterator[str]:
        asked, cursor = search_of("", state=selection.state, type=selection.type, since=selection.since), None
        while True:
            page = await self._server.get("documents", q=str(asked), limit=500, cursor=cursor)
            if page["not_indexed"]:
                raise Malformed("the server's search index is being built: wait until it is done")
            for item in page["documents"]:
                yield item["document_id"]
            if (cursor := page["cursor"]) is None:
                return

    async def verify_each(self, ids: AsyncIterator[str], found: Callable[[DocumentCheck], None]) -> None:
        async for document_id in ids:
            found(_check_of(await self._server.post("documents", document_id, "verify")))

    async def restore(self, check: DocumentCheck, *, who: str) -> str:
        body = {"restore": True, "who": who}
        try:
            done = await self._server.post("documents", check.document_id, "verify", body=body)
        except (NotAllowed, NotFound, Conflict) as error:
            return f"not restored: {error}"
        return f"it is delivered again to {quantity(done['restored'], 'place')}" if done["restored"] else ""

    async def pause(self, what: str, *, resume: bool) -> None:
        await self._server.post("pauses", body={"what": what, "resume": resume})

    async def acknowledge(self, key: str, *, who: str) -> Shown:
        return await self._server.post("alerts", key, "ack", body={"who": who})

    async def silence(self, key: str, seconds: float, why: str, *, who: str) -> Shown:
        return await self._server.post("alerts", key, "silence", body={"seconds": seconds, "why": why, "who": who})

    async def settled(self, ids: Sequence[str]) -> list[Shown]:
        found = list[Shown]()
        for document_id in ids:
            item = await self.document(document_id)
            while item["state"] == DocumentState.OPEN:
                await asyncio.sleep(POLL_SECONDS)
                item = await self.document(document_id)
            found.append(item)
        return found

    async def _each(self, action: str, ids: Sequence[str], *, preview: str | None = None, **body: Any) -> list[Shown]:
        """The results of a bulk request, some documents at a time.

        If a later one is not answered, the results of those before are returned all the same, and what is known of
        the others: ``done`` is None where it may be done.
        """
        found = list[Shown]()
        for first in range(0, len(ids), AT_ONCE):
            some, later = ids[first : first + AT_ONCE], ids[first + AT_ONCE :]
            try:
                answer = await self._server.post("documents", action, body={"ids": [*some], **body}, preview=preview)
            except MailroomError as error:
                if not first:
                    raise
                found += [_unanswered(item, None, f"no answer, so it may be done: {in_full(error)}") for item in some]
                return found + [_unanswered(item, False, "nothing was asked after that") for item in later]
            found += answer["documents"]
        return found


def _unanswered(document_id: str, done: bool | None, why: str) -> Shown:
    return {"document_id": document_id, "name": None, "state": None, "done": done, "why": why}


def _at_once(ids: Sequence[str]) -> list[str]:
    if len(ids) > AT_ONCE:
        raise Malformed(f"a server prices at most {AT_ONCE} documents at once: give a smaller selection")
    return list(ids)


def _flag(value: bool) -> str | None:
    return "true" if value else None


def _done(document: Shown) -> Shown:
    """The result that a bulk request has for one document."""
    return {key: document[key] for key in ("document_id", "name", "state")} | {"done": True, "why": None}


def _check_of(shown: Shown) -> DocumentCheck:
    """What ``show.check`` was made of."""
    copies = [
        CheckedCopy(
            place=item["place"],
            kind=CopyKind(item["kind"]),
            state=CopyState(item["state"]),
            expected=item["expected_sha256"] or "",
            found=item["found_sha256"] or "",
            why=item["why"] or "",
            fix=item["fix"] or "",
            superseded=item["superseded"],
        )
        for item in shown["places"]
    ]
    at = datetime.fromisoformat(shown["at"]).timestamp()
    return DocumentCheck(document_id=shown["document_id"], name=shown["name"], at=at, copies=tuple(copies))
