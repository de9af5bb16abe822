"""The operator's commands that change documents, with the application of this machine."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import click

from receiver import show
from receiver.alerting.incidents import acknowledge, documents_of, silence
from receiver.bootstrap import App
from receiver.cli.local_operations import LocalOperations
from receiver.cli.operations import Shown
from receiver.cli.submit import settled_by_us
from receiver.cli.suggestions import did_you_mean, refuse_unknown_type
from receiver.cli.user import user_name
from receiver.core.copy_check import DocumentCheck
from receiver.core.document import Document
from receiver.core.errors import Conflict, NotAllowed, NotFound
from receiver.core.price import price_of
from receiver.core.quantity import quantity
from receiver.core.routing_choice import choices
from receiver.core.search import Search
from receiver.operations.bulk_correction import MOST_AT_ONCE, DocumentSelection, correct_each, documents_selected
from receiver.operations.bulk_replay import replay_all
from receiver.operations.failed_documents import (
    Skipped,
    failed_since,
    refuse_new_bytes,
    replace_bytes,
    replacement,
    unlock,
)
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.mend_each import (
    MendingResult,
    dismiss_each,
    foreseen_reclassification,
    foreseen_resubmission,
    ids_found,
    reclassify_each,
    resubmit_each,
)
from receiver.operations.replay import ReplayFilter
from receiver.operations.restore_copies import restore_missing
from receiver.operations.verify_copies import verify_each
from receiver.packets.correct import CutRequest, recut
from receiver.pipeline.gather_facts import pages_if_countable
from receiver.pipeline.pause import FOR_EVER, pausable, pause
from receiver.pipeline.records import document_named


class LocalMending(LocalOperations):
    """Over the whole application: what is written needs its table, destinations and key."""

    def __init__(self, app: App) -> None:
        super().__init__(app.context.store)
        self._app, self._context = app, app.context

    async def found_ids(self, asked: Search) -> list[str]:
        return await ids_found(asked, self._context, most=MOST_AT_ONCE)

    async def caused(self, key: str) -> list[str]:
        return [item.id async for item in documents_of(key, self._store)]

    async def failed_since(self, since: float) -> list[str]:
        return [item.id async for item in failed_since(since, self._context)]

    async def refuse_decision(self, decision: RoutingDecision) -> None:
        routing = self._context.config.table
        if decision.type and not routing.takes(decision.type):
            known = sorted(routing.types)
            meant = did_you_mean(decision.type, known) or f" Known: {', '.join(known)}."
            raise click.BadParameter(f"no route takes type {decision.type!r}.{meant}", param_hint="'--type'")
        if decision.to and decision.to not in (named := list(choices(routing))):
            meant = did_you_mean(decision.to, named) or f" Known: {', '.join(named)}."
            raise click.BadParameter(f"there is no route {decision.to!r}.{meant}", param_hint="'--to'")

    async def correct(self, ids: Sequence[str], decision: RoutingDecision, *, dry_run: bool) -> list[Shown]:
        return [item.shown() async for item in correct_each(ids, decision, self._context, dry_run=dry_run)]

    async def route(self, document_id: str, decision: RoutingDecision) -> Shown:
        return show.document_whole(await route_by_hand(document_id, decision, self._context))

    async def foreseen_resubmission(self, ids: Sequence[str]) -> Shown:
        return (await foreseen_resubmission(ids, self._context)).shown()

    async def resubmit(self, ids: Sequence[str], *, who: str) -> list[Shown]:
        return [item.shown() async for item in resubmit_each(ids, self._context, who=who)]

    async def foreseen_reclassification(self, ids: Sequence[str], *, also_decided: bool) -> Shown:
        return (await foreseen_reclassification(ids, self._context, also_decided=also_decided)).shown()

    async def reclassify(self, ids: Sequence[str], *, who: str, also_decided: bool) -> list[Shown]:
        found = reclassify_each(ids, self._context, who=who, also_decided=also_decided)
        return [item.shown() async for item in found]

    async def dismiss(self, ids: Sequence[str], note: str, *, who: str) -> list[Shown]:
        return [item.shown() async for item in dismiss_each(ids, note, self._context, who=who)]

    async def price_of_new_bytes(self, document_id: str, file: Path | None) -> str:
        if file is None:
            document = await document_named(document_id, self._store)
            refuse_new_bytes(document)
        else:
            document = await replacement(document_id, file, self._context)
            pages = await pages_if_countable(document, file, self._context)
            document = dataclasses.replace(document, page_count=pages)
        return str(price_of([dataclasses.replace(document, content="")]))  # also those of a parse job are uploaded

    async def unlock(self, document_id: str, password: str, *, who: str) -> Shown:
        return _result(await unlock(document_id, password, self._context, who=who))

    async def replace(self, document_id: str, file: Path, *, who: str) -> Shown:
        return _result(await replace_bytes(document_id, file, self._context, who=who))

    async def recut(self, document_id: str, request: CutRequest) -> Shown:
        return show.document_whole(await recut(document_id, request, self._context))

    async def replay(self, choice: ReplayFilter, *, dry_run: bool) -> Shown:
        await refuse_unknown_type(choice.type, self._store)
        return (await replay_all(choice, self._context, who=user_name(), dry_run=dry_run)).shown()

    async def selected(self, selection: DocumentSelection) -> AsyncIterator[str]:
        await refuse_unknown_type(selection.type, self._store)
        async for document in documents_selected(selection, self._store):
            yield document.id

    async def verify_each(self, ids: AsyncIterator[str], found: Callable[[DocumentCheck], None]) -> None:
        documents = (await document_named(item, self._store) async for item in ids)
        await verify_each(documents, self._context, found)

    async def restore(self, check: DocumentCheck, *, who: str) -> str:
        try:
            begun = await restore_missing(check, self._context, who=who)
        except (NotAllowed, NotFound, Conflict) as error:
            return f"not restored: {error}"
        return f"it is delivered again to {quantity(begun, 'place')}" if begun else ""

    async def pause(self, what: str, *, resume: bool) -> None:
        until = 0.0 if resume else FOR_EVER
        await self._store.apply(await pause(pausable(what), until, self._context, who=user_name()))

    async def acknowledge(self, key: str, *, who: str) -> Shown:
        return show.incident(await acknowledge(key, self._context, who=who))

    async def silence(self, key: str, seconds: float, why: str, *, who: str) -> Shown:
        return show.incident(await silence(key, seconds, why, self._context, who=who))

    async def settled(self, ids: Sequence[str]) -> list[Shown]:
        found = await settled_by_us(self._app, list(ids), quiet=True)
        return [show.document(item) for item in found.values()]


def _result(done: Document | Skipped) -> Shown:
    if isinstance(done, Skipped):
        return MendingResult(document_id=done.document.id, document=done.document, why=done.why).shown()
    return MendingResult(document_id=done.id, document=done).shown()
