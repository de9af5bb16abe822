"""Files other than PDFs: known by their content, read as far as they hold text."""

from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest

from llamacloud_sandbox.children import Children
from llamacloud_sandbox.formats import ocr, pdf
from llamacloud_sandbox.formats import texts as formats_texts
from llamacloud_sandbox.judge import LexicalJudge, Rule
from llamacloud_sandbox.reader import Reader
from llamacloud_sandbox.reading import Unreadable
from support.pdf_fixtures import a_pdf, pdf_of
from support.reading import read

needs_tesseract = pytest.mark.skipif(not ocr.installed(), reason="tesseract is not installed")


def texts(folder: Path, content: bytes, *, recognise: bool = False) -> list[str]:
    path = folder / "file"
    path.write_bytes(content)
    return [page.text for page in read(path, ocr=recognise).pages]


def a_scan(folder: Path, text: str) -> bytes:
    return pdf.picture(a_pdf(folder, text), 1, dots_per_inch=200)


def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = (
        b"<!DOCTYPE html><html><head><style>p {color: red}</style><script>alert(1)</script></head>"
        b"<body><h1>Invoice&nbsp;12</h1><p>Amount\n due</p>"
        b"<table><tr><td>Lamp</td><td>40</td></tr></table></body></html>"
    )
    assert texts(tmp_path, page) == ["Invoice 12\nAmount due\nLamp\t40"]


HTML = "<html><head><script>let contract</script></head><body><p>Prüfung 12</p></body></html>"


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff<!DOCTYPE html>{HTML}".encode(),
        f"<!DOCTYPE html>{HTML}".encode("utf-16"),
        f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD" "x">{HTML}'.encode(),
        f"<!-- saved from --> <!-- by hand -->\n{HTML}".encode("latin-1"),
        f'<?xml version="1.0" encoding="cp437"?>{HTML}'.encode("cp437"),
        HTML.replace("<head>", '<head><meta charset="mac-roman">').encode("mac-roman"),
        HTML.replace("<head>", '<head><meta charset="no-such">').encode("latin-1"),
    ],
)
def test_html_is_known_whatever_comes_before_it_and_in_whatever_encoding(tmp_path: Path, content: bytes) -> None:
    assert texts(tmp_path, content) == ["Prüfung 12"]


def test_a_file_of_comments_is_soon_known_not_to_be_html() -> None:
    assert not formats_texts.is_html(b"<!-- -->\n" * 400)


def test_a_mail_gives_its_head_its_text_and_the_names_of_what_is_attached(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "bob@example.org", "Grüße"
    message["Date"] = "Mon, 04 May 2026 10:00:00 +0000"
    message.set_content("Hello Bob")
    message.add_alternative("<p>Hello <b>Bob</b></p>", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="bill.pdf")
    (page,) = texts(tmp_path, message.as_bytes())
    assert page.splitlines()[:3] == ["From: ann@example.org", "To: bob@example.org", "Subject: Grüße"]
    assert page.count("Hello Bob") == 1
    assert page.endswith("Attachment: bill.pdf")


def test_a_mail_in_html_only_is_read_as_html(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Hi"
    message.set_content("<p>Amount <b>due</b></p>", subtype="html")
    assert texts(tmp_path, message.as_bytes())[0].endswith("Amount due")


def test_a_mail_that_begins_with_a_pdf_is_a_mail(tmp_path: Path) -> None:
    head = b"From: a@example.org\nTo: b@example.org\nSubject: Hi\nMIME-Version: 1.0\n"
    mail = head + b"Content-Type: application/pdf\nContent-Disposition: attachment\n\n%PDF-1.7 and so on"
    assert texts(tmp_path, mail)[0].startswith("From: a@example.org")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_plain_text_is_read_whatever_its_encoding_and_form_feeds_part_its_pages(tmp_path: Path, encoding: str) -> None:
    assert texts(tmp_path, "Vertrag für Müller\fSeite zwei".encode(encoding)) == ["Vertrag für Müller", "Seite zwei"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03\x04\x05" * 50, "not supported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no old Office file after all", "damaged"),
        (b"PK\x03\x04 no zip after all", "damaged"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_reason(tmp_path: Path, content: bytes, cause: str) -> None:
    with pytest.raises(Unreadable, match=cause):
        texts(tmp_path, content)


def test_a_picture_has_no_text_unless_recognised_and_the_verdict_says_so(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    verdict = LexicalJudge().classify(read(path), (Rule("invoice", "a bill"),))
    assert verdict.type is None
    assert "--ocr" in verdict.reasoning


def test_without_tesseract_recognising_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with closing(Children()) as children, pytest.raises(Unreadable, match="apt-get install tesseract-ocr"):
        Reader(children, ocr=True).read(a_pdf(tmp_path, ""), "scan.pdf", "0")


@needs_tesseract
def test_a_picture_file_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(a_scan(tmp_path, "INVOICE number 2291"))
    assert ocr.recognised(path.read_bytes()) == ["INVOICE number 2291"]


@needs_tesseract
def test_the_scanned_pages_of_a_pdf_are_recognised_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "mixed.pdf"
    path.write_bytes(pdf_of("typed and tiny", a_scan(tmp_path, "Amount due 40.00")))
    assert [page.text for page in read(path).pages] == ["typed and tiny", ""]
    assert [page.text for page in read(path, ocr=True).pages] == ["typed and tiny", "Amount due 40.00"]


@needs_tesseract
def test_a_damaged_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        texts(tmp_path, b"\x89PNG\r\n\x1a\n and nothing more", recognise=True)
