"""Targets that meet for some documents only are told of, and what is told is true of documents as they are."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers.destinations.folder import Folder
from receiver.core.document import Classification, Document, Origin
from receiver.core.object_key import rendered_address
from receiver.core.places import TableEntry, doubled
from receiver.core.plan import Taken, Target
from receiver.core.problem import Problem
from receiver.core.shared_places import CASES, coinciding, in_the_way
from tests.builders import NOW, a_document

FOLDER = Folder()


def names(_: Target, url: str) -> Taken:
    return FOLDER.taken(url) if url.startswith("folder:") else Taken(place=url)


def row(*urls: str) -> list[TableEntry]:
    return [TableEntry("routes[0]", at, Target(url=url)) for at, url in enumerate(urls)]


PIECE = a_document(
    id="doc_1", origin=Origin(kind="piece", locator="x", sender="ann"), pages=(4, 5), parent_id="doc_p", naming=2,
    taken_in_at=NOW,
)  # fmt: skip
DOCUMENTS = [
    replace(PIECE, name=name, batch_id=batch, category=category, classification=Classification(type=kind, confidence=1))
    for name in ("scan.pdf", "scan")
    for batch in ("doc_1", "doc_p")
    for kind, category in (("invoice", "letter"), ("letter", "letter"))
]  # fmt: skip
FIELDS = ("{document_id}", "{filename}", "{stem}", "{ext}", "{batch}", "{type}", "{category}")
PARTS = st.lists(st.sampled_from([*FIELDS, ".", "-", "/", "a"]), max_size=5).map(
    lambda parts: "".join(parts).strip("/")
)
TEMPLATES = st.tuples(PARTS, st.sampled_from(["/", "/{document_id}", "/{document_id}/{filename}"])).map("".join)


def place(document: Document, url: str) -> str:
    target = Target(url=url)
    return names(target, rendered_address(document, target)).place


def below(document: Document, item: str, other: str) -> bool:
    """Whether a file of the first, or its manifest, is a folder of the second."""
    parents = {str(each) for each in PurePosixPath(place(document, other)).parents}
    return not parents.isdisjoint({place(document, item), place(document, item) + ".mailroom.json"})


@settings(max_examples=300)
@given(TEMPLATES, TEMPLATES)
@example("{filename}/{document_id}", "{stem}.{ext}/{document_id}")
@example("{document_id}", "{batch}/{document_id}")
def test_two_targets_that_meet_for_an_ordinary_document_are_told_of_and_no_others(item: str, other: str) -> None:
    urls = f"folder:///o/{item.lstrip('/')}", f"folder:///o/{other.lstrip('/')}"
    same = [place(document, urls[0]) == place(document, urls[1]) for document in DOCUMENTS]
    entries = row(*urls)
    assert bool([*doubled(entries, names), *coinciding(entries, names)]) == any(same)
    assert bool(list(doubled(entries, names))) == all(same)
    blocked = [below(document, *urls) or below(document, *reversed(urls)) for document in DOCUMENTS]
    assert bool(list(in_the_way(entries, names))) == any(blocked)


def told(found: list[Problem]) -> list[tuple[str, str]]:
    return [(item.severity, item.message) for item in found]


@pytest.mark.parametrize(
    ("item", "other", "case"),
    [
        ("{document_id}/{filename}", "{document_id}/{stem}{ext}", "a file whose name has no extension"),
        ("{document_id}/{filename}", "{document_id}/{stem}.{ext}", "a file whose name has an extension"),
        ("{document_id}/{batch}", "{batch}/{document_id}", "a document that is its own batch"),
        ("{type}/", "{category}/", "a document whose type and category are alike"),
    ],
)
def test_places_that_can_be_the_same_are_a_warning_that_says_when(item: str, other: str, case: str) -> None:
    urls = f"s3://mail/{item}", f"s3://mail/{other}"
    assert told(list(coinciding(row(*urls), names))) == [
        ("warning", f"for {case}, {urls[1]} is the same place as to[0], {urls[0]}")
    ]
    assert case in CASES


def test_a_file_where_a_folder_must_be_is_an_error_for_whoever_goes_to_both() -> None:
    file, under = "folder:///o/{document_id}", "folder:///o/{document_id}/{filename}"
    message = f"{under} needs a folder where routes[0].to[0] puts a file, {file}"
    assert told(list(in_the_way(row(file, under), names))) == [("error", message)]
    (problem,) = in_the_way(row(under, file), names)
    assert (problem.severity, problem.where) == ("error", "routes[0].to[0]")


def test_a_file_where_another_row_needs_a_folder_is_a_warning() -> None:
    """Until somebody routes a document anew, nothing goes to both."""
    here = TableEntry("routes[0]", 0, Target(url="folder:///o/{document_id}"))
    there = TableEntry("routes[1]", 0, Target(url="folder:///o/{document_id}/x"))
    assert [item.severity for item in in_the_way([here, there], names)] == ["warning"]
    packet = TableEntry("packet", 0, Target(url="folder:///o/{document_id}"))
    pieces = TableEntry("routes[0]", 0, Target(url="folder:///o/{batch}/"))
    (problem,) = in_the_way([pieces, packet], names)
    assert problem.message.startswith("for a document that is its own batch, folder:///o/{batch}/ needs a folder where")


def test_in_a_bucket_nothing_is_a_folder() -> None:
    assert list(in_the_way(row("s3://mail/{document_id}", "s3://mail/{document_id}/{filename}"), names)) == []
