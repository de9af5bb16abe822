"""What becomes of each part of a mail: a document, left out by name, or held. Nothing is without a fate."""

import pytest

from handlers.mail.tree import LOCKED, TooMuch
from tests.unit.mail.reading import (
    JPEG,
    PDF,
    PNG,
    attached,
    fates,
    kept,
    mail,
    multi,
    part,
    parts,
    pictured,
    text,
)

LETTER = text("We hereby cancel contract 4711.")
HTML = "text/html; charset=utf-8"


def held(content: bytes) -> dict[str, str]:
    return {item.part.name: item.part.reason for item in parts(content) if item.part.fate == "held"}


def left_out(content: bytes) -> dict[str, str]:
    return {item.part.name: item.part.reason for item in parts(content) if item.part.fate == "left_out"}


def documents(content: bytes) -> list[str]:
    return [item.part.name for item in parts(content) if item.part.fate == "document"]


def test_the_text_beside_an_attachment_is_a_document_too() -> None:
    assert documents(mail(multi("mixed", LETTER, attached(PDF, "a.pdf")))) == ["Our letter.txt", "a.pdf"]


def test_a_photo_that_the_text_does_not_show_is_a_document() -> None:
    photo = pictured(JPEG, "IMG_1.jpeg", "1A2B@phone", kind="image/jpeg")
    found = mail(multi("mixed", text("see photo", HTML), photo))
    assert kept(found, "IMG_1.jpeg") == JPEG


@pytest.mark.parametrize("kind", ["image/tiff", "image/heic"])
def test_a_fax_or_an_unknown_picture_is_a_document(kind: str) -> None:
    assert documents(mail(pictured(b"II*\0 a fax", "fax", "1@x", kind=kind))) == ["fax"]


@pytest.mark.parametrize("disposition", ["inline", "attachment"])
@pytest.mark.parametrize(
    "shows", ['<img src="cid:logo%40x">', "<td background=cid:logo@x>", "<p style=\"background: url('CID:logo@x')\">"]
)
def test_a_picture_that_the_text_shows_is_inside_of_it_and_no_document_of_its_own(disposition: str, shows: str) -> None:
    letter = text(f"<html><body>Hello {shows}</body></html>", HTML)
    found = mail(multi("related", letter, pictured(PNG, "logo.png", "logo@x", disposition)))
    assert left_out(found) == {"logo.png": "shown in the text (part 1), which contains it"}
    document = kept(found, "Our letter.html")
    assert b"data:image/png;base64,iVBORw0KGgog" in document
    assert b"cid:" not in document.lower()


def test_a_picture_that_only_a_comment_names_is_not_shown() -> None:
    letter = text("<html>Hello <!-- <img src='cid:scan@x'> --></html>", HTML)
    assert "scan.png" in documents(mail(multi("related", letter, pictured(PNG, "scan.png", "scan@x"))))


def test_a_picture_is_found_by_its_place_as_well() -> None:
    picture = part(PNG, "image/png", "Content-Location: image001.png")
    found = mail(multi("related", text('<img src="image001.png">', HTML), picture))
    assert b"data:image/png" in kept(found, "Our letter.html")
    assert documents(found) == ["Our letter.html"]


def test_of_two_ways_to_say_the_same_one_is_the_document() -> None:
    plain = text("We cancel 4711. See https://x.example/?a=1&b=2")
    html = text("<p>We <b>can</b>cel 4711. <a href='https://x.example/?a=1&amp;b=2'>See</a></p>", HTML)
    both = multi("alternative", plain, html)
    assert documents(mail(both)) == ["Our letter.html"]
    assert list(left_out(mail(both)).values()) == ["the same text as part 2"]


def test_the_html_of_one_text_may_stand_in_pieces() -> None:
    pieces = multi(
        "mixed", text("<p>See this</p>", HTML), attached(PDF, "a.pdf"), text("<p>and pay</p>", HTML), boundary="p"
    )
    both = mail(multi("alternative", text("See this and pay"), pieces))
    assert documents(both) == ["Our letter.html", "a.pdf", "Our letter (2).html"]


