"""Derived names: the same for ever, and never a way out of their prefix."""

import os
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.document import NAMING, Classification, Origin
from receiver.core.ids import adopted_id, delivery_id, document_id, id_parts, piece_id, task_id
from receiver.core.object_key import (
    FIELDS,
    path_fields,
    place_beside,
    render,
    safe_name,
    safe_part,
    template_faults,
)
from receiver.core.safe_names import NAME_BYTES, whole
from tests.builders import a_document

HOSTILE = st.one_of(
    st.text(),
    st.text(alphabet="./\\ \0\n\u202e~%{}a"),
    st.sampled_from(
        ["../../etc/passwd", "..", ".", "", "a" * 400 + ".pdf", "\U0001f600.pdf", "{sender}", "C:\\x\\..\\y"]
    ),
)


@given(HOSTILE)
def test_a_safe_name_is_one_harmless_part(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe not in {".", ".."}
    assert not re.search(r"[/\\\x00-\x1f\x7f\u202a-\u202e{}*?\"<>|]", safe)
    assert not safe.startswith((".", " "))
    assert len(safe.encode()) <= NAME_BYTES


@given(HOSTILE)
def test_making_a_name_safe_twice_changes_nothing(name: str) -> None:
    assert safe_name(safe_name(name)) == safe_name(name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Rechnung März.pdf", "Rechnung März.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("", "document"),
        ("...", "document"),
        (".bashrc", "bashrc"),
        ("a\x00b\nc.pdf", "abc.pdf"),
        ("gpj.\u202efdp.exe", "gpj.fdp.exe"),
        ("what?*.pdf", "what__.pdf"),
    ],
)
def test_names_stay_recognisable(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_extension_and_stays_apart_from_its_like() -> None:
    item, other = safe_name("x" * 300 + "1.pdf"), safe_name("x" * 300 + "2.pdf")
    assert item != other
    assert item.endswith(".pdf")
    assert len(item.encode()) <= NAME_BYTES


def test_a_name_that_is_not_utf_8_can_be_kept_and_stays_apart_from_its_like() -> None:
    item, other = (os.fsdecode(name) for name in (b"M\xe4rz.pdf", b"M\xe5rz.pdf"))
    assert whole(item) != whole(other)
    assert document_id(Origin(kind="folder", locator=whole(item)), "00")
    assert safe_name(whole(item)) == "udce4rz.pdf"
    assert whole("März \U0001f600") == "März \U0001f600"


def test_a_decomposed_name_is_the_same_name() -> None:
    assert safe_name("Ma\u0308rz.pdf") == safe_name("M\u00e4rz.pdf")


TEMPLATES = st.lists(
    st.sampled_from([*(f"{{{name}}}" for name in sorted(FIELDS)), "/", "a", "-", "finance/", ".", "..", " "]),
    max_size=8,
).map("".join)


@given(TEMPLATES, HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from([1, NAMING]))
def test_a_sound_template_never_leaves_its_prefix(
    template: str, name: str, sender: str, found: str, category: str, naming: int
) -> None:
    template = f"in/{template}"
    if template_faults(template):
        return
    document = a_document(
        name=name, category=category, origin=Origin(kind="email", locator="x", sender=sender), batch_id=sender,
        naming=naming,
    )  # fmt: skip
    key = render(template, path_fields(document, Classification(type=found, confidence=1)))
    assert key.startswith("in/")
    assert not {".", ".."} & set(key.split("/"))
    assert not re.search(r"[\\\x00-\x1f]", key)
    assert document.id in key


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{nmae}/", "unknown field {nmae}"),
        ("{}/", "unknown field {}"),
        ("{document_id.__class__}/", "unknown field"),
        ("{document_id:>30}", "takes no format"),
        ("{document_id!r}", "takes no format"),
        ("a/../{document_id}", "leave the prefix"),
        ("a/..{ext}/{document_id}", "leave the prefix"),
        ("./{document_id}", "leave the prefix"),
        ("{document_id", "a { without its }"),
        ("a/{filename}", "get the same key"),
        ("a/{{document_id}}", "get the same key"),
        ("", "get the same key"),
    ],
)
def test_a_faulty_template_is_refused_with_the_reason(template: str, fault: str) -> None:
    assert any(fault in item for item in template_faults(template))


@pytest.mark.parametrize("template", ["in/", "{yyyy}/{mm}/{document_id}/{filename}", "{type}/{document_id}.{ext}"])
def test_a_sound_template_has_no_faults(template: str) -> None:
    assert template_faults(template) == []


def test_a_path_that_ends_in_a_slash_gets_id_and_name() -> None:
    document = a_document(id="doc_1", name="letter.pdf")
    assert render("in/", path_fields(document)) == "in/doc_1/letter.pdf"


def test_dates_are_those_of_the_intake_in_utc() -> None:
    document = a_document(taken_in_at=1_798_761_599.0)  # 2026-12-31 23:59:59 UTC
    assert render("{yyyy}-{mm}-{dd}", path_fields(document)) == "2026-12-31"


def test_every_field_has_a_value_for_every_document() -> None:
    values = path_fields(a_document(naming=NAMING))
    assert set(values) == set(path_fields(a_document())) == FIELDS
    assert values["type"] == "untyped"
    assert values["sender"] == "unknown"
    assert values["pages"] == "all"


