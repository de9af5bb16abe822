"""Failures of one cause have one fingerprint, whatever ids, numbers and names their messages hold."""

import builtins
import errno
import os
import re
import string
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.fingerprint import CAUSE_KEPT, KNOWN, cause_of
from receiver.core.ids import short_hash
from receiver.core.masking import masked

DOCS = Path(__file__).parents[2] / "docs"
CALENDAR = {"january", "february", "april", "june", "july", "september", "october", "november", "december",
            "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}  # fmt: skip
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
    # From reports of users of the vendor's SDKs.
    ("locked", "Failed to parse the PDF file: Job failed: PDF_IS_PROTECTED", "Job failed: PDF_IS_PROTECTED"),
    ("damaged", "Failed to parse the file: [d50bdaa7-a442-48c4-a710-41f2cbf8d50b], status: ERROR.",
     "Error while parsing the file './pdfs/59e90ce6-application.pdf': Failed to parse the file: PDF_IS_BROKEN"),
    ("file-type", "Unsupported Type", "Unsupported type: image/heic"),
    ("vendor-fault", "An unknown error occurred during processing. Job id: e7207b3d-aff5-48f5-8dbc-eaa69c8b1c87",
     "Error while parsing the file '<bytes/buffer>': Failed to parse the file: {\"detail\":\"Oops! Something went "
     "wrong on our end. Please contact support providing this correlation ID: 32763f53-6c74-4505-b20e-39429911c785\"}"),
    ("", "parsing_error: Error on parsing: Result for Parsing Job b3148206-2b9d-465e-8218-d5a0739c8d06 not found. "
     "Check job status to see if it has completed.", "parsing_error: Error on parsing: Result for Parsing Job "
     "45be85ed-bf6a-400a-85f0-a3c4eb07fdbf not found. Check job status to see if it has completed."),
    ("", "Result for Extraction Job 4984ffdc-c7ce-47a8-9e3b-6eab135a1e26 not found.",
     "Result for Extraction Job pjb-abcdefab not found."),
    ("", "Error while parsing the file '../my_file.pdf': 'markdown'",
     "Error while parsing the file 'x y.pdf': 'text'"),
    ("", '{"detail":[{"loc":["body","language",0],"msg":"value is not a valid member; permitted: \'af\'"}]}',
     '{"detail":[{"loc":["body","mode",12],"msg":"value is not a valid member; permitted: \'a\', \'b\'"}]}'),
    # What splits one cause when it is not masked.
    ("", "Certificate of the model's host expired on Thu, 26 Nov 2026 15:31:47 +0100",
     "Certificate of the model's host expired on Tue, 1 Dec 2026 09:01:02 GMT"),
    ("", "The worker at [2001:db8::17]:8443 went away after 1h 30m",
     "The worker at [fe80::1]:443 went away after 90 s"),
    ("", "Access violation at 0x7ffe12 while reading 1 page", "Access violation at 0xDEADBEEF while reading 12 pages"),
    ("", "ページ「請求書」に文字がありません", "ページ「契約書 2026」に文字がありません"),
    ("", "請求書.pdfの文字コードが不明です", "契約書7.pdfの文字コードが不明です"),
    ("", "No such object: invoices/2026/11/x", "No such object: contracts/new/y"),
    ("", "Session sess_QwErTyUiOp is not known to the model", "Session sess-abcdef is not known to the model"),
    ("", "The quota of November is spent", "The quota of December is spent"),
    ("too-large", "Job failed: PDF_TOO_LARGE", "Failed to parse the PDF file: Job failed: PDF_TOO_LARGE"),
    ("too-large", "invoice-7.pdf is too large", "413 Request Entity Too Large"),
    ("", "Input should be a valid string [type=string_type, input_value=1.5, input_type=float]",
     "Input should be a valid string [type=string_type, input_value=7, input_type=int]"),
    ("", '{"detail": "Parser would not end"}', '{"detail": "Parser would not end", "request_id": "req_1234abcd"}'),
    ("", '{"detail": "Parser would not begin"}', '{"request_id": "req_1234abcd", "detail": "Parser would not begin"}'),
    ("", "redis-master:6379 refused the connection", "redis-replica-2:6379 refused the connection"),
    ("", "Connection to redis-master: reset by peer", "Connection to redis-replica-2: reset by peer"),
    ("", "Error code: 400 - {'error': {'message': \"You didn't pay for 3 pages\", 'param': None}}",
     "Error code: 400 - {'error': {'message': \"You didn't pay for 12 pages\", 'param': None}}"),
)  # fmt: skip