def test_two_texts_that_differ_by_one_word_are_both_documents() -> None:
    both = multi("alternative", text("We do not cancel 4711."), text("<p>We do cancel 4711.</p>", HTML))
    assert documents(mail(both)) == ["Our letter.txt", "Our letter (2).html"]


def test_the_pieces_of_a_text_are_one_document_in_their_order() -> None:
    found = parts(mail(multi("mixed", text("First."), attached(PDF, "a.pdf"), text("Second."))))
    first, _, second = found
    assert first.part.file == second.part.file
    assert b"First." in first.content.partition(b"Second.")[0]


def test_a_text_only_mail_says_who_wrote_it_to_whom_and_when() -> None:
    said = kept(mail(LETTER), "Our letter.txt").decode()
    assert said.startswith(
        "From: Anna <anna@example.com>\nTo: office@example.org\nSubject: Our letter\n"
        "Date: Thu, 26 Nov 2026 05:00:00 +0000\n\nWe hereby cancel contract 4711."
    )


def test_html_says_so_before_its_own_bytes_in_any_charset() -> None:
    own = "<html><body>Grüße</body></html>".encode("latin-1")
    document = kept(mail(part(own, "text/html; charset=iso-8859-1")), "Our letter.html")
    assert own in document
    assert b'<meta charset="iso8859-1">' in document.split(own)[0]
    assert b"<b>From:</b> Anna &lt;anna@example.com&gt;" in document


