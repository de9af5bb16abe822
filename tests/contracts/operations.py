"""What the operator's commands may rely on, on this machine's store and through a server alike.

A subclass provides ``mending_of``, which opens the adapter over an application.
"""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from receiver.cli.document_list import search_of
from receiver.cli.operations import Mending
from receiver.core.change import Insert
from receiver.core.copy_check import DocumentCheck, Verdict
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Malformed, NotAllowed, NotFound
from receiver.core.event import Event
from receiver.core.job import JobStatus
from receiver.core.pages import BY_HAND, Segment
from receiver.core.task import TaskState
from receiver.operations.bulk_correction import DocumentSelection
from receiver.operations.manual_routing import RoutingDecision
from receiver.operations.replay import ReplayFilter
from receiver.packets.correct import CutRequest
from tests.builders import a_task, an_incident
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes

TO_CONTRACT = RoutingDecision(type="contract", who="ann", why="it has signatures")


async def failed(app: InMemoryApp, name: str) -> Document:
    """A document whose job failed."""
    content = packet_bytes(a_page(name), a_page("two"))
    document = await app.submitted(name=name, content=content)
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="damaged")
    await app.event(document.job_id, "classify.error")
    await app.work()
    document = await app.document(document.id)
    assert document.state in (DocumentState.FAILED, DocumentState.REVIEW)
    return document


