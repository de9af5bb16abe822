"""Verifying documents: every place that a record names is read, and what is found has a name."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Replace
from receiver.core.copy_check import CheckTotals, CopyKind, CopyState, DocumentCheck, Verdict, delivery_checked
from receiver.core.delivery_request import StoredCopy
from receiver.core.document import Delivery, DeliveryState, Document, DocumentState, Receipt
from receiver.core.errors import AccessDenied, DestinationBusy, NotAllowed
from receiver.core.flag import Flag, verified_flag
from receiver.core.plan import Target
from receiver.core.retention import DAY
from receiver.operations.expired_content import delete_content
from receiver.operations.expired_records import delete_records
from receiver.operations.manual_routing import RoutingDecision, carry_out_correction, foreseen_correction
from receiver.operations.restore_copies import restore_missing
from receiver.operations.verify_copies import last_check, verify_document, verify_each
from tests.builders import a_document
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path)


def states(check: DocumentCheck) -> dict[str, CopyState]:
    """The state of each kind of place."""
    return {item.kind: item.state for item in check.copies}


def spooled(app: InMemoryApp, document: Document) -> Path:
    """The file in which the spool keeps its bytes."""
    return app.context.spool.path_of(document.content)  # type: ignore[attr-defined, no-any-return]


async def test_all_places_of_a_routed_document_are_read_and_its_message_is_not_counted(app: InMemoryApp) -> None:
    document = await app.routed()
    check = await verify_document(document, app.context)
    assert check.verdict is Verdict.INTACT
    assert states(check) == {
        CopyKind.RECEIVED: CopyState.INTACT, CopyKind.COPY: CopyState.INTACT, CopyKind.MESSAGE: CopyState.NOT_READ_BACK,
    }  # fmt: skip
    (message,) = (item for item in check.copies if item.kind is CopyKind.MESSAGE)
    sent = next(item for item in document.deliveries if item.is_message)
    assert message.why.startswith(f"words: cannot be read back; its record says that it accepted message {sent.id} at ")
    assert await last_check(document.id, app.store) == check
    assert await app.document(document.id) == document, "verifying changes no document"


class Harm(StrEnum):
    """What happens to a copy behind Mailroom's back."""

    NONE = "intact"
    OTHER = "different"
    GONE = "missing"


