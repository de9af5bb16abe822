"""What holds mails or files inside is opened; what is locked, or nobody can open, is held by name."""

import codecs

import pytest
from asn1crypto import algos, cms, core

from handlers.mail import mbox
from handlers.mail.envelopes import LOCKED_TNEF
from handlers.mail.markup import same_text
from handlers.mail.tree import LOCKED
from tests.ole import attachment, compound, message
from tests.unit.mail.reading import HEADER, PDF, PNG, Kept, attached, mail, mails, multi, part, parts, text

INNER = HEADER.replace(b"Our letter", b"The inner letter").replace(b"<1@", b"<2@").replace(b"anna@", b"berta@")
FORWARDED = INNER + multi("mixed", text("We cancel contract 4711."), attached(PDF, "inner.pdf"), boundary="i1")
FROM = b"From anna@example.com Thu Nov 26 05:00:00 2026\n"


def said(found: list[Kept]) -> list[tuple[str, str, str]]:
    return [item.said for item in found]


def signed(content: bytes | None) -> bytes:
    """A container as S/MIME signs into; without content a signature that stands apart."""
    inside = {"content_type": "data", **({"content": content} if content is not None else {})}
    data = {"version": "v1", "digest_algorithms": [], "encap_content_info": inside, "signer_infos": []}
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": data}).dump())


def encrypted() -> bytes:
    cipher = algos.EncryptionAlgorithm({"algorithm": "aes256_cbc", "parameters": core.OctetString(bytes(16))})
    inside = {"content_type": "data", "content_encryption_algorithm": cipher}
    data = {"version": 0, "recipient_infos": [], "encrypted_content_info": inside}
    return bytes(cms.ContentInfo({"content_type": "enveloped_data", "content": data}).dump())


@pytest.mark.parametrize(
    "piece",
    [
        b"Content-Type: message/rfc822\r\n\r\n" + FORWARDED,
        part(FORWARDED, "message/rfc822"),
        attached(FORWARDED, "fwd.eml"),
        part(FORWARDED, "application/octet-stream", "Content-Disposition: attachment"),
    ],
    ids=["as it is", "in base64", "as a file", "without a name"],
)
def test_a_forwarded_mail_is_a_mail(piece: bytes) -> None:
    found = parts(mail(multi("mixed", text("FYI"), piece)))
    assert [(item.part.where, item.part.fate.value) for item in found] == [
        ("1", "document"), ("2", "opened"), ("2/1", "document"), ("2/2", "document"),
    ]  # fmt: skip
    assert [item.part.name for item in found[2:]] == ["The inner letter.txt", "inner.pdf"]
    assert b"From: Anna <berta@example.com>" in found[2].content
    assert found[3].content == PDF
    assert found[3].part.metadata["inner_subject"] == "The inner letter"
    assert found[0].part.metadata == {}


def test_a_mailbox_is_as_many_mails_as_it_holds() -> None:
    second = INNER + text("From here on >From there\r\n>From me") + b"\r\n\r\n"
    box = FROM + mail(text("one")) + b"\r\n\r\n" + FROM + second + FROM
    found = mails(box + mail(multi("mixed", text("three"), attached(PDF, "c.pdf"))), "all.mbox")
    assert [item.subject for item, _ in found] == ["Our letter", "The inner letter", "Our letter"]
    assert b"\r\nFrom me" in found[1][1][0].content
    assert found[2][1][1].content == PDF


@pytest.mark.parametrize(
    "line",
    [b"From - \n", b"From \r\n", b"From anna@example.com\n", b"From anna@example.com 2026-11-26T05:00:00Z\n"],
    ids=["Netscape", "Thunderbird", "without a time", "another time"],
)
@pytest.mark.parametrize("between", [b"\n", b""], ids=["an empty line before", "none"])
def test_a_mailbox_is_as_many_mails_however_its_program_parts_them(line: bytes, between: bytes) -> None:
    whole = mail(multi("mixed", text("one"), attached(PDF, "a.pdf")))
    found = mails(line + whole + between + line + INNER + text("two\r\n") + between + line + whole, "all.mbox")
    assert [item.subject for item, _ in found] == ["Our letter", "The inner letter", "Our letter"]
    assert [found[number][1][1].content for number in (0, 2)] == [PDF, PDF]
    assert not [kept for _, each in found for kept in each if kept.part.fate == "left_out"]


@pytest.mark.parametrize(
    "line",
    [
        b"From me to you",
        b"From now on\r\nSubject: write that into it",
        b"From anna at 10:00 in 2026\r\nno field follows",
    ],
)
def test_a_sentence_that_begins_with_from_begins_no_mail(line: bytes) -> None:
    assert len(mails(FROM + mail(text(f"Hello\r\n\r\n{line.decode()}\r\n")), "one.mbox")) == 1


def test_a_mail_that_is_signed_as_a_whole_is_opened() -> None:
    inside = multi("mixed", text("Please find our invoice"), attached(PDF, "invoice.pdf"), boundary="s1")
    found = parts(mail(part(signed(inside), 'application/pkcs7-mime; name="smime.p7m"')))
    assert said(found) == [
        ("1", "opened", "smime.p7m"), ("1/1", "document", "Our letter.txt"), ("1/2", "document", "invoice.pdf"),
    ]  # fmt: skip
    assert b"From: Anna <anna@example.com>" in found[1].content
    assert found[2].content == PDF


def test_a_signed_file_is_the_file_wherever_it_comes() -> None:
    inside = ("1", "opened", "invoice.pdf.p7m"), ("1/1", "document", "invoice.pdf")
    assert said(parts(signed(PDF), "invoice.pdf.p7m")) == list(inside)
    found = parts(mail(multi("mixed", text("hello"), attached(signed(PDF), "invoice.pdf.p7m"))))
    assert [item.part.name for item in found] == ["Our letter.txt", "invoice.pdf.p7m", "invoice.pdf"]
    assert found[2].content == PDF


