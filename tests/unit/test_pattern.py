"""Patterns compare what people see, whatever way a keyboard or a file system writes it."""

import re
import unicodedata
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from receiver.core.pattern import literal, matches, once_a_class, pattern_covers


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*R\u00e9sum\u00e9*", "my re\u0301sume\u0301.pdf"),
        ("*re\u0301sume\u0301*", "My R\u00c9SUM\u00c9.pdf"),
        ("stra\u00dfe", "STRASSE"),
        ("STRASSE*", "Stra\u00dfe 5"),
        ("*\ufb01nance*", "Finance report"),
        ("*[EXTERNAL]*", "Fwd: [external] your invoice"),
        ("glob:scan[0-9].pdf", "SCAN3.pdf"),
        ("glob:[!a]*", "b"),
        ("*\uff0a*", "five * four"),
        ("a?c", "aBc"),
        ("*", ""),
        ("**", "anything"),
        ("a*b?c*", "A--bXc--"),
    ],
)
def test_a_pattern_fits(pattern: str, text: str) -> None:
    assert matches([pattern], text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*[EXTERNAL]*", "hello"),
        ("scan[0-9].pdf", "scan3.pdf"),
        ("*\uff0a*", "anything"),
        ("?", ""),
        ("*.pdf", "a.pdf.exe"),
        ("acme", "acme.example"),
    ],
)
def test_a_pattern_does_not_fit(pattern: str, text: str) -> None:
    assert not matches([pattern], text)


PIECES = st.text(st.sampled_from("ab\u00e9\u00c9\u00df\u0130\ufb01*?[]-!. ") | st.characters(codec="utf-8"), max_size=6)


@given(PIECES, PIECES)
def test_composed_and_decomposed_are_the_same_on_both_sides(pattern: str, text: str) -> None:
    forms = [
        matches([unicodedata.normalize(item, pattern)], unicodedata.normalize(other, text))
        for item in ("NFC", "NFD")
        for other in ("NFC", "NFD")
    ]
    assert len(set(forms)) == 1


PLAIN = st.text("abAB.@-*? ", max_size=8)


@given(st.lists(PLAIN, min_size=1, max_size=4), PLAIN)
def test_without_brackets_it_is_what_a_shell_says(patterns: list[str], text: str) -> None:
    shell = any(fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)
    assert matches(patterns, text) == shell


@given(st.text(st.characters(codec="utf-8"), max_size=10).filter(lambda text: not re.search(r"[*?]|^glob:", text)))
@example("\ue000\ue001\ue002\ue003")
def test_text_without_wildcards_fits_itself(text: str) -> None:
    assert matches([text], text)
    assert literal(text) is not None


@given(PLAIN, PLAIN, st.lists(PLAIN, max_size=20))
def test_what_covers_another_fits_whatever_that_fits(wide: str, narrow: str, texts: list[str]) -> None:
    texts = [*texts, narrow.replace("*", "").replace("?", "x"), narrow.replace("*", "xay").replace("?", "b")]
    if pattern_covers(wide, narrow):
        assert not [text for text in texts if matches([narrow], text) and not matches([wide], text)]


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "a*"),
        ("*.pdf", "scan*.pdf"),
        ("*@acme.example", "ann@acme.example"),
        ("Stra\u00dfe", "strasse"),
        ("*a*", "?a?"),
    ],
)
def test_what_surely_covers_is_seen_to(wide: str, narrow: str) -> None:
    assert pattern_covers(wide, narrow)


def test_brackets_that_shells_read_as_a_class_are_found_where_a_class_was_probably_meant() -> None:
    classes = ["scan[0-9].pdf", "[!x]*", "[Ss]can*", "[*]", "a[[]b", "[abc]"]
    assert [once_a_class(item) for item in classes] == ["[0-9]", "[!x]", "[Ss]", "[*]", "[[]", "[abc]"]
    texts = ["*[EXTERNAL]*", "scan [1].pdf", "glob:scan[0-9]", "[acme] *", "a[b"]
    assert [once_a_class(item) for item in texts] == [""] * len(texts)
