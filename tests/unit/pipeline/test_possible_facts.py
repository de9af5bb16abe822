"""What is said of the documents of each way in, held against documents that came in by it."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from functools import cache
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.condition_logic import impossible
from receiver.core.document import Document
from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.pages import Segment
from receiver.core.possible_facts import SOURCES
from receiver.core.when import Attributes, Judge, When, document_attributes
from receiver.operations.failed_documents import replace_bytes
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import ingest_file
from receiver.pipeline.ingest_vendor_file import IncomingVendorFile, ingest_vendor_file
from receiver.ports import CloudFile
from tests.builders import NOW
from tests.in_memory_app import InMemoryApp
from tests.mail_fixtures import a_mail
from tests.pdf_fixtures import a_page, packet_bytes

PDF = packet_bytes(a_page("invoice"), a_page("a contract"))
FILES = {
    "two.pdf": PDF,
    "photo.png": b"\x89PNG\r\n\x1a\n...",
    "fax.tif": b"II*\x00...",
    "note.txt": b"To whom it may concern",
    "torn.pdf": b"%PDF-1.7 torn",
}
LETTER = a_mail(("two.pdf", PDF, "application/pdf"), ("note.csv", b"a;b", "text/csv")).as_bytes()
TOLD = {"subject": "Our invoice", "to": "office@example.org", "po": "4711"}


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def came_in(app: InMemoryApp) -> list[Document]:
    """Documents by every way in, as far as they get by themselves; twice the same bytes among them."""
    for kind in ("folder", "upload", "s3"):
        for name, content in FILES.items():
            arrival = IncomingFile(name=name, kind=kind, source=once(content), sender="ann@acme.example")
            await ingest_file(arrival, app.context)
    await ingest_file(IncomingFile(name="m.eml", kind="s3", source=once(LETTER), packet=True), app.context)
    await adopted(app)
    await at_llamacloud(app)
    await app.work()
    (packet,) = [item for item in await app.all_documents() if item.packet]
    found = Segment(category="invoice", pages=(1, 2), confidence="high")
    app.cloud.finish(packet.job_id, segments=(found,))
    await app.event(packet.job_id, "split.success")
    await app.work()
    return await app.all_documents()


async def adopted(app: InMemoryApp) -> None:
    app.cloud.files["dfl-x"] = CloudFile(id="dfl-x", name="scan.pdf")
    app.cloud.reports["job-x"] = JobReport(
        id="job-x", kind=JobKind.CLASSIFY, status=JobStatus.PENDING, file_id="dfl-x", created_at=NOW
    )
    app.cloud.classified("job-x", "invoice")
    await app.event("job-x")


async def at_llamacloud(app: InMemoryApp) -> None:
    for vendor_id, name in (("dfl-1-there", "there.pdf"), ("pjb-1-there", "scan.pdf")):
        app.cloud.files[vendor_id] = CloudFile(id=vendor_id, name=name)
        field = "parse_job_id" if vendor_id.startswith("pjb-") else "file_id"
        named = {field: vendor_id, "sender": "ann@acme.example", "metadata": {"customer": "42"}}
        await ingest_vendor_file(IncomingVendorFile(**named), app.context)  # type: ignore[arg-type]


@cache
def usual() -> Sequence[Attributes]:
    """What is known of documents that came by Mailroom's own ways."""

    async def run() -> list[Document]:
        with tempfile.TemporaryDirectory() as folder:
            return await came_in(InMemoryApp(Path(folder)))

    return [document_attributes(item) for item in anyio.run(run)]


def typed(folder: str) -> Path:
    path = Path(folder, "typed.txt")
    path.write_bytes(b"typed anew")
    return path


@cache
def odd() -> Sequence[Attributes]:
    """What an application of one's own, and a person who replaces a piece, can make of it."""

    async def run() -> list[Document]:
        with tempfile.TemporaryDirectory() as folder:
            app = InMemoryApp(Path(folder))
            pieces = [item for item in await came_in(app) if item.origin.kind == "piece"]
            app.cloud.finish(pieces[0].job_id, JobStatus.FAILED)
            await app.event(pieces[0].job_id, "classify.error")
            await app.work()
            await replace_bytes(pieces[0].id, typed(folder), app.context, who="Ada")
            for kind in ("folder", "upload", "s3"):
                await ingest_file(
                    IncomingFile(name="x.csv", kind=kind, source=once(b"a;b;c"), metadata=TOLD), app.context
                )
            return await app.all_documents()

    return [document_attributes(item) for item in anyio.run(run)]


