"""Files that do not stand where a file stands in a mail: in a text, behind the last part, in pieces, cut off."""

import base64
import binascii

import pytest

from handlers.mail.embedded_files import CARRIES, carries_file, unpieced
from handlers.mail.tree import ELSEWHERE_KEPT, PARTLESS
from tests.unit.mail.reading import HEADER, PDF, attached, kept, mail, multi, part, parts, text

LETTER = text("Dear Sirs, see below.")
FILE = attached(PDF, "a.pdf")
UU = b"begin 644 invoice.pdf\r\n" + binascii.b2a_uu(PDF).replace(b"\n", b"\r\n") + b"`\r\nend\r\n"
ICS = (
    b"BEGIN:VCALENDAR\r\nATTACH;FMTTYPE=application/pdf;ENCODING=BASE64;\r\n VALUE=BINARY:JVBERi0x\r\nEND:VCALENDAR\r\n"
)


def told(content: bytes) -> list[tuple[str, str, str]]:
    return [(item.part.where, item.part.fate.value, item.part.reason) for item in parts(content)]


@pytest.mark.parametrize(
    "body",
    [
        b"X-Gateway scanned it\r\n" + multi("mixed", LETTER, FILE),
        b"Content-Type: text/plain\r\n" + multi("mixed", LETTER, FILE),
        text("Hello,\r\n\r\n" + UU.decode()),
        text("Hello,\r\n\r\nbegin-base64 644 a.pdf\r\nJVBERi0xLjc=\r\n====\r\n"),
        text("=ybegin line=128 size=9 name=a.pdf\r\nabc"),
        text("(This file must be converted with BinHex 4.0)\r\n:abc:"),
        part(HEADER + multi("mixed", LETTER, FILE), "text/rfc822-headers", encoding="8bit"),
        attached(ICS, "invite.ics", "text/calendar"),
    ],
    ids=["broken header", "two types", "uuencode", "base64", "yEnc", "BinHex", "returned whole", "calendar"],
)
def test_a_file_that_stands_in_a_text_is_held_with_it(body: bytes) -> None:
    assert told(mail(body)) == [("1", "held", CARRIES)]


@pytest.mark.parametrize(
    "said",
    ["begin 644 pages from here", "we begin 644 x\nM", "Encoding: base64", "ATTACH: it"],
)
def test_a_text_that_talks_of_files_holds_none(said: str) -> None:
    assert not carries_file(said.encode())


def test_what_stands_outside_of_the_parts_is_held_when_it_is_more_than_a_footer() -> None:
    late = multi("mixed", LETTER) + b"--b1\r\n" + FILE + b"--b1--\r\n"
    assert told(mail(late))[1][:2] == ("after", "held")
    assert PDF in base64.b64decode(kept(mail(late), "attachment-after.txt").split(b"\r\n\r\n")[1].split(b"--")[0])
    long = multi("mixed", LETTER).replace(b"\r\n\r\n--b1", b"\r\n\r\n" + b"Dear all, " * 300 + b"\r\n--b1", 1)
    assert told(mail(long))[0][:2] == ("before", "held")


@pytest.mark.parametrize(
    ("before", "fates"),
    [
        (b"This is a multi-part message in MIME format.", ["document"]),
        (b"This is a cryptographically signed message in MIME format.\r\n", ["document"]),
        (b"This is a MIME-encapsulated message\r\n", ["document"]),
        (b"This is an OpenPGP/MIME signed message (RFC 4880 and 3156)", ["document"]),
        (b"This is a cancelled message, says MIME Inc.", ["left_out", "document"]),
        (b"We cancel contract 4711. MIME", ["left_out", "document"]),
        (b"This is a multi-part message in MIME format.\r\nWe cancel contract 4711.", ["left_out", "document"]),
    ],
)
def test_only_the_notice_of_programs_goes_without_a_line(before: bytes, fates: list[str]) -> None:
    body = multi("mixed", LETTER).replace(b"\r\n\r\n--b1", b"\r\n\r\n" + before + b"\r\n--b1", 1)
    assert [fate for _, fate, _ in told(mail(body))] == fates


@pytest.mark.parametrize("kind", ["text/plain", 'text/plain; name="scan.pdf"', "text/html", "pdf"])
def test_a_file_that_the_mail_calls_text_is_a_document_as_it_came(kind: str) -> None:
    for body in (part(PDF, kind), multi("mixed", LETTER, part(PDF, kind))):
        found = parts(mail(body))[-1]
        assert (found.part.fate, found.part.media_type, found.content) == ("document", "application/pdf", PDF)