def test_a_signature_apart_is_left_out_and_what_is_encrypted_is_held() -> None:
    apart, locked = attached(signed(None), "smime.p7s"), attached(encrypted(), "smime.p7m")
    broken = signed(PDF)[:40]
    called = attached(broken, "smime.p7s", "application/pkcs7-signature")
    found = parts(mail(multi("mixed", apart, locked, attached(broken, "broken.p7m"), called)))
    assert [item.part.fate.value for item in found] == ["left_out", "held", "held", "left_out"]
    assert found[1].part.reason == LOCKED
    assert "cannot be read" in found[2].part.reason


def test_winmail_dat_is_held_by_name() -> None:
    (found,) = parts(mail(attached(b"\x78\x9f\x3e\x22\x01\x00" + bytes(50), "winmail.dat", "application/ms-tnef")))
    assert (found.part.fate, found.part.reason) == ("held", LOCKED_TNEF)


TEXTS = {
    0x0037: "From Outlook",
    0x0C1A: "Anna",
    0x5D01: "Anna@Example.com",
    0x0E04: "office",
    0x1035: "<3@example.com>",
}


def test_a_message_that_outlook_saved_is_a_mail() -> None:
    inner = message({0x0037: "Inside", 0x1000: "the inner text"}, attachment("deep.pdf", PDF), header_bytes=24)
    saved = message(
        {**TEXTS, 0x1000: "Hello you"}, attachment("a.pdf", PDF * 300), attachment("logo.png", PNG, cid="logo@x"),
        attachment("inner", inner=inner), attachment("linked.doc"), html=b"<p>Hello <img src='cid:logo@x'> you</p>",
    )  # fmt: skip
    ((read, found),) = mails(compound(saved), "letter.msg")
    assert (read.sender, read.subject, read.id) == ("anna@example.com", "From Outlook", "<3@example.com>")
    assert said(found) == [
        ("1", "document", "From Outlook.html"), ("2", "left_out", "attachment-2.txt"), ("3", "document", "a.pdf"),
        ("4", "left_out", "logo.png"), ("5", "opened", "inner"), ("5/2", "document", "Inside.txt"),
        ("5/3", "document", "deep.pdf"), ("6", "held", "linked.doc"),
    ]  # fmt: skip
    assert found[2].content == PDF * 300
    assert found[6].content == PDF


def test_a_text_that_is_only_compressed_is_held() -> None:
    (found,) = parts(compound(message(TEXTS, compressed=b"LZFu")), "letter.msg")
    assert (found.part.fate, "compressed RTF" in found.part.reason) == ("held", True)


def test_a_message_of_outlooks_in_a_mail_is_opened_and_a_broken_one_held() -> None:
    whole = compound(message({**TEXTS, 0x1000: "Hello"}))
    found = parts(mail(multi("mixed", attached(whole, "a.msg"), attached(whole[:700], "b.msg"))))
    assert [(item.part.name, item.part.fate.value) for item in found] == [
        ("a.msg", "opened"), ("From Outlook.txt", "document"), ("b.msg", "held"),
    ]  # fmt: skip


def test_a_broken_message_of_outlooks_is_held_as_it_came() -> None:
    broken = compound(message({}))[:700]
    (found,) = parts(broken, "letter.msg")
    assert (found.said, found.content) == (("1", "held", "letter.msg"), broken)
    assert found.part.reason.startswith("it cannot be read as an Outlook message")


def test_what_is_only_called_a_message_is_no_mail() -> None:
    assert mails(PDF, "letter.msg") == []
    assert mails(PDF, "letter.eml") == []


def test_the_rich_text_beside_a_text_is_on_the_record() -> None:
    found = parts(compound(message({**TEXTS, 0x1000: "Hello"}, compressed=b"LZFu")), "letter.msg")
    assert said(found) == [("0", "left_out", "attachment-0"), ("2", "document", "From Outlook.txt")]


@pytest.mark.parametrize("page", [874, 932, 936, 949, 950, 1252])
def test_code_pages_are_known_as_outlook_calls_them(page: int) -> None:
    assert codecs.lookup(f"windows-{page}").name in (f"cp{page}", "gbk")


def test_a_mail_as_apple_keeps_it_ends_where_its_length_says() -> None:
    kept = mail(text("Hello"))
    (found,) = parts(b"%d      \n" % len(kept) + kept + b"<?xml version='1.0'?><plist/>", "1.emlx")
    assert found.content.rstrip().endswith(b"Hello")


@pytest.mark.parametrize("encoding", ["base64", "8bit"])
def test_what_is_only_declared_a_mail_is_what_it_is(encoding: str) -> None:
    (found,) = parts(mail(multi("mixed", part(PDF, 'message/rfc822; name="a.pdf"', encoding=encoding))))
    assert (found.part.fate, found.part.media_type, found.content.strip()) == ("document", "application/pdf", PDF)


@pytest.mark.parametrize(
    "content", [b"From \nA:\n" * 20000, b"From \nA:\n\n" * 20000, b"From \n" + b"A: b\n" * 50000], ids=["A", "B", "C"]
)
def test_a_hostile_mailbox_is_parted_in_one_pass(content: bytes) -> None:
    assert len(mbox.mails(content)) == 1


def test_hostile_comments_and_brackets_are_compared_in_one_pass() -> None:
    assert not same_text("[a] word", "<!--" * 100000)
    assert not same_text("[" * 300000 + " word", "x")
