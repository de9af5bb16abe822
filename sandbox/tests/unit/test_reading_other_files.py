"""Files other than PDFs: known by their content, read as far as they hold text."""

import zipfile
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest

from llamacloud_sandbox import docx, ocr, pdf
from llamacloud_sandbox.judge import LexicalJudge, Rule
from llamacloud_sandbox.reading import Unreadable, read
from support.pdf_fixtures import a_pdf, pdf_of

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
needs_tesseract = pytest.mark.skipif(not ocr.installed(), reason="tesseract is not installed")


def texts(folder: Path, content: bytes, *, recognise: bool = False) -> list[str]:
    path = folder / "file"
    path.write_bytes(content)
    return [page.text for page in read(path, "misleading.pdf", ocr=recognise).pages]


def a_docx(body: str, *, prolog: str = "", **others: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", f'{prolog}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
        for name, text in others.items():
            archive.writestr(
                f"word/{name}.xml", f'<w:hdr xmlns:w="{W}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:hdr>'
            )
    return buffer.getvalue()


def a_paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def a_scan(text: str) -> bytes:
    return pdf.picture(pdf_of(text), 1, dots_per_inch=200)


def test_a_word_document_gives_its_paragraphs_its_letterhead_and_its_page_breaks(tmp_path: Path) -> None:
    body = f'{a_paragraph("Dear Ms Wu,")}<w:p><w:r><w:br w:type="page"/><w:t>Page two</w:t></w:r></w:p>'
    assert texts(tmp_path, a_docx(body, header1="Acme Ltd")) == ["Acme Ltd\n\nDear Ms Wu,", "Page two"]


def test_cells_of_a_word_table_stay_on_one_line(tmp_path: Path) -> None:
    cells = "".join(f"<w:tc>{a_paragraph(text)}</w:tc>" for text in ("Lamp", "40.00"))
    (page,) = texts(tmp_path, a_docx(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"))
    assert page.split() == ["Lamp", "40.00"]


def test_a_word_document_that_declares_entities_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        texts(tmp_path, a_docx("", prolog='<!DOCTYPE w [<!ENTITY a "aaaa">]>'))


def test_a_word_document_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx, "LARGEST_PART", 1_000)
    with pytest.raises(Unreadable, match="too large"):
        texts(tmp_path, a_docx(a_paragraph("a" * 2_000)))


def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = (
        b"<!DOCTYPE html><html><head><style>p {color: red}</style><script>alert(1)</script></head>"
        b"<body><h1>Invoice&nbsp;12</h1><p>Amount\n due</p>"
        b"<table><tr><td>Lamp</td><td>40</td></tr></table></body></html>"
    )
    assert texts(tmp_path, page) == ["Invoice 12\nAmount due\nLamp\t40"]


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_plain_text_is_read_whatever_its_encoding_and_form_feeds_part_its_pages(tmp_path: Path, encoding: str) -> None:
    assert texts(tmp_path, "Vertrag für Müller\fSeite zwei".encode(encoding)) == ["Vertrag für Müller", "Seite zwei"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03\x04\x05" * 50, "not supported"),
        (b"\xd0\xcf\x11\xe0 old word", "old Office file"),
        (b"{\\rtf1 hello}", "RTF"),
        (b"PK\x03\x04 no zip after all", "ZIP"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_reason(tmp_path: Path, content: bytes, cause: str) -> None:
    with pytest.raises(Unreadable, match=cause):
        texts(tmp_path, content)


def test_a_picture_has_no_text_unless_recognised_and_the_verdict_says_so(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    verdict = LexicalJudge().classify(read(path, "scan.png"), (Rule("invoice", "a bill"),))
    assert verdict.type is None
    assert "--ocr" in verdict.reasoning


def test_without_tesseract_recognising_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="apt-get install tesseract-ocr"):
        read(a_pdf(tmp_path, ""), "scan.pdf", ocr=True)


@needs_tesseract
def test_a_picture_file_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(a_scan("INVOICE number 2291"))
    assert ocr.recognised(path.read_bytes()) == ["INVOICE number 2291"]


@needs_tesseract
def test_the_scanned_pages_of_a_pdf_are_recognised_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "mixed.pdf"
    path.write_bytes(pdf_of("typed and tiny", a_scan("Amount due 40.00")))
    assert [page.text for page in read(path, "x").pages] == ["typed and tiny", ""]
    assert [page.text for page in read(path, "x", ocr=True).pages] == ["typed and tiny", "Amount due 40.00"]


@needs_tesseract
def test_a_damaged_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        texts(tmp_path, b"\x89PNG\r\n\x1a\n and nothing more", recognise=True)
