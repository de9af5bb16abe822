"""E-mails for tests, as they are sent."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

from handlers.mail.read import read_mails
from handlers.mail.tree import TooMuch
from receiver.core.errors import Unreadable
from receiver.core.mail import MailBounds, ReadMail


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


class NearReader:
    """Reads with the product's own code, but in this process: starting a child for each mail takes a test's time."""

    @asynccontextmanager
    async def opened(self, path: Path, *, name: str, bounds: MailBounds) -> AsyncIterator[Sequence[ReadMail]]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                mails = read_mails(await asyncio.to_thread(path.read_bytes), name, bounds, Path(folder))
            except TooMuch as error:
                raise Unreadable(str(error)) from error
            yield mails
