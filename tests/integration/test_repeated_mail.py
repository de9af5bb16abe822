"""What a mail's recipients hear twice, over a real connection: SMTP ends a mail to many with one answer for all."""

import email
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from handlers.alerts.registry import open_channel
from receiver.core.notice import Notice
from receiver.ports import AlertChannel
from tests.in_memory_app import InMemoryApp
from tests.smtp import a_mailbox
from tests.unit.alerting.fragile import DiesError
from tests.unit.alerting.test_alert import fail
from tests.unit.alerting.test_notify import until_rest

pytestmark = pytest.mark.anyio
FULL = "full@b.com"


@dataclass
class Fatal:
    """Ends the process after the server took a mail, before anything is written about it."""

    channel: AlertChannel
    tracks: bool = False

    async def notify(self, notice: Notice) -> str:
        try:
            return await self.channel.notify(notice)
        finally:
            raise DiesError

    async def probe(self) -> list[str] | None:
        return await self.channel.probe()


async def test_a_process_that_dies_before_it_notes_that_a_mail_was_taken_repeats_it_under_its_id(
    tmp_path: Path,
) -> None:
    """Nobody can note which recipients have it before the server's one answer for all; a mail reader shows it once."""
    app = InMemoryApp(tmp_path)
    async with a_mailbox() as mailbox:
        channel = open_channel(f"mailto:a@b.com,c@d.com,{FULL}", smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
        mailbox.refuses = {FULL: "452 mailbox full"}
        app.context = replace(app.context, channels={"log": Fatal(channel)})
        with pytest.raises(DiesError):
            await fail(app, "a.pdf")
        app.context = replace(app.context, channels={"log": channel})
        await app.workers_die()
        await until_rest(app)
        assert mailbox.recipients == ["a@b.com", "c@d.com"] * 2
        mailbox.refuses = {}
        app.later(300)
        await until_rest(app)
        assert mailbox.recipients == [*["a@b.com", "c@d.com"] * 2, FULL]  # what is noted is not repeated
        assert len({email.message_from_bytes(mail)["Message-ID"] for mail in mailbox.mails}) == 1
