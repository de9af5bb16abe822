"""Whoever chooses names and texts can neither open incidents without end nor hide others behind them."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.alerting.alert import task_for
from receiver.core.alert import Alert, Severity
from receiver.core.change import InsertIfAbsent
from receiver.core.channel import Ceiling, Channel
from receiver.core.fingerprint import cause_of
from receiver.core.incident import NEW_AT_MOST, NEW_SECONDS, OTHERS
from receiver.core.job import JobStatus
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import ingest_file
from tests.in_memory_app import InMemoryApp
from tests.mail_fixtures import a_mail
from tests.unit.mail.reading import PDF
from tests.unit.pipeline.test_ingest_mail import once

pytestmark = pytest.mark.anyio
ZIP = b"PK\x03\x04" + bytes(100)
WORDS = ["1", "of", "2", "parts", "are", "held", "it", "is", "an", "archive", "(zip),", "not", "a", "document"]
NAMES = st.lists(st.sampled_from(WORDS) | st.text("abcdefg :'\"", min_size=1, max_size=12), max_size=6, unique=True)


async def mailed(app: InMemoryApp, number: int, names: list[str]) -> None:
    parts = [("a.zip", ZIP, "application/zip"), *((name, PDF, "application/pdf") for name in names)]
    mail = a_mail(*parts, subject=f"{number}")
    mail.replace_header("Message-ID", f"<{number}@x.example>")
    await ingest_file(IncomingFile(name="a.eml", kind="folder", source=once(bytes(mail))), app.context)


@settings(max_examples=8)
@given(st.lists(NAMES, min_size=2, max_size=4))
async def test_whatever_the_attachments_are_called_mails_held_for_one_reason_are_one_incident(
    every: list[list[str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = InMemoryApp(Path(folder))
        for number, names in enumerate(every):
            await mailed(app, number, names)
        await app.work()
        (incident,) = await app.incidents()
        assert (incident.kind, incident.count) == ("mail.held", len(every))


def raised(app: InMemoryApp, causes: range, kind: str = "job.failed") -> list[InsertIfAbsent]:
    alerts = [Alert(kind=kind, cause=f"cause {n}", title=f"{n} failed", detail=f"{n}", at=app.now) for n in causes]
    return [InsertIfAbsent(task_for(item, item.cause)) for item in alerts]


async def test_beyond_so_many_new_causes_of_a_kind_the_others_are_counted_together(app: InMemoryApp) -> None:
    await app.store.apply(*raised(app, range(NEW_AT_MOST + 30)))
    await app.work(rounds=500)
    await app.store.apply(*raised(app, range(3), kind="delivery.failed"))
    await app.work(rounds=500)
    counts = {(item.kind, item.cause == OTHERS): item.count for item in await app.incidents()}
    assert counts == {("job.failed", False): 1, ("job.failed", True): 30, ("delivery.failed", False): 1}
    assert len(await app.incidents()) == NEW_AT_MOST + 1 + 3
    (others,) = [item for item in await app.incidents() if item.cause == OTHERS]
    assert f"over {NEW_AT_MOST} new causes" in others.title
    app.later(NEW_SECONDS + 1)
    await app.store.apply(*raised(app, range(100, 101)))
    await app.work(rounds=500)
    assert "cause 100" in {item.cause for item in await app.incidents()}, "an hour later a new cause has its own again"


async def test_what_comes_again_of_a_known_cause_stays_with_it(app: InMemoryApp) -> None:
    await app.store.apply(*raised(app, range(NEW_AT_MOST + 1)))
    await app.work(rounds=500)
    document = await app.submitted(name="a.pdf")
    known = next(item for item in await app.incidents() if item.cause != OTHERS)
    again = Alert(kind="job.failed", cause=known.cause, title="t", detail="d", subject=document.id, at=app.now)
    await app.store.apply(InsertIfAbsent(task_for(again, document.id)))
    await app.work()
    assert {item.id: item.count for item in await app.incidents()}[known.id] == 2


async def test_the_names_of_failed_documents_make_no_incidents_without_end(app: InMemoryApp) -> None:
    said = "the letter has more odd marks than any model would like to see in one place"
    words = said.split()
    spans = [" ".join(words[at : at + length]) for at in range(len(words)) for length in (2, 3, 4)]
    for name in dict.fromkeys(spans):
        document = await app.submitted(name=f"{name}.pdf")
        app.cloud.finish(document.job_id, JobStatus.FAILED, error=said)
        await app.event(document.job_id, "classify.error")
        await app.work()
    incidents = await app.incidents()
    assert len(incidents) <= NEW_AT_MOST + 1
    assert sum(item.count for item in incidents) == len(set(spans))


@pytest.mark.parametrize("name", ["marks.pdf", "odd", "has.more", "it is"])
def test_a_short_name_is_a_word_of_the_text_like_any_other(name: str) -> None:
    said = "it is odd that it has more marks"
    assert cause_of(said, name) == said


def test_warnings_leave_room_for_errors_below_a_ceiling() -> None:
    ceiling, channel, told = Ceiling(), Channel(id="log"), dict[Severity, int]()
    for severity in (Severity.WARNING, Severity.ERROR, Severity.CRITICAL):
        while channel.room(ceiling, 1.0, severity):
            channel = channel.notified(1.0, counts=True)
            told[severity] = told.get(severity, 0) + 1
    assert told == {Severity.WARNING: 15, Severity.ERROR: 5, Severity.CRITICAL: 20}
    assert Channel(id="log").room(Ceiling(notices=1), 1.0, Severity.WARNING)