def test_the_pages_of_a_piece_show_first_and_last() -> None:
    assert path_fields(a_document(pages=(5, 6, 7)))["pages"] == "5-7"


def test_the_keys_of_what_an_earlier_mailroom_took_in_do_not_change() -> None:
    origin = Origin(kind="email", locator="x", sender="a.b@acme.example")
    before = a_document(id="doc_1", name="a & b.pdf", origin=origin, batch_id="m", category="tax form")
    template = "{sender}/{category}/{batch}/{document_id}/{filename}"
    assert render(template, path_fields(before)) == "a_b@acme_example/tax_form/m/doc_1/a _ b.pdf"
    now = replace(before, naming=NAMING)
    made = render(template, path_fields(now))
    assert re.fullmatch(r"a\.b@acme\.example/tax form/m/doc_1/a _ b-[0-9a-f]{16}\.pdf", made)


@given(HOSTILE)
def test_a_safe_part_holds_no_dot_and_no_space(value: str) -> None:
    assert re.fullmatch(r"[^./\\ ]+", safe_part(value))


def test_ids_are_the_same_for_the_same_thing_and_differ_otherwise() -> None:
    folder = Origin(kind="folder", locator="a.pdf")
    ids = [
        document_id(folder, "00"),
        document_id(folder, "01"),
        document_id(replace(folder, locator="b.pdf"), "00"),
        document_id(replace(folder, kind="s3"), "00"),
        adopted_id("job-1"),
        piece_id("doc_1", (1, 2)),
        piece_id("doc_1", (1,)),
        delivery_id("doc_1", "s3://a/doc_1/a.pdf", "00"),
        delivery_id("doc_1", "s3://b/doc_1/a.pdf", "00"),
        delivery_id("doc_1", "s3://a/doc_1/a.pdf", "01"),
        delivery_id("doc_1", "sqs://a", "00", "routed", "1"),
        delivery_id("doc_1", "sqs://a", "00", "routed", "2"),
        delivery_id("doc_1", "sqs://a", "00", "corrected", "2"),
    ]
    assert len(set(ids)) == len(ids)
    assert ids[0] == document_id(Origin(kind="folder", locator="a.pdf", sender="who"), "00")


def test_parts_of_an_id_cannot_run_into_each_other() -> None:
    assert document_id(Origin(kind="ab", locator="c"), "d") != document_id(Origin(kind="a", locator="bc"), "d")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("submit", "doc_x", 0), "submit:doc_x:0"),
        (("deliver", "dlv_x", "replay", 3), "deliver:dlv_x:replay:3"),
        (("react", "cls-1", "classify.success"), "react:cls-1:classify.success"),
        (("alert", "job.failed", "cut", "doc_x", "job-1", "so broken"), "alert:job.failed:cut:doc_x:job-1:so broken"),
        (("react", "cls-1:classify.success", "swept:0"), "react:cls-1%3Aclassify.success:swept%3A0"),
        (("react", "", "", "100%"), "react:::100%25"),
        (("react", "\r\n\x9b", "é📬 "), "react:%0D%0A%C2%9B:é📬 "),
    ],
)  # fmt: skip
def test_a_task_id_reads_as_it_did_and_quotes_what_could_be_taken_for_something_else(
    parts: tuple[str, ...], expected: str
) -> None:
    assert task_id(*parts) == expected


ANY_TEXT = st.text(st.sampled_from(":%>\0\1\x7f\n/ab3A") | st.characters(codec=None), max_size=6)


@given(st.lists(ANY_TEXT, min_size=1, max_size=5), st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_different_parts_give_different_task_ids(some: list[str], others: list[str]) -> None:
    assert (task_id(*some) == task_id(*others)) == (some == others)
    assert id_parts(task_id(*some)) == tuple(some)
    assert not re.search(r"[\x00-\x1f\x7f]", task_id(*some))


def test_an_id_is_never_cut_short() -> None:
    far = "x" * 5000
    assert task_id("notify", far, "slack") != task_id("notify", far, "log")


WHOLE_TEXT = st.text(st.sampled_from("\0\1\2\3ab"), max_size=5)


@given(st.tuples(*[WHOLE_TEXT] * 3), st.tuples(*[WHOLE_TEXT] * 3))
def test_different_parts_give_different_delivery_ids(item: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    made = [delivery_id(*parts) for parts in (item, other)]
    assert (made[0] == made[1]) == (item == other)


@pytest.mark.parametrize(
    ("place", "marked"),
    [
        ("s3://mail/failed/doc-1/a.pdf", "s3://mail/failed/doc-1/a-0123abcd.pdf"),
        ("s3://mail/v1.2/doc-1", "s3://mail/v1.2/doc-1-0123abcd"),
        ("folder:///x/archive.tar.gz", "folder:///x/archive.tar-0123abcd.gz"),
        ("folder:///x/.hidden", "folder:///x/.hidden-0123abcd"),
        ("folder:///x/2026. a long sentence", "folder:///x/2026. a long sentence-0123abcd"),
    ],
)
def test_other_bytes_lie_beside_those_before(place: str, marked: str) -> None:
    assert place_beside(place, "0123abcd" * 8) == marked