TWO: tuple[tuple[str, str], ...] = (
    # Texts that look alike, and mean two things: a person would mend each in another way.
    ("Error code: 400 - {'error': {'message': 'You exceeded your current quota', 'type': 'insufficient_quota', "
     "'param': None, 'code': None}}",
     "Error code: 400 - {'error': {'message': 'The response was filtered', 'type': 'content_filter', "
     "'param': None, 'code': None}}"),
    ("400 INVALID_ARGUMENT. {'error': {'code': 400, 'message': 'Request holds no text', 'status': 'INVALID_ARGUMENT'}}",
     "400 INVALID_ARGUMENT. {'error': {'code': 400, 'message': 'API key not valid', 'status': 'INVALID_ARGUMENT'}}"),
    ("Error code: 429 - {'error': {'message': \"You can't ask so often\"}}",
     "Error code: 429 - {'error': {'message': \"You can't ask this\"}}"),
    ("Error code: 401 - denied", "Error code: 403 - denied"),
    ("Client error '404 Not Found' for url 'https://a.example.com/x'",
     "Client error '401 Unauthorized' for url 'https://a.example.com/x'"),
    ("HTTP 402", "HTTP 500"),
    ("HTTP/1.1 402 from upstream", "HTTP/1.1 500 from upstream"),
    ("Model failed: ERR-1001", "Model failed: ERR-2002"),
    ("KeyError: 'type'", "KeyError: 'confidence'"),
    ("Step failed: 'the model was withdrawn'", "Step failed: 'the key has expired'"),
    ("Failed to load model weights", "Failed to load the file"),
    ("Unable to read secret llm-key", "Unable to read the PDF"),
    ("Failed to open connection to the index", "Failed to open document"),
    ("The file is not encrypted but a password was supplied", "The PDF is encrypted"),
    ("KMS key for encrypted bucket is disabled", "This is an encrypted PDF"),
    ("Prompt is too large", "The file is too large"),
)  # fmt: skip


@pytest.mark.parametrize(("item", "other"), TWO)
def test_texts_that_look_alike_and_mean_two_things_are_two_causes(item: str, other: str) -> None:
    assert cause_of(item) != cause_of(other)


def test_what_is_no_documents_fault_is_no_known_cause() -> None:
    known = {item.cause for item in KNOWN}
    assert {cause_of(item) for item, _ in TWO} & known == set()


@given(st.integers(400, 599), st.integers(400, 599))
@pytest.mark.parametrize("text", ["HTTP {}", "Error code: {} - no", "Server error '{} Not Now' for url 'http://x.y/z'"])
def test_a_code_of_http_tells_causes_apart(text: str, code: int, other: int) -> None:
    assert (cause_of(text.format(code)) == cause_of(text.format(other))) == (code == other)


@pytest.mark.parametrize(("cause", "item", "other"), VENDOR)
def test_the_vendors_texts_are_one_cause_whatever_stands_in_them(cause: str, item: str, other: str) -> None:
    assert cause_of(item) == cause_of(other)
    if cause:
        assert cause_of(item) == cause


def test_texts_of_different_causes_stay_apart() -> None:
    causes = {cause_of(item) for _, item, _ in VENDOR}
    assert len(causes) == len({cause for cause, _, _ in VENDOR if cause}) + sum(not cause for cause, _, _ in VENDOR)