@pytest.mark.parametrize("cut", [1, 4, 8, len(PDF) - 1])
def test_base64_in_several_padded_pieces_is_whole(cut: int) -> None:
    pieces = base64.encodebytes(PDF[:cut]) + b"\r\n" + base64.encodebytes(PDF[cut:])
    piece = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + pieces
    assert kept(mail(multi("mixed", LETTER, piece)), "a.pdf") == PDF


def test_a_footer_below_base64_is_no_piece_of_it() -> None:
    assert unpieced("QUJD\r\nQQ==\r\n") is None
    assert unpieced("QUJDQQ==\r\n____\r\nOur list: https://lists.example\r\n") is None
    assert unpieced("QQ==\r\nQQ") is None


def test_a_forwarded_mail_that_breaks_off_is_held_where_it_does() -> None:
    inner = HEADER + multi("mixed", text("The letter."), attached(PDF * 100, "a.pdf"), boundary="i1")
    back = b"Content-Type: message/rfc822\r\n\r\n" + inner[:-300]
    assert told(mail(multi("mixed", LETTER, back)))[2:] == [
        ("2/1", "document", ""), ("2/2", "held", "the mail is truncated in this part"),
    ]  # fmt: skip
    none = b"Content-Type: message/rfc822\r\n\r\n" + inner.partition(b"--i1")[0]
    assert told(mail(multi("mixed", LETTER, none)))[2:] == [("2/1", "held", PARTLESS)]


def test_a_forwarded_mail_of_which_nothing_is_there_is_empty() -> None:
    assert told(mail(multi("mixed", LETTER, b"Content-Type: message/rfc822\r\n\r\n")))[1:] == [
        ("2", "left_out", "it is empty")
    ]


def test_a_file_that_apple_mail_keeps_elsewhere_is_missed() -> None:
    place = b"Content-Type: application/pdf; name=a.pdf\r\nX-Apple-Content-Length: 48211\r\n\r\n"
    assert told(mail(multi("mixed", LETTER, place)))[1:] == [("2", "held", ELSEWHERE_KEPT)]


def test_broken_uuencode_is_held() -> None:
    piece = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n" + UU.replace(
        b"1", b"\xe9"
    )
    assert told(mail(multi("mixed", LETTER, piece)))[1:] == [("2", "held", "its uuencoding is damaged")]


def test_a_letter_that_begins_with_mz_is_no_program() -> None:
    letter = attached(b"MZ/123 is cancelled.", "letter.txt", "text/plain")
    assert [fate for _, fate, _ in told(mail(multi("mixed", LETTER, letter)))] == ["document", "document"]


CARD, ENTRY = b"BEGIN:VCARD\r\nEND:VCARD\r\n", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n"
SIGNED_BY = b"-----BEGIN PGP SIGNATURE-----\nVersion: GnuPG v1\n\nabc\n-----END PGP SIGNATURE-----\n"
CANCELLED = b"Dear Sirs, we cancel contract 4711."


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CANCELLED, "application/pgp-signature"),
        (b"PK\3\4" + bytes(26) + b"word/document.xml", "application/pkcs7-signature"),
        (CANCELLED, "message/feedback-report"),
        (CANCELLED, "message/disposition-notification"),
        (b"Subject: x\r\n\r\n" + CANCELLED, "text/rfc822-headers"),
        (CARD + CANCELLED, "text/vcard"),
        (ENTRY + CANCELLED, "text/calendar"),
        (KEY + CANCELLED, "application/pgp-keys"),
        (SIGNED_BY + CANCELLED, "application/pgp-signature"),
    ],
)
def test_what_is_only_called_something_to_leave_out_is_a_document(content: bytes, kind: str) -> None:
    assert kept(mail(multi("mixed", LETTER, attached(content, "letter.x", kind))), "letter.x").strip() == content


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (SIGNED_BY, "application/pgp-signature"),
        (b"\x30\x80\x06\x09 binary \xff", "application/pkcs7-signature"),
        (b"Subject: x\r\n", "text/rfc822-headers"),
        (b"Reporting-MTA: dns; x\r\n\r\nAction: failed\r\n", "message/delivery-status"),
        (CARD, "text/vcard"), (ENTRY, "text/calendar"), (KEY, "application/pgp-keys"),
    ],
)  # fmt: skip
def test_what_is_it_is_left_out(content: bytes, kind: str) -> None:
    assert [fate for _, fate, _ in told(mail(multi("mixed", LETTER, attached(content, "x", kind))))][1] == "left_out"