def test_text_in_another_charset_becomes_utf8() -> None:
    found = mail(part("Grüße".encode("utf-16"), "text/plain; charset=utf-16"))
    assert "Grüße" in kept(found, "Our letter.txt").decode()


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (attached(b"BEGIN:VCALENDAR\r\n", "invite.ics", "text/calendar"), "a calendar entry"),
        (attached(b"BEGIN:VCARD\r\n", "me.vcf", "text/x-vcard"), "a contact card"),
        (attached(b"<html><body>&nbsp;<br></body></html>", "ATT00001.htm", "text/html"), "it is empty"),
        (attached(b"\r\n", "ATT00001.txt", "text/plain"), "it is empty"),
        (attached(b"", "nothing.pdf", "application/pdf"), "it is empty"),
        (attached(b"signed", "smime.p7s", "application/pkcs7-signature"), "a signature"),
        (attached(b"-----BEGIN PGP SIGNATURE-----\n", "signature.asc", "application/pgp-signature"), "a signature"),
        (attached(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "key.asc"), "a PGP signature or key"),
        (attached(b"<?xml version='1.0'?><postacert/>", "daticert.xml", "application/xml"),
         "the data of a certified mail (PEC)"),
        (attached(b"\0\5\x16\7 fork", "._a.pdf", "application/applefile"),
         "the resource fork of a Macintosh file (AppleDouble)"),
        (attached(b"MZ\x90\0", "invoice.exe"), "a program"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_left_out_by_name(piece: bytes, reason: str) -> None:
    assert list(left_out(mail(multi("mixed", LETTER, piece))).values()) == [reason]


@pytest.mark.parametrize("name", ["invite.ics", "me.vcf", "daticert.xml", "smime.p7s", "._a", "invoice.exe"])
def test_a_document_is_one_by_whatever_name_it_comes(name: str) -> None:
    for kind in ("text/calendar", "text/vcard", "application/pkcs7-signature", "application/pdf"):
        assert fates(mail(multi("mixed", LETTER, attached(PDF, name, kind))))[name] == "document"


def test_reports_of_the_mail_system_are_left_out() -> None:
    report = (
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b\r\n"
    )
    back = b"Content-Type: text/rfc822-headers\r\n\r\nSubject: the letter\r\n"
    found = mail(multi("report; report-type=delivery-status", text("It bounced."), report, back))
    assert documents(found) == ["Our letter.txt"]
    assert set(left_out(found).values()) == {"a report of the mail system"}


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (attached(b"PK\3\4" + bytes(100), "photos.zip"), "it is an archive (zip), not a document"),
        (attached(b"SQLite format 3\0", "books.db"), "it is a database, not a document"),
        (attached(b"\x76\xe8", "message.rpmsg", "application/x-microsoft-rpmsg-message"), LOCKED),
        (attached(b"-----BEGIN PGP MESSAGE-----\n", "letter.asc"), LOCKED),
        (text("-----BEGIN PGP MESSAGE-----\n\nhQ\n"), LOCKED),
        (b"Content-Type: message/external-body; access-type=URL\r\n\r\nContent-Type: application/pdf\r\n\r\n",
         "the mail has only a part of it, or only a link to it"),
        (b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: x-secret\r\n\r\nabc",
         "unknown encoding 'x-secret'"),
        (b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJDR", "its base64 is truncated"),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary",
         "its parts cannot be separated: the boundary is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_held(piece: bytes, reason: str) -> None:
    assert list(held(mail(multi("mixed", attached(PDF, "a.pdf"), piece))).values()) == [reason]


def test_what_pgp_encrypted_is_held_and_its_label_left_out() -> None:
    label = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    found = mail(multi("encrypted", label, attached(b"hQEMA", "encrypted.asc")))
    assert held(found) == {"encrypted.asc": LOCKED}
    assert len(left_out(found)) == 1


def test_the_part_in_which_a_mail_breaks_off_is_held() -> None:
    whole = mail(multi("mixed", LETTER, attached(PDF * 100, "a.pdf")))
    assert held(whole[:-200]) == {"a.pdf": "the mail is truncated in this part"}


def test_what_breaks_off_before_it_began_is_empty() -> None:
    whole = mail(multi("mixed", LETTER, attached(PDF, "a.pdf")))
    cut = whole[: whole.rindex(b"--b1--")] + b"--b1\r\n"
    assert held(cut) == {}
    assert documents(cut) == ["Our letter.txt", "a.pdf"]


def test_text_around_the_parts_is_on_the_record() -> None:
    body = multi("mixed", LETTER).replace(b"\r\n\r\n--b1", b"\r\n\r\nsecret before\r\n--b1", 1) + b"secret after\r\n"
    assert [(item.part.where, item.part.fate) for item in parts(mail(body)) if item.part.reason] == [
        ("before", "left_out"), ("after", "left_out"),
    ]  # fmt: skip


def test_an_attachment_without_a_name_gets_one() -> None:
    nameless = part(PDF, "application/pdf", "Content-Disposition: attachment")
    assert documents(mail(multi("mixed", LETTER, nameless))) == ["Our letter.txt", "attachment-2.pdf"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("filename*=utf-8''%C3%9Cber.pdf", "Über.pdf"),
        ("filename*0=a; filename*1=b.pdf", "ab.pdf"),
        ('filename="=?utf-8?q?=C3=9Cber=2Epdf?="', "Über.pdf"),
        ("filename*=no-such-charset''a%ff.pdf", "a\u00ff.pdf"),
    ],
)
def test_names_are_read_as_they_were_meant(name: str, read: str) -> None:
    piece = part(PDF, "application/pdf", f"Content-Disposition: attachment; {name}")
    assert documents(mail(piece)) == [read]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"max_parts": 3}, "it has more than 3 parts (mail.max_parts)"),
        ({"max_depth": 2}, "its parts are nested more than 2 deep (mail.max_depth)"),
        ({"max_unpacked": 1000}, "its parts have more than 1000 bytes (mail.max_unpacked)"),
    ],
)
def test_a_mail_that_is_too_much_is_refused_with_the_bound(bounds: dict[str, int], said: str) -> None:
    inner = multi("mixed", multi("mixed", LETTER, attached(PDF * 100, "a.pdf"), boundary="b3"), boundary="b2")
    with pytest.raises(TooMuch) as refused:
        parts(mail(multi("mixed", inner)), "mail.eml", **bounds)
    assert str(refused.value) == said
