"""Office files: known by their content, read page by page, slide by slide, sheet by sheet."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from llamacloud_sandbox.reading import Unreadable
from support import bombs, old_office
from support.reading import read

OFFICE = "http://schemas.openxmlformats.org"
NAMESPACES = {
    "default": (f"{OFFICE}/wordprocessingml/2006/main", f"{OFFICE}/officeDocument/2006/relationships"),
    "strict": ("http://purl.oclc.org/ooxml/wordprocessingml/main", "http://purl.oclc.org/ooxml/officeDocument/relationships"),
}  # fmt: skip
W = NAMESPACES["default"][0]


def texts(folder: Path, content: bytes) -> list[str]:
    path = folder / "file"
    path.write_bytes(content)
    return [page.text for page in read(path).pages]


def a_zip(parts: dict[str, str]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def a_docx(body: str, *, prolog: str = "", namespace: str = W, **others: str) -> bytes:
    document = f'{prolog}<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>'
    headers = {
        f"word/{name}.xml": f'<w:hdr xmlns:w="{namespace}">{a_paragraph(text)}</w:hdr>' for name, text in others.items()
    }
    return a_zip({"word/document.xml": document, **headers})


def a_paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def a_pptx(relations: str, *slides: str) -> bytes:
    """Its slides, in the reverse order of the names of their files."""
    parts = {
        "ppt/presentation.xml": f'<p:presentation xmlns:p="p" xmlns:r="{relations}"><p:sldIdLst>'
        + "".join(f'<p:sldId id="{256 + each}" r:id="r{each}"/>' for each in range(len(slides)))
        + "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": "<Relationships>"
        + "".join(
            f'<Relationship Id="r{each}" Target="slides/slide{len(slides) - each}.xml"/>' for each in range(len(slides))
        )
        + "</Relationships>",
    }
    for each, text in enumerate(slides):
        slide = f'<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>'
        parts[f"ppt/slides/slide{len(slides) - each}.xml"] = slide
    return a_zip(parts)


def an_open_document(kind: str, body: str, **parts: str) -> bytes:
    names = 'xmlns:office="o" xmlns:text="t" xmlns:table="b" xmlns:draw="d" xmlns:style="s"'
    content = f"<office:document-content {names}><office:body>{body}</office:body></office:document-content>"
    others = {f"{name}.xml": f"<office:styles {names}>{text}</office:styles>" for name, text in parts.items()}
    return a_zip({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content, **others})


@pytest.mark.parametrize("written", NAMESPACES)
def test_a_word_document_gives_its_paragraphs_its_letterhead_and_its_page_breaks(tmp_path: Path, written: str) -> None:
    body = f'{a_paragraph("Dear Ms Wu,")}<w:p><w:r><w:br w:type="page"/><w:t>Page two</w:t></w:r></w:p>'
    document = a_docx(body, namespace=NAMESPACES[written][0], header1="Acme Ltd")
    assert texts(tmp_path, document) == ["Acme Ltd\n\nDear Ms Wu,", "Page two"]


def test_a_word_document_is_the_part_that_its_package_names(tmp_path: Path) -> None:
    kind = NAMESPACES["default"][1] + "/officeDocument"
    relations = f'<Relationships><Relationship Id="r1" Type="{kind}" Target="/word/document2.xml"/></Relationships>'
    document = f'<w:document xmlns:w="{W}">{a_paragraph("Dear Ms Wu,")}</w:document>'
    assert texts(tmp_path, a_zip({"_rels/.rels": relations, "word/document2.xml": document})) == ["Dear Ms Wu,"]


def test_a_presentation_with_sections_gives_each_slide_once(tmp_path: Path) -> None:
    plain = a_pptx(NAMESPACES["default"][1], "Roadmap", "Numbers")
    with zipfile.ZipFile(BytesIO(plain)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    section = '<s:section xmlns:s="s" name="First"><s:sldIdLst><s:sldId id="256"/></s:sldIdLst></s:section>'
    head, end, tail = parts["ppt/presentation.xml"].rpartition("</")
    parts["ppt/presentation.xml"] = f"{head}{section}{end}{tail}"
    assert texts(tmp_path, a_zip(parts)) == ["Roadmap", "Numbers"]


def test_cells_of_a_word_table_stay_on_one_line(tmp_path: Path) -> None:
    cells = "".join(f"<w:tc>{a_paragraph(text)}</w:tc>" for text in ("Lamp", "40.00"))
    (page,) = texts(tmp_path, a_docx(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"))
    assert page == "Lamp \t40.00"


def test_what_a_word_document_says_twice_for_older_programs_is_read_once(tmp_path: Path) -> None:
    twice = f"<w:Choice>{a_paragraph('Box')}</w:Choice><w:Fallback>{a_paragraph('Box')}</w:Fallback>"
    assert texts(tmp_path, a_docx(f"<w:AlternateContent>{twice}</w:AlternateContent>"))[0].split() == ["Box"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_word_document_that_declares_entities_is_refused(tmp_path: Path, encoding: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?>{" " * 5_000}<!DOCTYPE w [<!ENTITY a "aaaa">]><w/>'
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", xml.encode(encoding))
    with pytest.raises(Unreadable, match="damaged"):
        texts(tmp_path, buffer.getvalue())


@pytest.mark.parametrize("written", NAMESPACES)
def test_a_presentation_gives_its_slides_in_their_order(tmp_path: Path, written: str) -> None:
    assert texts(tmp_path, a_pptx(NAMESPACES[written][1], "Roadmap", "Numbers", "Thanks")) == [
        "Roadmap",
        "Numbers",
        "Thanks",
    ]


@pytest.mark.parametrize("strict", [False, True], ids=["default", "strict"])
def test_a_workbook_gives_a_line_for_each_row(tmp_path: Path, strict: bool) -> None:
    (page,) = texts(tmp_path, bombs.a_workbook(["Amount due", "40.5"], ["Total", "1200"], strict=strict))
    assert page == "Accounts\nAmount due\t40.50\nTotal\t1200"


def test_an_old_excel_workbook_is_read(tmp_path: Path) -> None:
    assert texts(tmp_path, old_office.WORKBOOK) == ["Invoice\nInvoice number\t2291\nAmount due\t192.50"]


def test_an_open_document_text_gives_its_paragraphs_its_letterhead_and_its_page_breaks(tmp_path: Path) -> None:
    body = (
        "<office:text><text:h>Rental<text:tab/>agreement</text:h><text:p>between <text:span>Ann</text:span>"
        "<text:s text:c='3'/>and Bob</text:p><text:p><text:soft-page-break/>Page two</text:p></office:text>"
    )
    styles = "<style:header><text:p>Acme Ltd</text:p></style:header><style:footer><text:p>1</text:p></style:footer>"
    pages = texts(tmp_path, an_open_document("text", body, styles=styles))
    assert pages == ["Acme Ltd\n\nRental\tagreement\nbetween Ann   and Bob", "Page two"]


def test_an_open_document_presentation_gives_its_slides(tmp_path: Path) -> None:
    slides = "".join(f"<draw:page><text:p>{text}</text:p></draw:page>" for text in ("Roadmap", "Numbers"))
    assert texts(tmp_path, an_open_document("presentation", slides)) == ["Roadmap", "Numbers"]


def test_an_open_document_spreadsheet_gives_a_line_for_each_row(tmp_path: Path) -> None:
    names = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:'
        'xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    )
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        for text in ("Amount due", "forty")
    )
    sheet = f'<table:table table:name="Accounts"><table:table-row>{cells}</table:table-row></table:table>'
    content = (
        f"<office:document-content {names}><office:body><office:spreadsheet>{sheet}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = f'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><m:file-entry m:media-type="{kind}" m:full-path="/"/></m:manifest>'  # noqa: E501
    parts = {"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest}
    assert texts(tmp_path, a_zip(parts)) == ["Accounts\nAmount due\tforty"]


def test_rich_text_gives_its_paragraphs_and_its_page_breaks(tmp_path: Path) -> None:
    written = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Vertrag f\'fcr M\u252?ller\par 12\par\page Seite zwei}"
    )
    assert texts(tmp_path, written) == ["Vertrag für Müller\n12", "Seite zwei"]


def test_an_outlook_message_gives_its_head_its_text_and_the_names_of_what_is_attached(tmp_path: Path) -> None:
    (page,) = texts(tmp_path, old_office.MESSAGE)
    assert page.splitlines()[0] == 'From: "Ann Wu" <ann@example.org>'
    assert "Subject: Your order\n\nPlease pay the invoice." in page
    assert page.endswith("Attachment: bill.pdf")


def test_an_outlook_message_is_read_whatever_code_page_its_texts_are_in(tmp_path: Path) -> None:
    assert texts(tmp_path, old_office.ODD_MESSAGE) == ["Subject: Prüfung\n\n請付款\n\nAttachment: without a name"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (old_office.WORD, r"old Word document \(\.doc\)"),
        (old_office.ENCRYPTED, "encrypted"),
        (a_zip({"notes.txt": "hello"}), "ZIP archive"),
        (a_zip({"word/document.xml": "<w:document"}), "damaged"),
        (a_zip({"ppt/presentation.xml": "<p/>"}), "damaged"),
        (a_zip({"xl/workbook.xml": "<x/>"}), "damaged"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_reason(tmp_path: Path, content: bytes, cause: str) -> None:
    with pytest.raises(Unreadable, match=cause):
        texts(tmp_path, content)
