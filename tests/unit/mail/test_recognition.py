"""Is it mail? By the header block, whatever stands before the fields that everybody knows."""

import pytest

from receiver.core.header_block import HEAD_BYTES, is_mail
from receiver.core.media import MAIL, OUTLOOK, SIGNED, TNEF, envelope, media_type
from tests.unit.mail.reading import HEADER

TRACE = b"".join(b"X-SES-SPAM-VERDICT-%d: PASS\r\n by somebody who writes long lines\r\n" % n for n in range(100))
RECEIVED = b"Received: from mx.example.com by mail.example.org with SMTP id 1; Thu, 26 Nov 2026 05:00:00 +0000\r\n"
MEMO = (
    b"To: All staff\nFrom: The Director\nDate: 26 November 2026\nSubject: Office closing\n\nThe office closes at noon."
)
SAVED = (
    b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://shop.example/1\r\nSubject: Invoice 1\r\n"
    b"Date: Thu, 26 Nov 2026 05:00:00 -0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
)
EXPLORER = SAVED.replace(b"<Saved by Blink>", b'"Saved by Windows Internet Explorer 8"').replace(b"Snapshot-", b"X-")


@pytest.mark.parametrize(
    "head",
    [
        HEADER + b"\r\nHello",
        b"Return-Path: <s@acme.example>\r\n" + RECEIVED + TRACE + HEADER + b"\r\nHello",
        RECEIVED * 200 + HEADER + b"\r\nHello",
        b"\xef\xbb\xbf" + HEADER,
        b"\r\n" + HEADER,
        b"From anna@example.com Thu Nov 26 05:00:00 2026\n" + HEADER,
        b"from: a@b.example\ndate: 26 Nov 2026 05:00 GMT\nto: c@d.example\n\nold and lower case",
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
        b"Subject: a draft\r\nTo: c@d.example\r\nMIME-Version: 1.0\r\n\r\n",
        RECEIVED + b"a line without a colon\r\nFrom: a@b.example\r\n\r\n",
        b"1234      \n" + HEADER,
        b"X-Unsent: 1\r\nSubject: a draft\r\nFrom: a@b.example\r\nMIME-Version: 1.0\r\n\r\n",
        b"Received: by 10.0.0.1 with SMTP id x\r\nFrom: a@b.example\r\na line without a colon\r\n\r\n",
        HEADER.replace(b"\r\n", b"\n") + b"\n",
        b"X-Unsent: 1\r\nSubject: a draft\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
        b"X-Mailer: a scanner\r\nContent-Type: multipart/alternative;\r\n boundary=b\r\nMIME-Version: 1.0\r\n\r\n",
        b"MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    ],
)
def test_what_a_mail_program_wrote_is_mail(head: bytes) -> None:
    assert is_mail(head[:HEAD_BYTES])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        MEMO,
        MEMO.replace(b"The Director", b"director@acme.example").replace(b"All staff", b"staff@acme.example"),
        MEMO.replace(b"Subject", b"Received: yesterday\nSubject"),
        SAVED,
        EXPLORER,
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n",
        b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nContent-Location: http://x\r\n\r\n",
        b"From: a@b.example\r\nTo: c@d.example\r\nContent-Type: multipart things\r\n\r\n",
        b"Dear Sir,\r\nFrom: a@b.example\r\nDate: Thu, 26 Nov 2026 05:00:00 +0000\r\nMessage-ID: <1@b>\r\n",
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nEMAIL:anna@example.com\r\nEND:VCARD\r\n",
        b"name: invoice\non: push\njobs:\n  test: {}\n",
        b"HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 05:00:00 GMT\r\nFrom: a@b.example\r\n\r\n",
        b"%PDF-1.7\nFrom: a@b.example\n",
        bytes(1000),
    ],
)
def test_what_a_person_typed_or_a_browser_saved_is_none(head: bytes) -> None:
    assert not is_mail(head)


@pytest.mark.parametrize(
    "head",
    [
        b"received: by " * 20000,
        b"a:" + b"\n b" * 80000,
        b"From: " + b"a" * 250000,
        b"Date: " + b"1 " * 120000,
        b"a: b\n" * 50000,
    ],
)
def test_a_hostile_header_is_judged_at_once(head: bytes) -> None:
    assert not is_mail(head)


def test_a_page_that_a_browser_saved_is_a_document_of_its_own_kind() -> None:
    assert media_type(SAVED, "invoice.mhtml") == "multipart/related"
    assert media_type(MEMO, "memo.eml") == "text/plain"


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (HEADER, "anything.bin", MAIL),
        (b"\x78\x9f\x3e\x22\x01\x00", "winmail.dat", TNEF),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "letter.msg", OUTLOOK),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__substg1.0_0037001F".encode("utf-16-le"), "unnamed", OUTLOOK),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "letter.doc", ""),
        (bytes.fromhex("3082618b06092a864886f70d010702a082"), "smime.p7m", SIGNED),
        (bytes.fromhex("308006092a864886f70d010703a080"), "unnamed", SIGNED),
        (b"MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEF", "fattura.xml.p7m", SIGNED),
        (b"MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEF", "notes.txt", ""),
        (b"%PDF-1.7", "letter.eml", ""),
    ],
)
def test_what_holds_documents_inside_is_known_by_its_content(head: bytes, name: str, kind: str) -> None:
    assert envelope(head, name) == kind
