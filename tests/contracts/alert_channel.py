"""What every alert channel keeps.

A test module gives a class for its channel: ``class TestSlack(CanFail)`` with a fixture ``ear``, which holds the
channel and hears what came out at the other end.
"""

from abc import ABC, abstractmethod

import pytest

from receiver.core.alert import Alert
from receiver.core.errors import DestinationBusy
from receiver.ports import AlertChannel
from tests.builders import NOW

SECRET = "T0PS3CRET"
"""Stands in the address of the channel wherever a channel has one in its address."""


def a_notice(**fields: object) -> Alert:
    """A failed job."""
    given = {
        "kind": "job.failed",
        "cause": "file_corrupt",
        "title": "classify job failed",
        "detail": "The file <a&b>.pdf could not be parsed",
        "subject": "doc_abc",
        "fix": "mailroom replay doc_abc",
        "at": NOW,
    }
    return Alert(**{**given, **fields})  # type: ignore[arg-type]


class Ear(ABC):
    """A channel, and what is heard at its other end."""

    channel: AlertChannel
    dead: AlertChannel
    """The same kind of channel where nobody listens, for channels that can fail."""

    @abstractmethod
    async def heard(self) -> list[str]:
        """The text of every notice that came out, as its reader sees it."""


class AlertChannelContract:
    """All channels."""

    pytestmark = pytest.mark.anyio

    async def test_a_notice_says_all_that_its_reader_needs(self, ear: Ear) -> None:
        await ear.channel.notify(a_notice(), count=12, suppressed=11)
        (said,) = await ear.heard()
        for words in (
            "classify job failed", "doc_abc", "The file <a&b>.pdf could not be parsed", "12", "11",
            "mailroom replay doc_abc", "job.failed",
        ):  # fmt: skip
            assert words in said

    async def test_two_notices_are_two(self, ear: Ear) -> None:
        await ear.channel.notify(a_notice(), count=1, suppressed=0)
        await ear.channel.notify(a_notice(cause="other", title="another"), count=1, suppressed=0)
        assert len(await ear.heard()) == 2

    async def test_hostile_words_get_through_and_break_nothing(self, ear: Ear) -> None:
        hostile = a_notice(
            title="bad\r\nBcc: everybody@example.com\r\n\r\n" + "📮é" * 200,
            detail="." * 3 + "\r\n.\r\nQUIT\r\n half a character \ud83d \x00\ufffe " + "long " * 20_000,
            cause="caf\u00e9 \x00 \x1f" + "c" * 1000,
            subject="../../etc/passwd\n",
            fix="",
        )
        await ear.channel.notify(hostile, count=1, suppressed=0)
        (said,) = await ear.heard()
        assert "passwd" in said
        assert len(said) < 20_000

    async def test_an_alert_of_nothing_in_particular_is_told(self, ear: Ear) -> None:
        await ear.channel.notify(a_notice(subject="", fix="", detail=""), count=1, suppressed=0)
        assert len(await ear.heard()) == 1


class CanFail(AlertChannelContract):
    """Channels that need somebody at the other end."""

    async def test_nobody_listening_means_later_and_shows_no_secret(self, ear: Ear) -> None:
        with pytest.raises(DestinationBusy) as error:
            await ear.dead.notify(a_notice(), count=1, suppressed=0)
        assert SECRET not in str(error.value)