@pytest.mark.anyio
class OperationsContract:
    """Reading and mending."""

    def mending_of(self, app: InMemoryApp) -> AbstractAsyncContextManager[Mending]:
        raise NotImplementedError

    @pytest.fixture
    def app(self, tmp_path: Path) -> InMemoryApp:
        (tmp_path / "mailroom.yaml").write_text(TABLE)
        return InMemoryApp(tmp_path)

    async def test_a_document_is_called_by_name_prefix_and_job(self, app: InMemoryApp) -> None:
        document = await app.routed("invoice", name="Invoice.pdf")
        async with self.mending_of(app) as it:
            for word in (document.id, document.id[:12], "invoice.PDF", document.job_id):
                assert [item["document_id"] for item in await it.called(word)] == [document.id]
            with pytest.raises(NotFound, match="there is no document nothing"):
                await it.called("nothing")
            assert (await it.document(document.id))["history"]

    async def test_a_search_pages_counts_and_refuses(self, app: InMemoryApp) -> None:
        for number in range(7):
            await app.routed("invoice", name=f"{number}.pdf", content=b"%d" % number)
        async with self.mending_of(app) as it:
            first = await it.search(search_of("type:invoice"), limit=5, cursor=None)
            assert (len(first["documents"]), first["total"]) == (5, 7)
            rest = await it.search(search_of("type:invoice"), limit=5, cursor=first["cursor"])
            assert (len(rest["documents"]), rest["cursor"]) == (2, None)
            assert len(await it.found_ids(search_of("type:invoice since:7d"))) == 7
            assert [item async for item in it.selected(DocumentSelection(type="invoice"))] == [
                item["document_id"] for item in (*first["documents"], *rest["documents"])
            ]

    async def test_events_tasks_totals_and_incidents_are_listed(self, app: InMemoryApp) -> None:
        document = await app.routed("invoice")
        await app.store.apply(
            Insert(an_incident(id="incident00")), Insert(a_task(id="submit:x:1", subject="x", state=TaskState.PARKED))
        )
        async with self.mending_of(app) as it:
            (event,) = await it.events(job=document.job_id, since=None, limit=10)
            assert (await it.event(event["key"]))["job"]["job_id"] == document.job_id
            (task,) = await it.tasks(state="parked", subject=None, since=None, limit=10)
            assert (await it.task(task["task_id"]))["state"] == "parked"
            assert len(await it.tasks(state=None, subject=None, since=None, limit=2)) == 2
            found = await it.balance(limit=5, recount=False)
            assert (found["balance"]["routed"], found["balanced"], found["overdue"]) == (1, True, [])
            assert (await it.calibration(since=None, target=0.95))["documents"] == 1
            assert [item["key"] for item in await it.incidents(everything=False, limit=None)] == ["incident00"]
            assert (await it.incident("incident00", limit=5))["key"] == "incident00"
            assert "contract" in await it.route_names()
            for asked in (it.event("none"), it.task("none"), it.incident("none", limit=1)):
                with pytest.raises(NotFound):
                    await asked
        assert await app.all(Event)

    async def test_what_is_overdue_is_listed(self, app: InMemoryApp) -> None:
        document = await app.submitted()
        app.later(10 * 86400)
        async with self.mending_of(app) as it:
            found = await it.overdue(since=None, limit=5)
        assert [item["document_id"] for item in found] in ([document.id], [])  # by the clock of whoever looks

    async def test_a_correction_is_previewed_done_and_undone(self, app: InMemoryApp) -> None:
        document = await app.routed("invoice")
        async with self.mending_of(app) as it:
            (dry,) = await it.correct([document.id], TO_CONTRACT, dry_run=True)
            assert {item["effect"] for item in dry["change"]["effects"]} & {"deliver", "supersede"}
            assert await app.document(document.id) == document
            done, unknown = await it.correct([document.id, "doc_none"], TO_CONTRACT, dry_run=False)
            assert (done["done"], unknown["done"]) == (True, False)
            assert "there is no document doc_none" in unknown["why"]
            await app.work()
            await it.correct([document.id], RoutingDecision(undo=True, who="bob"), dry_run=False)
            await app.work()
            with pytest.raises(Malformed):
                await it.correct([document.id], RoutingDecision(to="nowhere"), dry_run=True)
            decided = await it.route(document.id, TO_CONTRACT)
        assert [item["who"] for item in decided["decisions"]] == ["ann", "bob", "ann"]

    async def test_failed_documents_are_priced_resubmitted_and_dismissed(self, app: InMemoryApp) -> None:
        first, second = await failed(app, "one.pdf"), await failed(app, "two.pdf")
        fine = await app.routed("invoice", content=b"fine")
        ids = [first.id, second.id, fine.id]
        async with self.mending_of(app) as it:
            foreseen = await it.foreseen_resubmission(ids)
            assert (foreseen["wanted"], "credit" in foreseen["price"]) == (2, True)
            done = await it.resubmit([first.id, fine.id], who="ann")
            assert [item["done"] for item in done] == [True, False]
            (dismissed,) = await it.dismiss([second.id], "nobody needs it", who="ann")
            assert dismissed["done"]
            with pytest.raises(NotFound):
                await it.foreseen_resubmission(["doc_none"])
        assert (await app.document(first.id)).state is DocumentState.OPEN
        assert "nobody needs it" in (await app.document(second.id)).history[-1].detail

    async def test_documents_are_priced_and_reclassified_once(self, app: InMemoryApp) -> None:
        content = packet_bytes(a_page("one"), a_page("two"))
        fine, decided = await app.routed("invoice", content=content), await app.routed("invoice", content=b"x")
        ids = [fine.id, decided.id]
        async with self.mending_of(app) as it:
            await it.correct([decided.id], TO_CONTRACT, dry_run=False)
            await app.work()
            foreseen = await it.foreseen_reclassification(ids, also_decided=False)
            assert (foreseen["wanted"], foreseen["price"]) == (1, "2 pages, about 2 credits")
            assert (await it.foreseen_reclassification(ids, also_decided=True))["wanted"] == 2
            assert await app.document(fine.id) == fine
            done, left = await it.reclassify(ids, who="bob", also_decided=False)
            assert (done["done"], left["done"], "left as ann decided on" in left["why"]) == (True, False, True)
            (again,) = await it.reclassify([fine.id], who="bob", also_decided=False)
            assert again["why"] == "it is being reclassified"
            (also,) = await it.reclassify([decided.id], who="bob", also_decided=True)
            assert (also["done"], also["state"]) == (True, "open")
            with pytest.raises(NotFound):
                await it.foreseen_reclassification(["doc_none"], also_decided=False)

    async def test_a_file_is_replaced(self, app: InMemoryApp, tmp_path: Path) -> None:
        document, better = await failed(app, "one.pdf"), tmp_path / "better.pdf"
        better.write_bytes(packet_bytes(a_page("better")))
        async with self.mending_of(app) as it:
            assert "credit" in await it.price_of_new_bytes(document.id, None)
            assert (await it.replace(document.id, better, who="ann"))["done"]
            with pytest.raises(NotAllowed):
                await it.replace((await app.routed("invoice", content=b"x")).id, better, who="ann")
        assert (await app.document(document.id)).size == better.stat().st_size

    async def test_a_packet_is_cut(self, app: InMemoryApp) -> None:
        content = packet_bytes(a_page("a"), a_page("b"), a_page("c"))
        document = await app.routed("invoice", name="packet.pdf", content=content)
        pieces = (
            Segment(category="invoice", pages=(1, 2), confidence=BY_HAND),
            Segment(category="", pages=(3,), confidence=BY_HAND),
        )
        async with self.mending_of(app) as it:
            cut = await it.recut(document.id, CutRequest(pieces=pieces, who="ann"))
            assert [item["pages"] for item in cut["cuts"][-1]["pieces"]] == [[1, 2], [3]]
            with pytest.raises((Malformed, NotAllowed)):
                await it.recut(document.id, CutRequest(merge=(9,), who="ann"))

    async def test_work_is_replayed(self, app: InMemoryApp) -> None:
        document = await app.routed("contract")
        await app.store.apply(Insert(a_task(id="alert:x:1", kind="alert", subject="x", state=TaskState.PARKED)))
        async with self.mending_of(app) as it:
            dry = await it.replay(ReplayFilter(ids=(document.id, "alert:x:1")), dry_run=True)
            assert [item["action"] for item in dry["replayed"]] == ["redeliver", "resume"]
            assert await app.document(document.id) == document
            done = await it.replay(ReplayFilter(parked=True), dry_run=False)
            assert [item["task_id"] for item in done["replayed"]] == ["alert:x:1"]
            rerouted = await it.replay(ReplayFilter(type="contract", reroute=True), dry_run=True)
            assert [item["action"] for item in rerouted["replayed"]] == ["nothing"]

    async def test_copies_are_read_back(self, app: InMemoryApp) -> None:
        document, found = await app.routed("contract"), list[DocumentCheck]()

        async def only() -> object:
            yield document.id

        async with self.mending_of(app) as it:
            await it.verify_each(only(), found.append)  # type: ignore[arg-type]
            assert await it.restore(found[0], who="ann") == ""
        assert (found[0].document_id, found[0].verdict) == (document.id, Verdict.INTACT)
        assert found[0].copies

    async def test_work_is_paused_and_incidents_answered(self, app: InMemoryApp) -> None:
        await app.store.apply(Insert(an_incident(id="incident00")))
        async with self.mending_of(app) as it:
            await it.pause("submission", resume=False)
            await app.ingest("waits.pdf")
            await app.work()
            (waiting,) = await app.all_documents()
            assert "submission is paused" in waiting.error
            await it.pause("submission", resume=True)
            assert (await it.acknowledge("incident00", who="ann"))["acknowledged_by"] == "ann"
            assert (await it.silence("incident00", 3600, "known", who="ann"))["silenced_why"] == "known"

    async def test_it_waits_until_documents_are_settled(self, app: InMemoryApp) -> None:
        document = await app.routed("invoice")
        async with self.mending_of(app) as it:
            assert [item["state"] for item in await it.settled([document.id])] == ["routed"]
