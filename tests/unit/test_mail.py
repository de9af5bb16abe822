"""An e-mail taken apart: sender, subject, and the documents that it carries."""

from email.message import EmailMessage

import pytest

from receiver.core.errors import DocumentRefused
from receiver.core.mail import read_mail
from receiver.core.media import is_mail
from tests.letters import a_mail

PDF = ("invoice.pdf", b"%PDF-1.7 invoice", "application/pdf")


def names(mail: EmailMessage) -> list[str]:
    return [one.name for one in read_mail(mail.as_bytes()).enclosures]


def test_sender_subject_and_attachments_are_told() -> None:
    mail = read_mail(a_mail(PDF, ("scan.png", b"\x89PNG", "image/png")).as_bytes())
    assert (mail.sender, mail.subject, mail.id) == ("anna@example.com", "Our invoice", "<1@example.com>")
    assert [(one.name, one.content) for one in mail.enclosures] == [
        ("invoice.pdf", b"%PDF-1.7 invoice"), ("scan.png", b"\x89PNG"),
    ]  # fmt: skip
    assert mail.metadata["to"] == "office@example.org"


def test_what_is_sent_is_known_as_mail_by_its_content() -> None:
    assert is_mail(a_mail(PDF).as_bytes()[:1024])


def test_a_mail_without_attachments_is_itself_the_letter() -> None:
    mail = read_mail(a_mail(text="Dear Sir, I complain.").as_bytes())
    assert [(one.name, one.content.strip()) for one in mail.enclosures] == [
        ("Our invoice.txt", b"Dear Sir, I complain.")
    ]


def test_a_logo_in_the_text_and_a_signature_are_no_documents() -> None:
    mail = a_mail(PDF, ("smime.p7s", b"signed", "application/pkcs7-signature"))
    logo = EmailMessage()
    logo.set_content(b"\x89PNG", maintype="image", subtype="png", disposition="inline", cid="<logo@x>")
    mail.attach(logo)
    assert names(mail) == ["invoice.pdf"]


def test_attachments_of_a_forwarded_mail_are_found() -> None:
    mail = a_mail(text="see below")
    mail.add_attachment(a_mail(PDF, id="<2@example.com>"))
    assert names(mail) == ["invoice.pdf"]


def test_an_attachment_without_a_name_gets_one() -> None:
    mail = a_mail()
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf")
    assert [name.endswith(".pdf") for name in names(mail)] == [True]


def test_encoded_words_are_read() -> None:
    mail = read_mail(a_mail(("Überweisung.pdf", b"%PDF-", "application/pdf"), subject="Grüße ✉").as_bytes())
    assert (mail.subject, mail.enclosures[0].name) == ("Grüße ✉", "Überweisung.pdf")


def test_a_mail_without_an_id_is_known_by_its_content() -> None:
    mail = a_mail(PDF, id="").as_bytes()
    assert read_mail(mail).id == read_mail(mail).id != ""
    assert read_mail(mail).id != read_mail(mail + b"\n").id


PART = b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"From: a@example.com\r\nTo: b@example.com\r\nSubject: nothing\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + PART * 2000,
    ],
    ids=["empty", "deep"],
)
def test_what_holds_nothing_or_is_too_twisted_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        read_mail(content)


@pytest.mark.parametrize("sender", ["", "not an address", "=?utf-8?q?=00?= <a@b>", "a@b\n c@d"])
def test_a_strange_sender_is_no_failure(sender: str) -> None:
    content = a_mail(PDF).as_bytes().replace(b"Anna Example <Anna@Example.com>", sender.encode())
    assert isinstance(read_mail(content).sender, str)
