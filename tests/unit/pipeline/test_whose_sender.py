"""Whose word a sender is: what one way in claims never looks like what another one proves, where a row names both."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.document import Document
from receiver.core.when import Judge, When, document_attributes
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import ingest_file
from tests.in_memory_app import InMemoryApp
from tests.mail_fixtures import a_mail
from tests.unit.mail.reading import PDF
from tests.unit.pipeline.test_ingest_mail import once

pytestmark = pytest.mark.anyio
WAYS = ("folder", "upload", "s3")
CLAIMS = st.sampled_from(["ann", "root", "10.0.0.1", "AWS:AIDAEXAMPLE", "ann@acme.example"])
NAMES = st.sampled_from(["X-Source", "Source", "came_by", "Came-By", "X-Came_by", "inner_from", "Sender"])
HEADERS = st.dictionaries(NAMES, st.sampled_from([*WAYS, "ann"]))


async def taken(app: InMemoryApp, way: str, sender: str, content: bytes, name: str) -> list[Document]:
    came = await ingest_file(IncomingFile(name=name, kind=way, sender=sender, source=once(content)), app.context)
    return [item.document for item in came.taken]


def fits(document: Document, **when: object) -> bool:
    return Judge(When(**when)).truth(document_attributes(document)) is True  # type: ignore[arg-type]


@settings(max_examples=20)
@given(way=st.sampled_from(WAYS), named=CLAIMS, claimed=CLAIMS, headers=HEADERS)
async def test_a_sender_counts_for_the_way_that_the_row_names_alone(
    way: str, named: str, claimed: str, headers: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await a_row_tells_them_apart(InMemoryApp(Path(folder)), way, named, claimed, headers)


async def a_row_tells_them_apart(app: InMemoryApp, way: str, named: str, claimed: str, headers: dict[str, str]) -> None:
    (letter,) = await taken(app, way, named, PDF, "a.pdf")
    mail = a_mail(("a.pdf", PDF, "application/pdf"), sender=claimed)
    for name, value in headers.items():
        mail.add_header(name, value)
    mailed = await taken(app, way, named, bytes(mail), "a.eml")
    assert [item for item in WAYS if fits(letter, source=(item,), sender=(named,))] == [way]
    assert not fits(letter, source=("email",))
    for document in mailed:
        assert not any(fits(document, source=(item,)) for item in WAYS), (
            "what a mail says of its sender is a mail's word"
        )
        assert fits(document, source=("email",), metadata={"came_by": (way,)})
        assert not any(fits(document, metadata={"came_by": (item,)}) for item in WAYS if item != way)


async def test_a_mail_that_nobody_can_read_says_by_which_way_it_came(app: InMemoryApp) -> None:
    broken = a_mail(*[(f"{n}.pdf", PDF, "application/pdf") for n in range(500)])
    (record,) = await taken(app, "s3", "AWS:AIDAEXAMPLE", bytes(broken), "a.eml")
    assert (record.origin.kind, record.metadata["came_by"]) == ("email", "s3")
