"""Small files that cost much: PDFs written object by object, and office documents that unpack to far more."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

_OPEN_XML = "http://schemas.openxmlformats.org"


def written_pdf(*objects: str, trailer: str = "") -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    out = BytesIO()
    out.write(b"%PDF-1.7\n")
    places = []
    for number, each in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{each}\nendobj\n".encode())
    start = out.tell()
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def nested_forms(levels: int = 9, times: int = 12) -> bytes:
    """A page whose form draws a form `times` times, which draws a form `times` times, and so on."""
    draws = "/F Do " * times
    forms = [
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /F {number} 0 R >> >> "
        f"/Length {len(draws)} >>\nstream\n{draws}\nendstream"
        for number in range(6, 5 + levels)
    ]
    text = "BT /T 9 Tf 9 9 Td (boom) Tj ET"
    leaf = (
        "<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /T << /Type /Font "
        f"/Subtype /Type1 /BaseFont /Helvetica >> >> >> /Length {len(text)} >>\nstream\n{text}\nendstream"
    )
    return written_pdf(*_one_page("/XObject << /F 5 0 R >>", draws), *forms, leaf)


def a_page_of_size(width: float, height: float, *, text: str = "Invoice number 4711") -> bytes:
    """A page with a line of text, as large as a PDF can say."""
    text = f"BT /T 12 Tf 72 72 Td ({text}) Tj ET"
    font = "/Font << /T << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    return written_pdf(*_one_page(font, text, f"0 0 {width:f} {height:f}"))


def an_xref_loop() -> bytes:
    """A PDF whose last cross-reference table says that the one before it is itself."""
    plain = written_pdf(*_one_page("", ""))
    start = plain.rindex(b"xref\n0")
    return plain.replace(b"/Root", b"/Prev %d /Root" % start)


def a_page_tree_loop() -> bytes:
    """A PDF whose page tree has itself as a child, and says that it has two thousand million pages."""
    return written_pdf(
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2000000000 /Parent 2 0 R >>"
    )


def a_zip_bomb(name: str, *, begin: str, fill: str, end: str, size: int, **others: str) -> bytes:
    """A ZIP with a part of `size` bytes at least, packed a thousand times smaller; `others` are further parts."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, text in others.items():
            archive.writestr(other, text)
        with archive.open(name, "w", force_zip64=True) as part:
            part.write(begin.encode())
            block = (fill * (1024 * 1024 // len(fill))).encode()
            for _ in range(size // len(block) + 1):
                part.write(block)
            part.write(end.encode())
    return buffer.getvalue()


def a_workbook_bomb(size: int) -> bytes:
    """A workbook whose sheet unpacks to `size` bytes."""
    parts = _workbook_parts('<row><c t="inlineStr"><is><t>END</t></is></c></row>')
    begin, end = parts.pop("xl/worksheets/sheet1.xml").split("<row>", 1)
    cell = '<row><c t="inlineStr"><is><t>aaaaaaaaaaaaaaaaaaaaaaaa</t></is></c></row>'
    return a_zip_bomb("xl/worksheets/sheet1.xml", begin=begin, fill=cell, end=f"<row>{end}", size=size, **parts)


def a_workbook(*rows: Sequence[str], strict: bool = False) -> bytes:
    """A workbook with one sheet, "Accounts"; a cell that reads like a number is one."""
    cells = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in _workbook_parts(cells).items():
            archive.writestr(name, _strict(text) if strict else text)
    return buffer.getvalue()


def _cell(text: str) -> str:
    number = text.replace(".", "").isdigit()
    return f"<c><v>{text}</v></c>" if number else f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def _workbook_parts(rows: str) -> dict[str, str]:
    main, office = f"{_OPEN_XML}/spreadsheetml/2006/main", f"{_OPEN_XML}/officeDocument/2006/relationships"
    related = f'<Relationships xmlns="{_OPEN_XML}/package/2006/relationships"><Relationship Id="r" Type="{office}/'
    return {
        "_rels/.rels": f'{related}officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Accounts" sheetId="1" '
        'r:id="r"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{related}worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }


def _strict(text: str) -> str:
    """The same in the namespaces of strict Office Open XML."""
    strict = "http://purl.oclc.org/ooxml"
    text = text.replace(f"{_OPEN_XML}/officeDocument/2006/relationships", f"{strict}/officeDocument/relationships")
    return text.replace(f"{_OPEN_XML}/spreadsheetml/2006/main", f"{strict}/spreadsheetml/main")


def _one_page(resources: str, content: str, box: str = "0 0 612 792") -> tuple[str, str, str, str]:
    return (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Resources << {resources} >> /Contents 4 0 R >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    )


def a_panic() -> bytes:
    """A binary workbook whose sheet has a relationship that is not there: calamine 0.37, which is in Rust, panics."""
    named = [len(text).to_bytes(4, "little") + text.encode("utf-16-le") for text in ("rId9", "Sheet")]
    sheet = bytes(8) + b"".join(named)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.bin", b"\x8f\x01\0\x9c\x01" + bytes([len(sheet)]) + sheet + b"\x90\x01\0")
        archive.writestr("xl/_rels/workbook.bin.rels", "<Relationships/>")
    return buffer.getvalue()
