"""Values that mean something else than they say are told of, and those that mean what they say are not."""

import mimetypes
from typing import Any

import pytest
import yaml

from receiver.config import parse
from receiver.config.languages import COUNTRIES, LANGUAGES
from receiver.core.errors import Misconfigured


def told(when: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    """The warnings about a file whose row has these conditions."""
    rules = [{"type": "invoice", "description": "has a number and a total amount"}]
    row = {"type": "invoice", "min_confidence": 0.5, "when": when or {}, "review": True}
    ways: dict[str, Any] = {way: {"review": True} for way in ("no_match", "low_confidence", "failed")}
    file = {"classify": {"rules": rules} | sections.pop("classify", {}), "routes": [row], **ways, **sections}
    return [str(item) for item in parse(yaml.safe_dump(file), {}).warnings]


ODD = [
    ({"sender": "acme.example"}, "sender: 'acme.example' matches no address: it has no @; write *@acme.example"),
    ({"sender": "@acme.example"}, "matches only that exact text; write *@acme.example"),
    ({"sender": "ann@"}, "matches only that exact text; write ann@*"),
    ({"sender": "mailto:ann@acme.example"}, "matches no address; write ann@acme.example"),
    ({"source": "email", "sender": "mail.acme.example"}, "write *@mail.acme.example"),
    ({"recipient": "acme.example"}, "write *@acme.example"),
    ({"recipient": "invoices"}, "'invoices' matches no address: it has no @; write it whole, or with *"),
    ({"recipient": "Ann <ann@acme.example>"}, "write the address alone"),
    ({"any": [{"sender": "acme.example"}]}, "when.any[0].sender: 'acme.example' matches no address"),
    ({"not": {"recipient": "acme.example"}}, "when.not.recipient: 'acme.example' matches no address"),
    ({"name": "in/*.pdf"}, "'in/*.pdf' has a folder, but names have none; write *.pdf"),
    ({"name": "in\\fax.pdf"}, "has a folder, but names have none; write fax.pdf"),
    ({"name": "scans/"}, "leave the folder out"),
    ({"name": ".pdf"}, "write *.pdf"),
    ({"name": "*.pdf, *.png"}, "'*.pdf, *' in '*.pdf, *.png' is literal: one pattern is not a list; write a list"),
    ({"name": "*.pdf|*.png"}, "'*.pdf|*' in"),
    ({"name": "*.{pdf,png}"}, "'*.{pdf,png}' in"),
    ({"name": ".*invoice.*"}, "looks like a regular expression"),
    ({"subject": "^invoice"}, "looks like a regular expression"),
    ({"subject": "*invoice "}, "has leading or trailing white space, which is literal"),
    ({"metadata": {"po": "47\\d+"}}, "when.metadata.po: '47\\\\d+' looks like a regular expression"),
    ({"media_type": "application/pfd"}, "Mailroom never detects 'application/pfd'; did you mean application/pdf?"),
    ({"media_type": "image/jpg"}, "Mailroom never detects 'image/jpg'; did you mean image/jpeg?"),
    ({"media_type": "images/*"}, "Mailroom never detects 'images/*'"),
    (
        {"sender": "ann@acme.example, bob@acme.example"},
        "', ' in 'ann@acme.example, bob@acme.example' matches no address",
    ),
    (
        {"sender": "!*@acme.example"},
        "'!' in '!*@acme.example' matches no address; write a list: [a, b]; put exclusions under",
    ),
    ({"recipient": "ann @acme.example"}, "' ' in 'ann @acme.example' matches no address"),
    ({"name": "!*.pdf"}, "! in '!*.pdf' is literal; write not: {name: '*.pdf'}"),
    ({"name": "pdf"}, "'pdf' matches only that exact text; write *.pdf"),
    ({"subject": "(invoice|bill)"}, "looks like a regular expression"),
    ({"subject": "%invoice%"}, "has a literal % at its ends; write *invoice*"),
    ({"min_size": "2 GB"}, "LlamaCloud accepts no file of this size"),
]


@pytest.mark.parametrize(("when", "said"), ODD)
def test_conditions_that_mean_something_else_are_told_of(when: dict[str, Any], said: str) -> None:
    (warning,) = told(when)
    assert said in warning


RIGHT = [
    {"sender": "*@acme.example"},
    {"sender": "*acme.example"},
    {"sender": "ann@acme.example"},
    {"sender": "ann"},
    {"sender": "10.0.0.5"},
    {"sender": "AWS:AIDA1234:ann"},
    {"source": "folder", "sender": "john.doe"},
    {"source": ["s3", "upload"], "any": [{"sender": "acme.example"}]},
    {"recipient": "glob:invoices[0-9]@acme.example"},
    {"recipient": "invoices+acme@*"},
    {"name": "*.pdf"},
    {"name": "report.*"},
    {"name": ["README", "scan.pdf", ".profile"]},
    {"subject": "!important: *"},
    {"name": "Rechnung, *.pdf"},
    {"name": "*{draft}*"},
    {"subject": "Re: your 100 $ invoice"},
    {"subject": "a/b | c, d"},
    {"media_type": "image/*"},
    {"media_type": ["message/rfc822", "application/pkcs7-mime", "multipart/related", "image/webp"]},
    {"media_type": "application/vnd.some-vendor.some-format"},
    {"media_type": "application/x-of-our-own"},
    {"media_type": "*"},
    {"min_size": "500 MB", "max_size": "2 GB"},
]


@pytest.mark.parametrize("when", RIGHT)
def test_conditions_that_mean_what_they_say_are_left_alone(when: dict[str, Any]) -> None:
    assert told(when) == []


def test_every_media_type_that_a_name_can_have_is_known() -> None:
    mimetypes.guess_type("x.pdf")
    assert told({"media_type": sorted(set(mimetypes.types_map.values()))}) == []


@pytest.mark.parametrize("key", ["sender", "min_pages", "metadata", "any", "not", "duplicate"])
def test_a_condition_without_a_value_is_refused_and_not_left_out(key: str) -> None:
    """The row would take everything."""
    with pytest.raises(Misconfigured, match=rf"routes\[0\].when.{key}: is empty; write a condition, or leave it out"):
        told({key: None})


def test_a_number_as_a_pattern_is_refused_with_its_quotes() -> None:
    with pytest.raises(Misconfigured, match=r'when.sender: must be text \(got 123\); put it in quotes: "123"'):
        told({"sender": 123})


@pytest.mark.parametrize("key", ["name", "sender", "subject", "media_type", "parent_category", "source"])
def test_a_pattern_of_nothing_is_refused(key: str) -> None:
    for pattern in ("glob:", "glob:  ", "", "  "):
        with pytest.raises(Misconfigured, match=rf"routes\[0\].when.{key}"):
            told({key: pattern})


def test_a_pattern_of_nothing_is_refused_wherever_patterns_are() -> None:
    with pytest.raises(Misconfigured, match="'glob:' is an empty pattern; write it out"):
        told({"not": [{"metadata": {"po": "glob:"}}]})
    with pytest.raises(Misconfigured, match="resubmit"):
        told(resubmit={"when": ["glob:"]})


@pytest.mark.parametrize(("code", "fix"), [("xx", "write en, de, fr or another one"), ("jp", "did you mean ja?")])
def test_a_code_of_no_language_is_told_of(code: str, fix: str) -> None:
    assert told(classify={"parsing": {"lang": code}}) == [
        f"warning: classify.parsing.lang: no language has the code {code!r} (ISO 639-1); {fix}"
    ]


@pytest.mark.parametrize("code", [*sorted(LANGUAGES), "fil", "zh-Hans", "de_AT", "rs_latin"])
def test_a_code_of_a_language_is_left_alone(code: str) -> None:
    assert told(classify={"parsing": {"lang": code}}) == []


def test_the_hints_at_languages_are_languages() -> None:
    assert set(COUNTRIES.values()) <= LANGUAGES
    assert not LANGUAGES & set(COUNTRIES)
