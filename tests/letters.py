"""E-mails for tests, as they are sent."""

from email.message import EmailMessage


def a_mail(
    *attachments: tuple[str, bytes, str],
    sender: str = "Anna Example <Anna@Example.com>",
    subject: str = "Our invoice",
    text: str = "Dear all, see attached.",
    id: str = "<1@example.com>",  # noqa: A002
) -> EmailMessage:
    """A mail with these attachments: name, content, media type."""
    mail = EmailMessage()
    mail["Received"] = "from mx.example.com by mail.example.org; Mon, 16 Nov 2026 08:00:00 +0000"
    mail["From"], mail["To"], mail["Subject"] = sender, "office@example.org", subject
    mail["Date"] = "Mon, 16 Nov 2026 08:00:00 +0000"
    if id:
        mail["Message-ID"] = id
    if text:
        mail.set_content(text)
    for name, content, kind in attachments:
        main, _, minor = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=minor, filename=name)
    return mail
