"""What a file is, by its content; and what is no mail, before anything is uploaded."""

import pytest

from receiver.core.media import MAIL, PDF, UNKNOWN, media_type, refusal

EMAIL = b"Return-Path: <a@example.com>\r\nFrom: a@example.com\r\nTo: b@example.com\r\nSubject: s\r\n\r\nbody"


def zipped(entry: str) -> bytes:
    return b"PK\x03\x04" + bytes(26) + entry.encode() + b"\x00" * 50


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"%PDF-1.7", "letter.png", PDF),
        (b"junk\n%PDF-1.4", "letter", PDF),
        (b"\x89PNG\r\n\x1a\n", "letter.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0", "scan", "image/jpeg"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "scan", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVE\xac", "scan.webp", UNKNOWN),
        (b"BM" + bytes(12) + b"\x28\x00\x00\x00", "scan.bmp", "image/bmp"),
        (b"BMW Group, 80788 Munich, Germany", "scan.bmp", "text/plain"),
        (b"<html><body>", "letter.pdf", "text/html"),
        (b"Dear Sir", "letter.pdf", "text/plain"),
        (b"\x00\x01\xfe", "letter.pdf", UNKNOWN),
        (b"a,b\n1,2", "table.csv", "text/csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "table.xls", "application/vnd.ms-excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "letter.bin", "application/msword"),
        (EMAIL, "4f9dk2", MAIL),
        (b"From a@example.com Mon Jan\n" + EMAIL, "mbox", MAIL),
        (b"Subject: minutes\nof a meeting", "notes.txt", "text/plain"),
    ],
)
def test_the_content_tells_where_it_can_and_the_name_where_not(head: bytes, name: str, kind: str) -> None:
    assert media_type(head, name) == kind


@pytest.mark.parametrize(
    ("head", "name", "said"),
    [
        (b"", "empty.pdf", "is empty"),
        (b"MZ\x90\x00", "invoice.pdf", "is a program"),
        (b"\x7fELF", "invoice.pdf", "is a program"),
        (b"Rar!\x1a\x07\x00", "mail.rar", "is an archive (rar)"),
        (b"\x1f\x8b\x08", "mail.pdf.gz", "is an archive (gzip)"),
        (zipped("letter.pdf"), "mail.zip", "is an archive (zip)"),
        (zipped("word/letter.pdf"), "mail.zip", "is an archive (zip)"),
        (b"a.pdf".ljust(257, b"\0") + b"ustar\x0000" + b"%PDF-1.7", "mail.pdf", "is an archive (tar)"),
        (b"\x20\x80-lh5-", "mail.lzh", "is an archive (lzh)"),
        (b"MSCF\0\0\0\0", "mail.cab", "is an archive (cab)"),
        (b"\x28\xb5\x2f\xfd", "mail.zst", "is an archive (zstd)"),
        (bytes(32769) + b"CD001", "mail.img", "is an archive (iso)"),
        (b"!BDN", "mail.pst", "is a mailbox of Outlook's (pst)"),
    ],
)
def test_what_is_surely_no_document_is_refused(head: bytes, name: str, said: str) -> None:
    assert refusal(head, name).startswith(said)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7", "a.pdf"),
        (zipped("[Content_Types].xml"), "letter"),
        (zipped("mimetypeapplication/epub+zip"), "book"),
        (zipped("anything"), "letter.docx"),
        (zipped("word/document.xml"), "letter"),
        (b"MZ/123 is cancelled.", "letter.txt"),
        (b"whatever it is", "letter.xyz"),
        (b"\x00\x05\x16\x07", "unheard-of"),
    ],
)
def test_what_llamacloud_may_take_is_left_to_llamacloud(head: bytes, name: str) -> None:
    assert refusal(head, name) == ""


def test_only_a_pdf_can_be_a_packet() -> None:
    assert "only a PDF can be cut" in refusal(zipped("a.pdf") + b"%PDF-1.7", "letter.docx", packet=True)
    assert refusal(b"%PDF-1.7", "a.pdf", packet=True) == ""
    assert "only a PDF can be cut" in refusal(b"\x89PNG\r\n\x1a\n", "a.png", packet=True)