def test_every_known_cause_is_in_the_list() -> None:
    assert {known.cause for known in KNOWN} == {cause for cause, _, _ in VENDOR if cause}


def test_the_documents_own_name_is_masked_with_and_without_its_extension() -> None:
    item = cause_of("my holiday photos.pdf: layer my holiday photos is odd", "my holiday photos.pdf")
    other = cause_of("Rechnung Müller.PDF: layer Rechnung Müller is odd", "Rechnung Müller.PDF")
    assert item == other == "<*>: layer <*> is odd"


def test_the_name_of_a_file_is_no_cause() -> None:
    assert (
        cause_of("Font 3 of encrypted.pdf is odd")
        == cause_of("Font 9 of 'timed out.pdf' is odd")
        == "font <*> of <*> is odd"
    )


def test_an_apostrophe_quotes_nothing() -> None:
    assert masked("It can't be done, and it won't") == "it can't be done, and it won't"


def test_words_are_no_ids() -> None:
    prose = "".join(page.read_text() for page in DOCS.glob("*.md"))
    known = [*dir(builtins), *dir(errno), *map(os.strerror, errno.errorcode), *(status.phrase for status in HTTPStatus)]
    said = re.sub(r"```.*?```|`[^`]*`|\S*[\d/:@.]\S*", " ", prose, flags=re.DOTALL)
    words = set(re.findall(r"\b[A-Za-z]+(?:[-_][A-Za-z]+)*\b", f"{said} {' '.join(known)}"))
    taken_for_ids = {word for word in words if masked(f"x {word} x") != f"x {word.casefold()} x"}
    assert {word for word in taken_for_ids if word.casefold() not in CALENDAR} == set()
    assert len(words) > 2000


@pytest.mark.parametrize(
    "text",
    [
        "it may be that a march in august sat on the sun",
        "read and/or write over tcp/ip, or either/or",
        "file-type, job-queue and mail-server are words; std::bad_alloc is a name",
        "pdf_is_broken, not job_not_found",
        "pypdf.errors.pdfreaderror: eof marker not found",
    ],
)
def test_words_that_look_like_values_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("text", ["", "\x00", "\ud83d half", "\u202e" * 50, "a" * 1_000_000, "'" * 5000, "<n>" * 2000])
def test_any_text_has_a_cause_that_is_not_endless(text: str) -> None:
    assert len(cause_of(text)) <= CAUSE_KEPT
    assert len(short_hash("job.failed", cause_of(text))) == 12