TEXTS = {
    "source": st.lists(st.sampled_from([*SOURCES, "*d*"]), min_size=1, max_size=2).map(tuple),
    "sender": st.sampled_from([(), ("*@acme.example",), ("*",), ("?*",)]),
    "subject": st.sampled_from([(), ("*invoice*",), ("*",)]),
    "recipient": st.sampled_from([(), ("office@*",), ("*",)]),
    "media_type": st.sampled_from([(), ("application/pdf",), ("image/*",), ("text/*",), ("*/*",)]),
    "parent_category": st.sampled_from([(), ("inv*",), ("*",)]),
    "metadata": st.sampled_from([{}, {"po": ("47*",)}, {"subject": ("*",)}]),
    "min_pages": st.none() | st.integers(1, 3),
    "max_pages": st.none() | st.integers(1, 3),
    "duplicate": st.none() | st.booleans(),
}
SIMPLE = st.builds(When, **TEXTS)
SOME = st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.builds(When, **{name: TEXTS[name] for name in names})
)
WHENS = SOME | st.builds(
    When, source=TEXTS["source"], any_of=st.lists(SOME, max_size=2).map(tuple),
    none_of=st.lists(SOME, max_size=1).map(tuple),
)  # fmt: skip


def test_documents_came_by_every_way() -> None:
    assert {known["source"] for known in usual()} == set(SOURCES)
    assert {known["duplicate"] for known in usual()} >= {True, False}
    assert ("piece", "text/plain", 2) in {(known["source"], known["media_type"], known["pages"]) for known in odd()}


@given(WHENS)
def test_what_is_said_to_be_usually_impossible_is_met_by_nothing_that_came_in(when: When) -> None:
    if impossible(when, sure=False):
        assert not [known for known in usual() if Judge(when).truth(known)]


@given(WHENS)
def test_what_is_said_to_be_surely_impossible_is_met_by_nothing_at_all(when: When) -> None:
    if impossible(when):
        assert impossible(when, sure=False)
        assert not [known for known in (*usual(), *odd()) if Judge(when).truth(known)]


SURELY = [
    When(source=("email",), parent_category=("invoice",)),
    When(source=("folder", "s3"), parent_category=("*inv*",)),
    When(source=("adopted",), sender=("*@acme.example",)),
    When(source=("adopted",), subject=("?*",)),
    When(source=("adopted",), recipient=("*",)),
    When(source=("adopted",), metadata={"po": ("*",)}),
    When(source=("upload",), media_type=("text/*",), min_pages=2),
    When(source=("email",), sender=tuple(f"a{n}@acme.example" for n in range(50)), parent_category=("invoice",)),
    When(any_of=(When(source=("email",)), When(source=("s3",))), parent_category=("invoice",)),
]
USUALLY = [
    When(source=("folder",), subject=("*invoice*",)),
    When(source=("s3", "upload"), recipient=("*",)),
    When(source=("s*",), metadata={"po": ("47*",)}),
    When(media_type=("text/plain",), min_pages=1),
    When(media_type=("image/png",), min_pages=2),
    When(source=("piece",), media_type=("image/*",)),
    When(parent_category=("invoice",), duplicate=True),
]
POSSIBLE = [
    When(source=("piece",), subject=("*invoice*",), parent_category=("invoice",), min_pages=2),
    When(source=("email",), recipient=("office@*",), media_type=("text/*",)),
    When(source=("folder", "email"), subject=("*invoice*",)),
    When(source=("adopted",), sender=("*",)),
    When(source=("folder",), none_of=(When(subject=("*invoice*",)),)),
    When(media_type=("image/*", "application/pdf"), min_pages=2),
    When(media_type=("image/*",), max_pages=1),
    When(source=("upload",), sender=("*@acme.example",), duplicate=True),
    When(parent_category=("*",), source=("folder",)),
]


@pytest.mark.parametrize("when", SURELY)
def test_facts_that_exclude_each_other_are_known(when: When) -> None:
    assert impossible(when)


@pytest.mark.parametrize("when", USUALLY)
def test_facts_that_only_usually_exclude_each_other_are_no_certainty(when: When) -> None:
    assert not impossible(when)
    assert impossible(when, sure=False)


@pytest.mark.parametrize("when", POSSIBLE)
def test_facts_that_go_together_are_left_alone(when: When) -> None:
    assert not impossible(when, sure=False)
