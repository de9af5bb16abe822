"""What every alert channel keeps.

A test module gives a class for its channel: ``class TestSlack(CanFail)`` with a fixture ``ear``, which holds the
channel and hears what came out at the other end.
"""

from abc import ABC, abstractmethod

import pytest

from receiver.core.alert import Severity
from receiver.core.errors import DestinationBusy, Unanswered
from receiver.core.incident import Example
from receiver.core.notice import DigestLine, Notice, NoticeStatus
from receiver.ports import AlertChannel
from tests.builders import NOW

SECRET = "T0PS3CRET"
"""Stands in the address of the channel wherever a channel has one in its address."""


def a_notice(**fields: object) -> Notice:
    """A dozen failed jobs, of which a channel hears for the first time."""
    given = {
        "id": "fingerprint1-1-firing-0",
        "status": NoticeStatus.FIRING,
        "severity": Severity.ERROR,
        "kind": "job.failed",
        "key": "fingerprint1",
        "cause": "damaged",
        "title": "classify job failed: it could not be parsed",
        "detail": "The file <a&b>.pdf could not be parsed",
        "tried": "resubmitted once before",
        "fix": "mend the file",
        "commands": ("mailroom replace doc_abc FILE", "mailroom resubmit --cause fingerprint1"),
        "count": 12,
        "unmended": 11,
        "examples": (Example(at=NOW, document_id="doc_abc", name="letter.pdf", job_id="job-77", detail="damaged"),),
        "opened_at": NOW,
        "last_at": NOW + 60,
        "at": NOW + 61,
        "link": "https://mail.example.com/#alerts/fingerprint1",
        "document_link": "https://mail.example.com/#all/doc_abc",
        "site": "mail.example.com",
    }
    return Notice(**{**given, **fields})  # type: ignore[arg-type]


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
        await ear.channel.notify(a_notice())
        (said,) = await ear.heard()
        for words in (
            "classify job failed", "doc_abc", "job-77", "The file <a&b>.pdf could not be parsed", "12", "11", "error",
            "mailroom replace doc_abc FILE", "mailroom resubmit --cause fingerprint1", "job.failed", "fingerprint1",
        ):  # fmt: skip
            assert words in said, words

    async def test_two_notices_are_two(self, ear: Ear) -> None:
        await ear.channel.notify(a_notice())
        await ear.channel.notify(a_notice(id="other-1-firing-0", key="other", cause="other", title="another"))
        assert len(await ear.heard()) == 2

    async def test_each_word_looks_like_no_other(self, ear: Ear) -> None:
        for word in NoticeStatus:
            await ear.channel.notify(a_notice(id=f"fingerprint1-1-{word}-0", status=word, closed_at=NOW + 60))
        said = await ear.heard()
        assert len(set(said)) == len(NoticeStatus)
        assert all("firing" in text.lower() or "trigger" in text.lower() for text in said[:1])
        assert "resolve" in said[list(NoticeStatus).index(NoticeStatus.RESOLVED)].lower()
        assert "resolve" not in said[list(NoticeStatus).index(NoticeStatus.QUIET)].lower()

    async def test_a_later_notice_of_an_incident_joins_the_first(self, ear: Ear) -> None:
        thread = await ear.channel.notify(a_notice())
        over = a_notice(id="fingerprint1-1-resolved-1", status=NoticeStatus.RESOLVED, closed_at=NOW + 90, thread=thread)
        assert await ear.channel.notify(over) == thread
        assert len(await ear.heard()) >= 2

    async def test_hostile_words_get_through_and_break_nothing(self, ear: Ear) -> None:
        hostile = a_notice(
            title="bad\r\nBcc: everybody@example.com\r\n\r\n" + "📮é" * 200,
            detail="." * 3 + "\r\n.\r\nQUIT\r\n half a character \ud83d \x00\ufffe ``` <!channel> " + "long " * 20_000,
            cause="caf\u00e9 \x00 \x1f" + "c" * 1000,
            examples=(Example(at=NOW, document_id="../../etc/passwd\n", name="\u202e" * 3000, detail="x" * 9000),),
            commands=("x" * 9000, "*bold* [link](http://x)") * 20,
            fix="",
            link="",
        )
        await ear.channel.notify(hostile)
        (said,) = await ear.heard()
        assert "passwd" in said
        assert len(said) < 30_000

    async def test_an_alert_of_nothing_in_particular_is_told(self, ear: Ear) -> None:
        await ear.channel.notify(
            a_notice(examples=(), fix="", detail="", tried="", commands=(), link="", document_link="")
        )
        assert len(await ear.heard()) == 1

    async def test_a_digest_names_the_worst_and_how_many_there_are(self, ear: Ear) -> None:
        others = tuple(
            DigestLine(key=f"key{number}", severity=Severity.ERROR, title=f"cause {number}", count=number)
            for number in range(50)
        )
        notice = a_notice(
            status=NoticeStatus.DIGEST, kind="digest", title="240 other causes", count=240, others=others, examples=()
        )
        await ear.channel.notify(notice)
        (said,) = await ear.heard()
        assert "240" in said
        assert "cause 3" in said

    async def test_a_probe_of_a_channel_that_works_finds_nothing_wrong(self, ear: Ear) -> None:
        assert await ear.channel.probe() in ([], None)


class CanFail(AlertChannelContract):
    """Channels that need somebody at the other end."""

    async def test_nobody_listening_means_later_and_shows_no_secret(self, ear: Ear) -> None:
        with pytest.raises(DestinationBusy) as error:
            await ear.dead.notify(a_notice())
        assert SECRET not in str(error.value)
        assert not isinstance(error.value, Unanswered)  # it surely heard nothing

    async def test_a_probe_says_that_nobody_listens_and_shows_no_secret(self, ear: Ear) -> None:
        faults = await ear.dead.probe()
        assert faults is None or (len(faults) == 1 and SECRET not in faults[0])