@settings(max_examples=10)  # each routes its documents
@given(st.lists(st.tuples(st.sampled_from(Harm), st.sampled_from(Harm)), min_size=1, max_size=4))
def test_every_harm_is_found_by_name_with_both_hashes_and_nothing_else_is(harms: list[tuple[Harm, Harm]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(harmed(InMemoryApp(Path(folder)), harms))


async def harmed(app: InMemoryApp, harms: list[tuple[Harm, Harm]]) -> None:
    """Verifies documents whose spooled bytes and delivered copies were harmed like this."""
    expected = {}
    for number, (to_spool, to_copy) in enumerate(harms):
        document = await app.routed(name=f"{number}.pdf", content=b"%%PDF %d" % number)
        (place,) = document.locations
        for harm, damage in ((to_spool, spooled(app, document)), (to_copy, place)):
            harm_it(app, harm, damage)
        expected[document.id] = (to_spool, to_copy)
    found: dict[str, DocumentCheck] = {}
    totals = CheckTotals()

    def note(check: DocumentCheck) -> None:
        totals.add(check)
        found[check.document_id] = check

    await verify_each(all_of(app), app.context, note)
    for document_id, (to_spool, to_copy) in expected.items():
        check = found[document_id]
        assert (states(check)[CopyKind.RECEIVED], states(check)[CopyKind.COPY]) == (to_spool.value, to_copy.value)
        assert check.differs == (to_spool != Harm.NONE or to_copy != Harm.NONE)
        for item in check.copies:
            assert (item.state is CopyState.DIFFERENT) == bool(item.found and item.found != item.expected)
    assert totals.documents.total() == len(harms)
    assert totals.differ == sum(pair != (Harm.NONE, Harm.NONE) for pair in harms)
    assert totals.places[CopyKind.MESSAGE] == {CopyState.NOT_READ_BACK: len(harms)}


def harm_it(app: InMemoryApp, harm: Harm, place: Path | str) -> None:
    if harm is Harm.OTHER:
        place.write_bytes(b"other") if isinstance(place, Path) else app.bytes.objects.update({place: b"other"})
    elif harm is Harm.GONE:
        place.unlink() if isinstance(place, Path) else app.bytes.objects.pop(place)


async def all_of(app: InMemoryApp) -> AsyncIterator[Document]:
    for document in await app.all_documents():
        yield document


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (AccessDenied("s3://mail: AccessDenied", fix="give the key s3:GetObject; then: mailroom replay --parked"),
         "give the key s3:GetObject; then: mailroom verify {id}"),
        (DestinationBusy("s3://mail: no answer"), "check that it is up, then: mailroom verify {id}"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_not_taken_for_intact_and_says_whom_to_ask(
    app: InMemoryApp, error: Exception, fix: str
) -> None:
    document = await app.routed()
    app.bytes.broken = error
    check = await verify_document(document, app.context)
    (copy,) = (item for item in check.copies if item.kind is CopyKind.COPY)
    assert (check.verdict, copy.state, copy.why) == (Verdict.UNREADABLE, CopyState.UNREADABLE, str(error))
    assert copy.fix == fix.format(id=document.id)


async def test_a_manifest_that_cannot_be_read_does_not_hide_what_its_copy_is(app: InMemoryApp) -> None:
    document = await app.routed()
    (place,) = document.locations
    app.bytes.objects[place] = b"other"
    as_stored = app.bytes.read_back

    async def without_manifest(receipt: Receipt, options: Mapping[str, str]) -> StoredCopy:
        error = AccessDenied("no s3:GetObject", fix="give it; then: mailroom replay --parked")
        return replace(await as_stored(receipt, options), manifest_error=error)

    app.bytes.read_back = without_manifest  # type: ignore[method-assign]
    check = await verify_document(document, app.context)
    assert (check.verdict, states(check)[CopyKind.COPY]) == (Verdict.DIFFERENT, CopyState.DIFFERENT)
    (manifest,) = (item for item in check.copies if item.kind is CopyKind.MANIFEST)
    assert (manifest.state, manifest.why) == (CopyState.UNREADABLE, "no s3:GetObject")
    assert manifest.fix == f"give it; then: mailroom verify {document.id}"


async def test_a_place_that_is_slow_is_unreadable_and_the_others_are_read(app: InMemoryApp) -> None:
    document = await app.routed()

    async def never(receipt: Receipt, options: object) -> StoredCopy:
        await asyncio.Event().wait()
        raise AssertionError

    app.bytes.read_back = never  # type: ignore[method-assign]
    check = await verify_document(document, app.context, seconds=0.05)
    assert states(check) == {
        CopyKind.RECEIVED: CopyState.INTACT, CopyKind.COPY: CopyState.UNREADABLE,
        CopyKind.MESSAGE: CopyState.NOT_READ_BACK,
    }  # fmt: skip


async def test_bytes_that_retention_removed_are_named_and_the_copies_still_verified(app: InMemoryApp) -> None:
    document = replace(await app.routed(), content="", forgotten_at=app.now)
    check = await verify_document(document, app.context)
    assert states(check)[CopyKind.RECEIVED] is CopyState.REMOVED
    assert any("removed by retention on" in item.why for item in check.copies)
    assert check.verdict is Verdict.INTACT
    nowhere = await verify_document(replace(document, deliveries=()), app.context)
    assert nowhere.verdict is Verdict.UNPROVEN


async def test_a_superseded_copy_that_somebody_removed_is_no_difference(app: InMemoryApp) -> None:
    document = await app.routed()
    (before,) = document.locations
    decision = RoutingDecision(type="contract", who="ann")
    await carry_out_correction(await foreseen_correction(document.id, decision, app.context), app.context)
    await app.work()
    moved = await app.document(document.id)
    check = await verify_document(moved, app.context)
    assert (check.verdict, sum(item.superseded for item in check.copies)) == (Verdict.INTACT, 2)
    del app.bytes.objects[before]
    check = await verify_document(moved, app.context)
    gone = next(item for item in check.copies if item.place == before)
    assert (check.verdict, gone.state) == (Verdict.INTACT, CopyState.SUPERSEDED_GONE)


async def test_what_is_not_delivered_yet_is_named_and_no_difference(app: InMemoryApp) -> None:
    app.bytes.broken = DestinationBusy("away")
    document = await app.routed()
    app.bytes.broken = None
    check = await verify_document(document, app.context)
    assert states(check)[CopyKind.COPY] is CopyState.NOT_DELIVERED
    assert check.verdict is Verdict.INTACT, "the spool has it"


async def test_a_document_that_changes_meanwhile_is_compared_with_its_newer_record(app: InMemoryApp) -> None:
    document = await app.routed()
    (place,) = document.locations
    app.bytes.objects[f"{place}-2"] = app.bytes.objects.pop(place)
    moved = [replace(item, receipt=Receipt(location=f"{place}-2", checksum=item.receipt.checksum))
             if item.receipt and item.receipt.location == place else item
             for item in document.deliveries]  # fmt: skip
    await app.store.apply(Replace(replace(document, deliveries=tuple(moved))))
    assert (await verify_document(document, app.context)).verdict is Verdict.INTACT


async def test_a_result_that_is_kept_is_bounded(app: InMemoryApp) -> None:
    document = await app.routed()
    (copy,) = (item for item in document.deliveries if not item.is_message)
    many = replace(document, deliveries=tuple(replace(copy, id=f"dlv-{n}") for n in range(100)))
    check = await verify_document(many, app.context)
    kept = await last_check(document.id, app.store)
    assert kept is not None
    assert (len(check.copies), len(kept.copies)) == (101, 50)


MANIFEST = {"document_id": "doc-1", "sha256": "ab", "delivery_id": "dlv-1"}


@pytest.mark.parametrize(
    ("manifest", "mark", "superseded", "says"),
    [
        (MANIFEST, "", False, ""),
        (MANIFEST | {"superseded": {"at": "…"}}, "claim", True, ""),
        (MANIFEST, "", True, ""),
        (None, "", False, "there is no manifest"),
        ([], "", False, "not a manifest"),
        ("{", "", False, "not a manifest"),
        ("[" * 100_000, "", False, "not a manifest"),
        (MANIFEST | {"document_id": "doc-2"}, "", False, "its document_id is 'doc-2', on record 'doc-1'"),
        (MANIFEST | {"sha256": "cd"}, "", False, "its sha256 is 'cd', on record 'ab'"),
        (MANIFEST, "claim", True, "does not say that the copy is superseded"),
        (MANIFEST | {"superseded": {"at": "…"}}, "", False, "and the copy counts"),
    ],
)  # fmt: skip
def test_a_manifest_is_compared_in_what_no_decision_changes(
    manifest: object, mark: str, superseded: bool, says: str
) -> None:
    content = manifest.encode() if isinstance(manifest, str) else manifest and json.dumps(manifest).encode()
    content = b"[]" if manifest == [] else content
    receipt = Receipt(location="s3://mail/1", checksum="sha256:ab", manifest="s3://mail/1.mailroom.json")
    delivery = Delivery(
        id="dlv-1", to=Target(url="s3://mail/"), route="invoice", state=DeliveryState.DELIVERED, receipt=receipt,
        mark=mark, superseded=superseded,
    )  # fmt: skip
    stored = StoredCopy(sha256="ab", size=2, manifest=content)  # type: ignore[arg-type]
    copy, beside = delivery_checked(delivery, stored, a_document(id="doc-1"))
    assert copy.state is CopyState.INTACT
    assert beside.differs == bool(says)
    assert says in beside.why


async def test_what_was_found_goes_with_the_record_of_the_document(app: InMemoryApp) -> None:
    app.use(TABLE + "retention: {documents_days: 365}\n")
    document = await app.routed()
    await verify_document(document, app.context)
    app.later(366 * DAY)
    await delete_content(app.context)
    await delete_records(app.context)
    assert await app.store.get(Document, document.id) is None
    assert await app.store.get(Flag, verified_flag(document.id)) is None


@pytest.fixture
def at_terminal(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    with terminal(app, TABLE, monkeypatch):
        yield app


@settings(max_examples=10)
@given(st.sampled_from(Harm), st.sampled_from(Harm), st.booleans())
def test_what_is_missing_is_delivered_again_and_nothing_else_changes(
    to_spool: Harm, to_copy: Harm, in_review: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(restored(InMemoryApp(Path(folder)), to_spool, to_copy, in_review=in_review))


async def restored(app: InMemoryApp, to_spool: Harm, to_copy: Harm, *, in_review: bool) -> None:
    """Verifies a document that was harmed like this, delivers again what is missing, and looks what that changed."""
    document = await app.routed(None if in_review else "invoice")
    (place,), state, told = document.locations, document.state, len(app.words.requests)
    stored = app.bytes.objects[place]
    harm_it(app, to_copy, place)
    if to_copy is not Harm.GONE:  # else these are the last bytes
        harm_it(app, to_spool, spooled(app, document))
    check = await verify_document(document, app.context)
    assert await restore_missing(check, app.context, who="ann") == (to_copy is Harm.GONE)
    await app.work()
    after = await app.document(document.id)
    assert (after.state, after.locations, len(app.words.requests)) == (state, (place,), told)
    assert app.bytes.objects[place] == (b"other" if to_copy is Harm.OTHER else stored)
    assert (await app.store.tally()).balanced
    if to_copy is Harm.GONE:
        assert ("delivered again", "ann: missing at 1 place") in [(item.what, item.detail) for item in after.history]
        assert (await verify_document(after, app.context)).verdict is Verdict.INTACT
        assert await restore_missing(await verify_document(after, app.context), app.context, who="ann") == 0


async def test_a_manifest_is_restored_only_beside_an_intact_copy(app: InMemoryApp) -> None:
    document = await app.routed()
    deliveries = tuple(
        item if item.is_message or not item.receipt
        else replace(item, receipt=replace(item.receipt, manifest=f"{item.receipt.location}.json"))
        for item in document.deliveries
    )  # fmt: skip
    await app.store.apply(Replace(replace(document, deliveries=deliveries)))
    (place,) = document.locations
    stored, app.bytes.objects[place] = app.bytes.objects[place], b"other"
    check = await verify_document(await app.document(document.id), app.context)
    assert [item.state for item in check.copies if item.kind is CopyKind.MANIFEST] == [CopyState.MISSING]
    assert await restore_missing(check, app.context, who="ann") == 0
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    app.bytes.objects[place] = stored
    check = await verify_document(await app.document(document.id), app.context)
    assert await restore_missing(check, app.context, who="ann") == 1


async def test_nothing_is_delivered_again_while_the_document_is_worked_on_or_no_bytes_are_left(
    app: InMemoryApp,
) -> None:
    document = await app.routed()
    app.bytes.objects.clear()
    check = await verify_document(document, app.context)
    await app.store.apply(Replace(replace(document, content="", forgotten_at=app.now)))
    with pytest.raises(NotAllowed, match="no copy can be read"):
        await restore_missing(check, app.context, who="ann")
    gone = await app.document(document.id)
    await app.store.apply(Replace(replace(gone, content=document.content, forgotten_at=None)))
    assert await restore_missing(check, app.context, who="ann") == 1
    with pytest.raises(NotAllowed, match="is being worked on"):
        await restore_missing(check, app.context, who="ann")


class TestTheCommand:
    def test_what_is_missing_is_restored_on_request(self, at_terminal: InMemoryApp) -> None:
        document = asyncio.run(at_terminal.routed())
        at_terminal.bytes.objects.clear()
        result = run("mailroom verify letter.pdf --restore --who ann")
        assert (result.exit_code, "it is delivered again to 1 place" in result.output) == (1, True)
        asyncio.run(at_terminal.work())
        assert run("mailroom verify letter.pdf").exit_code == 0
        data = json.loads(run("mailroom verify letter.pdf --restore --json").output)
        assert data["documents"][0]["restored"] is None
        assert asyncio.run(at_terminal.document(document.id)).state is DocumentState.ROUTED

    def test_a_difference_is_exit_1_with_the_place_and_both_hashes(self, at_terminal: InMemoryApp) -> None:
        document = asyncio.run(at_terminal.routed())
        good = run("mailroom verify letter.pdf")
        assert (good.exit_code, "intact" in good.output) == (0, True)
        (place,) = document.locations
        at_terminal.bytes.objects[place] = b"other"
        bad = run(f"mailroom verify {document.id} --json")
        shown = json.loads(bad.output)
        assert bad.exit_code == 1
        (found,) = (item for item in shown["documents"][0]["places"] if item["state"] == "different")
        assert (found["place"], found["expected_sha256"]) == (place, document.sha256)
        assert found["found_sha256"] not in (None, document.sha256)
        assert shown["totals"]["documents"] == {
            "different": 1, "missing": 0, "unreadable": 0, "intact": 0, "unproven": 0,
        }  # fmt: skip
        assert "  verified at 2027-01-15 08:00:00Z: different" in run(f"mailroom documents {document.id}").output

    def test_a_selection_lists_the_differences_and_counts_all(self, at_terminal: InMemoryApp) -> None:
        documents = [asyncio.run(at_terminal.routed(name=f"{n}.pdf", content=b"%d" % n)) for n in range(12)]
        del at_terminal.bytes.objects[documents[3].locations[0]]
        result = run("mailroom verify --state routed --since 7d")
        assert result.exit_code == 1
        assert f"3.pdf  {documents[3].id}: missing" in result.output
        assert documents[4].id not in result.output
        assert "11" in result.output
        assert "copies: 11 intact, 1 missing" in result.output.replace("1 missing, 11 intact", "11 intact, 1 missing")
        assert run("mailroom verify --all").exit_code == 1
        nothing = run("mailroom verify --state failed")
        assert (nothing.exit_code, "nothing was verified" in nothing.output) == (0, True)

    def test_a_recount_names_the_total_and_the_document_that_differ(self, at_terminal: InMemoryApp) -> None:
        document = asyncio.run(at_terminal.routed())
        clean = run("mailroom balance --recount")
        assert (clean.exit_code, "the records say the same" in clean.output) == (0, True)
        odd = replace(document, state=DocumentState.REVIEW, id="doc_odd")
        at_terminal.store._kept[Document][odd.id] = odd  # beside the counters, as no store writes
        result = run("mailroom balance --recount")
        assert result.exit_code == 1
        assert "review: 0 by the totals, 1 on record" in result.output
        assert "received: 1 by the totals, 2 on record" in result.output
        assert "doc_odd" in result.output
        data = json.loads(run("mailroom balance --recount --json").output)["recount"]
        assert data["differences"]["review"] == {"totals": 0, "records": 1}
        assert data["odd"] == [
            {"document_id": "doc_odd", "name": document.name, "state": "review", "follows": "routed"}
        ]

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [("", 2), ("letter.pdf --all", 2), ("--all --since 1d", 2), ("--type invoce", 2), ("nothing.pdf", 1)],
    )
    def test_wrong_use(self, at_terminal: InMemoryApp, arguments: str, code: int) -> None:
        asyncio.run(at_terminal.routed())
        assert run(f"mailroom verify {arguments}").exit_code == code