WORDS = st.sampled_from(["page", "layer", "table", "reader", "refuses", "stream", "font", "without", "anchor"])
TEMPLATES = st.lists(WORDS, min_size=3, max_size=8, unique=True)
HEX = st.text(st.sampled_from("0123456789abcdef"), min_size=12, max_size=12)
NAMES = st.text(st.sampled_from(string.ascii_letters + " äß"), min_size=1, max_size=30)
PARTS = st.text(st.sampled_from(string.ascii_letters + string.digits + "_-"), min_size=1, max_size=12).map("x".__add__)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
NUMBERS = st.integers(0, 10**6)
QUOTES = (
    '""',
    "''",
    "“”",
    "„“",
    "„”",
    "””",
    "«»",
    "»«",
    "‹›",
    "‘’",
    "‚‘",
    "``",
    "「」",
    "『』",
    "《》",
    "【】",
    "〝〟",
)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids().map(str),
    "uuid of letters": st.uuids().map(lambda item: str(item).translate(str.maketrans("0123456789", "ghijklmnop"))),
    "number": st.integers(0, 10**12).map(str) | st.floats(0, 1e20).map(str),
    "id": st.builds("{}-{}".format, st.sampled_from(["dfl", "pjb", "job", "run"]), HEX),
    "id of hex letters": st.from_regex(r"(job|run|req)[-_][a-f]{4,20}|[a-f]{8,20}", fullmatch=True),
    "id of consonants": st.from_regex(r"(job[-_])?[bdfjkmqvwxz]{6,20}", fullmatch=True),
    "id of mixed case": st.from_regex(r"(sess_)?([a-z][A-Z]){3,12}|([a-z]{1,3}[A-Z]){3,9}", fullmatch=True),
    "base64": st.binary(min_size=7, max_size=40).filter(lambda item: len(item) % 3).map(
        lambda item: str(b64encode(item), "ascii")
    ),
    "hex": NUMBERS.map(hex) | NUMBERS.map("0x{:X}".format),
    "IPv4": st.ip_addresses(v=4).map(str) | st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535)),
    "IPv6": st.ip_addresses(v=6).map(str) | st.builds("[{}]:{}".format, st.ip_addresses(v=6), st.integers(1, 65535)),
    "host": st.builds("{}.example.com:{}".format, PARTS, st.integers(1, 65535)),
    "mail address": PARTS.map("{}@example.com".format),
    "file": PARTS.map("{}.pdf".format) | PARTS.map("{}.HEIC".format),
    "path": st.lists(PARTS, min_size=1, max_size=6).map(lambda parts: "/" + "/".join(parts)),
    "relative path": st.lists(PARTS, min_size=3, max_size=6).map("/".join) | PARTS.map("./{}".format),
    "Windows path": st.lists(PARTS, min_size=1, max_size=6).map(lambda parts: "C:\\" + "\\".join(parts)),
    "URL": st.lists(PARTS, min_size=1, max_size=5).map(lambda parts: f"https://{'/'.join(parts)}?y=1#z"),
    "ISO 8601": MOMENTS.map(datetime.isoformat) | MOMENTS.map(lambda at: f"{at:%Y-%m-%d %H:%M}"),
    "RFC 2822": MOMENTS.map(format_datetime) | MOMENTS.map(lambda at: format_datetime(at, usegmt=True)),
    "written date": st.builds(
        datetime.strftime,
        MOMENTS,
        st.sampled_from(
            ["%d %B %Y", "%B %d, %Y", "%A, %d. %b %Y", "%b %d %H:%M:%S", "%d-%b-%Y", "%c", "%B %d %Y at %I:%M %p"]
        ),
    ),
    "duration": st.builds("{}{}".format, NUMBERS, st.sampled_from(["s", " ms", " seconds", " min", "h", " days"]))
    | st.builds("{}h {}m {}s".format, NUMBERS, NUMBERS, NUMBERS) | st.builds("PT{}H{}M".format, NUMBERS, NUMBERS),
    "size": st.builds("{}{}".format, NUMBERS, st.sampled_from(["B", " kB", "MiB", " GB", "M", " bytes", "%", " px"])),
    "quoted": st.builds(lambda name, marks: marks[0] + name + marks[1], NAMES, st.sampled_from(QUOTES)),
}  # fmt: skip
"""Sorts of values that stand in messages."""


@settings(max_examples=30)
@given(TEMPLATES, TEMPLATES, st.data())
@pytest.mark.parametrize("sort", VALUES)
def test_a_value_of_one_sort_never_changes_the_cause_and_words_do(
    sort: str, words: list[str], others: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, 3))

    def said(words: list[str]) -> str:
        return cause_of(" ".join([*words[:place], data.draw(VALUES[sort]), *words[place:]]))

    item = said(words)
    assert item == said(words)
    assert (item == said(others)) == (words == others)


@given(TEMPLATES, TEMPLATES)
def test_different_words_are_different_causes(item: list[str], other: list[str]) -> None:
    assert (cause_of(" ".join(item)) == cause_of(" ".join(other))) == (item == other)


@given(st.text(max_size=200), st.text(max_size=200))
def test_kind_and_cause_make_the_fingerprint(kind: str, cause: str) -> None:
    assert short_hash(kind, cause) == short_hash(kind, cause)
    assert short_hash(kind, cause) != short_hash(kind + "x", cause)
