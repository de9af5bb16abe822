"""Values from outside become parts of a path: harmless, recognisable, and each its own."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from receiver.core.document import NAMING, Classification, Origin
from receiver.core.object_key import NOBODY, UNTYPED, path_fields
from receiver.core.safe_names import NAME_BYTES, safe_file, safe_word
from tests.builders import a_document

VALUES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.text("ab./\\ _-@&\u0301\u00e9\u202e", max_size=8),
    st.text("ab", min_size=170, max_size=200),
)


def same(item: str, other: str) -> bool:
    """Whether the two are one text, spelt in two ways at most."""
    return unicodedata.normalize("NFC", item) == unicodedata.normalize("NFC", other)


@settings(max_examples=300)
@given(VALUES, VALUES)
@example("a.b@acme.example", "a_b@acme_example")
@example("ann@a.example", "ann@a.example/evil")
@example("ann@a.example/evil", "evil")
@example("a b", "a  b")
@example("x" * 300 + "1", "x" * 300 + "2")
@example("", "_")
def test_different_values_never_share_a_part(item: str, other: str) -> None:
    for made in (safe_file, safe_word):
        assert (made(item) == made(other)) == same(item, other)


@given(VALUES)
def test_nobody_gets_the_part_of_another_value_by_writing_it_down(value: str) -> None:
    for made in (safe_file, safe_word):
        part = made(value)
        assert same(part, value) or made(part) != part


@given(VALUES, st.integers(40, NAME_BYTES))
def test_a_part_is_harmless_and_bounded(value: str, most: int) -> None:
    for part in (safe_file(value, most=most), safe_word(value, most=most)):
        assert part
        assert not re.search(r"[/\\\x00-\x1f\x7f\u202a-\u202e{}*?\"<>|&$`]", part)
        assert not part.startswith((".", " "))
        assert not part.endswith((".", " "))
        assert len(part.encode()) <= most


@pytest.mark.parametrize(
    "value", ["invoice.pdf", "Rechnung M\u00e4rz (2).pdf", "a.b@acme.example", "tax form", "x_y-z+1=2"]
)
def test_what_can_stand_as_it_is_does(value: str) -> None:
    assert safe_file(value) == safe_word(value) == value


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", r"passwd-[0-9a-f]{16}"),
        ("what?*.pdf", r"what__-[0-9a-f]{16}\.pdf"),
        ("gpj.\u202efdp.exe", r"gpj\.fdp-[0-9a-f]{16}\.exe"),
        (".bashrc", r"bashrc-[0-9a-f]{16}"),
        ("...", r"_-[0-9a-f]{16}"),
        ("a" * 300 + ".pdf", r"a{159}-[0-9a-f]{16}\.pdf"),
    ],
)
def test_what_cannot_is_cleaned_and_marked_and_keeps_its_extension(name: str, safe: str) -> None:
    assert re.fullmatch(safe, safe_file(name))


def test_the_words_for_nothing_are_nobodys_names() -> None:
    named = a_document(naming=NAMING, category=UNTYPED, origin=Origin(kind="email", locator="x", sender=NOBODY))
    values = path_fields(named, Classification(type=UNTYPED, confidence=1))
    nothing = path_fields(a_document(naming=NAMING))
    for field in ("sender", "type", "category"):
        assert values[field] != nothing[field]
        assert values[field].startswith(f"{nothing[field]}-")
