"""Failures of one cause have one fingerprint, whatever ids, numbers and names their messages hold."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.fingerprint import CAUSE_KEPT, KNOWN, cause_of, masked
from receiver.core.naming import fingerprint

VENDOR: tuple[tuple[str, str, str], ...] = (
    # The cause, and two texts that LlamaCloud gives for it: from its error reference, and as they come from its API.
    ("source-gone", "Source file 7b0e0f1c-6d2a-4a57-9e55-1f2f6d1c1a01 not found in storage",
     "Source file dfl-93ab22ffe1 not found"),
    ("source-gone", "File dfl-0001abcd not found in project 182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e",
     "File 1e5e5e5e-6e1a-4fe4-a799-aa6d9a6ab26e not found in project prj-9"),
    ("other-project", "File ID dfl-77aa88bb is not in Project ID 182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e",
     "Parse Job ID pjb-1 is not in Project ID 0a0a0a0a-6e1a-4fe4-a799-aa6d9a6ab26e"),
    ("empty-file", "Uploaded file is empty.", "The PDF 'scan 0044.pdf' is empty"),
    ("locked", "The PDF is encrypted", "File payslip-2026-03.pdf is password-protected"),
    ("locked", "A password is required to open invoice_77.pdf", "Document requires a password"),
    ("damaged", "The file invoice-8.pdf is corrupted", "Failed to parse document: damaged xref table at 8812"),
    ("damaged", "Could not open file: not a valid PDF", "The file could not be parsed"),
    ("too-large", "File size (612.4 MB) exceeds the maximum of 512 MB", "File size (530 MB) exceeds the limit"),
    ("file-type", "Unsupported file type: .pages", "Unsupported file type: application/x-msdownload"),
    ("rate-limit", "Rate limit exceeded. Maximum 40 classify job creations per second.",
     "Rate limit exceeded. Please slow down."),
    ("credits", "You have used up your credits. Please upgrade your plan.",
     "This project has reached its daily usage limit."),
    ("unavailable", "Classify endpoints are currently unavailable.", "Service unavailable (correlation id 5-aa)"),
    ("vendor-fault", "Internal server error (correlation id 0d4cbb51-9f0b-4d3c-8c3a-61d7a3a9c111)",
     "Internal error. Correlation ID: 9f0b4d3c"),
    ("timed-out", "Parsing timed out after 1800 seconds", "The job timed out: 24 of 60 pages were read"),
    # Texts that no pattern knows: masked.
    ("", "Classify configuration cfg-1234abcd not found", "Classify configuration cfg-99999zzz not found"),
    ("", "Invalid classify configuration parameters for 7 rules",
     "Invalid classify configuration parameters for 12 rules"),
    ("", "Split configuration cfg-00ff00ff has no categories", "Split configuration cfg-1 has no categories"),
    ("", "Page 3 of 'Annual report.pdf' has no text layer", "Page 17 of \"Jahresbericht.pdf\" has no text layer"),
    ("", "No page matched the target pages 1,3,5-7 of dfl-abcd1234",
     "No page matched the target pages 2 of dfl-ffff0000"),
    ("", "OCR gave up on page 5 at 2026-11-26T08:16:32Z", "OCR gave up on page 12 at 2026-11-27 23:59:01"),
    ("", "Worker llm-7f9c6bd9c4-x2x8q lost its connection to 10.0.3.17:5432",
     "Worker llm-7f9c6bd9c4-9zzkq lost its connection to 10.0.4.200:5432"),
    ("", "Upstream answered 502 for https://storage.example.com/a/b?sig=aa",
     "Upstream answered 503 for https://storage.example.com/c"),
    ("", "Download of /mnt/jobs/8f2/in.bin stopped", "Download of /mnt/jobs/9a1/in.bin stopped"),
    ("", "Le document « facture mars » n'a pas de texte", "Le document « contrat » n'a pas de texte"),
)  # fmt: skip


@pytest.mark.parametrize(("cause", "one", "other"), VENDOR)
def test_the_vendors_texts_are_one_cause_whatever_stands_in_them(cause: str, one: str, other: str) -> None:
    assert cause_of(one) == cause_of(other)
    if cause:
        assert cause_of(one) == cause


def test_texts_of_different_causes_stay_apart() -> None:
    causes = {cause_of(one) for _, one, _ in VENDOR}
    assert len(causes) == len({cause for cause, _, _ in VENDOR if cause}) + sum(not cause for cause, _, _ in VENDOR)


def test_every_known_cause_is_in_the_list() -> None:
    assert {known.cause for known in KNOWN} == {cause for cause, _, _ in VENDOR if cause}


def test_the_documents_own_name_is_masked_with_and_without_its_extension() -> None:
    one = cause_of("my holiday photos.pdf: layer my holiday photos is odd", "my holiday photos.pdf")
    other = cause_of("Rechnung Müller.PDF: layer Rechnung Müller is odd", "Rechnung Müller.PDF")
    assert one == other == "<*>: layer <*> is odd"


def test_the_name_of_a_file_is_no_cause() -> None:
    assert (
        cause_of("Font 3 of encrypted.pdf is odd")
        == cause_of("Font 9 of 'timed out.pdf' is odd")
        == "font <*> of <*> is odd"
    )


def test_an_apostrophe_quotes_nothing() -> None:
    assert masked("It can't be done, and it won't") == "it can't be done, and it won't"


@pytest.mark.parametrize("text", ["", "\x00", "\ud83d half", "\u202e" * 50, "a" * 1_000_000, "'" * 5000, "<n>" * 2000])
def test_any_text_has_a_cause_that_is_not_endless(text: str) -> None:
    assert len(cause_of(text)) <= CAUSE_KEPT
    assert len(fingerprint("job.failed", cause_of(text))) == 12


WORDS = st.sampled_from(["page", "layer", "table", "reader", "refuses", "stream", "font", "without", "anchor"])
TEMPLATES = st.lists(WORDS, min_size=3, max_size=8, unique=True)
HEX = st.text(st.sampled_from("0123456789abcdef"), min_size=12, max_size=12)
VALUES = (
    st.uuids().map(str),
    st.integers(0, 10**12).map(str),
    HEX.map(lambda digits: f"dfl-{digits}"),
    HEX.map(lambda digits: f"pjb-{digits}"),
    st.text(st.sampled_from(string.ascii_letters + " äß"), min_size=1, max_size=30).map(lambda name: f'"{name}"'),
    st.text(st.sampled_from(string.ascii_letters + "_-"), min_size=1, max_size=30).map(lambda name: f"{name}x.pdf"),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.text(st.sampled_from(string.ascii_letters), min_size=1, max_size=20).map(lambda name: f"https://{name}/x?y=1"),
)
"""Sorts of values that stand in messages."""


@settings(deadline=None)
@given(TEMPLATES, st.data())
def test_a_value_of_one_sort_in_the_same_place_never_changes_the_cause(words: list[str], data: st.DataObject) -> None:
    values = data.draw(st.sampled_from(VALUES))
    place = data.draw(st.integers(1, len(words) - 1))
    texts = []
    for _ in range(2):
        value = data.draw(values)
        texts.append(" ".join([*words[:place], value, *words[place:]]))
    assert cause_of(texts[0]) == cause_of(texts[1])


@settings(deadline=None)
@given(TEMPLATES, TEMPLATES)
def test_different_words_are_different_causes(one: list[str], other: list[str]) -> None:
    assert (cause_of(" ".join(one)) == cause_of(" ".join(other))) == (one == other)


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_kind_and_cause_make_the_fingerprint(kind: str, cause: str) -> None:
    assert fingerprint(kind, cause) == fingerprint(kind, cause)
    assert fingerprint(kind, cause) != fingerprint(kind + "x", cause)
