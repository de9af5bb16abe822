"""Floods: what is kept, logged and labelled is counted, and stays within bounds however much an outsider sends."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.bootstrap import App
from receiver.core.change import Insert, Query, Write
from receiver.core.errors import StoreBusy
from receiver.core.event import ID_LIMIT, Event
from receiver.core.task import Task
from receiver.core.verify_webhook import TOKEN_HEADER
from receiver.http.operator import operator_app
from receiver.http.webhook import LINES, PATH
from receiver.log import RateLimitedLog
from receiver.metrics import SummingMeter
from receiver.pipeline.event_limit import BURST, EACH_SECONDS, EventLimit
from receiver.pipeline.records import every_record
from receiver.settings import Secret
from receiver.store import codec
from receiver.store.memory import MemoryStore
from tests.builders import a_job
from tests.receivers import Sender, a_body, an_app, client_of, post

pytestmark = pytest.mark.anyio
AUTHORS = ("doc_a", "doc_b", "doc_c")
SENT = st.lists(
    st.tuples(st.sampled_from(AUTHORS), st.integers(0, 9), st.sampled_from(["", "x", "y:z"]), st.integers(0, 3)),
    max_size=60,
)
SMALL = 5


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def limited(folder: Path, *, burst: int = BURST, clock: Clock | None = None, **given: Any) -> App:
    app = an_app(folder, **given)
    assert app.receiver is not None
    app.receiver.limit = EventLimit(burst=burst, clock=clock or Clock())
    return app


async def kept(app: App) -> list[Event]:
    return [item async for item in every_record(Event, Query(), app.context.store)]


def refusals(app: App) -> dict[str, float]:
    assert isinstance(app.context.meter, SummingMeter)
    return {labels[0]: value for name, labels, value in app.context.meter.counts() if name == "mailroom_refusals"}


def logged(caplog: pytest.LogCaptureFixture) -> Counter[str]:
    return Counter(item.getMessage() for item in caplog.records)


async def test_one_documents_token_has_so_many_events_kept_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    app = limited(tmp_path, clock=clock)
    caplog.set_level("INFO")
    async with client_of(app) as client:
        answers = [await post(client, a_body(f"evt-{n}", f"type-{n}", job_id=f"job-{n}")) for n in range(1000)]
        assert Counter(item.status_code for item in answers) == {202: BURST, 429: 1000 - BURST}
        refused = answers[-1]
        assert refused.headers["retry-after"] == str(int(EACH_SECONDS))
        assert refused.json()["error"]["code"] == "too_many_events"
        for _ in range(3):  # and its retries are welcome
            assert (await post(client, a_body("evt-3", "type-3", job_id="job-3"))).status_code == 200
        assert (await post(client, a_body("other"), Sender(document_id="doc_other"))).status_code == 202
        clock.now += EACH_SECONDS
        assert [(await post(client, a_body(f"later-{n}"))).status_code for n in range(3)] == [202, 429, 429]
    assert len(await kept(app)) == BURST + 2
    assert refusals(app) == {"too_many_events": 1000 - BURST + 2}
    lines = {what: times for what, times in logged(caplog).items() if what.startswith("event.")}
    assert lines == {"event.accepted": BURST + 2, "event.duplicate": 3, "event.refused": 2}
    told = [item.facts for item in caplog.records if item.getMessage() == "event.refused"]  # type: ignore[attr-defined]
    assert {(item["cause"], item["subject"]) for item in told} == {("too_many_events", "doc_known")}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sent=SENT)
async def test_whoever_sends_whatever_each_document_keeps_its_share_and_every_retry_is_acknowledged(
    sent: list[tuple[str, int, str, int]], tmp_path: Path
) -> None:
    app = limited(tmp_path, burst=SMALL)
    await app.context.store.apply(Insert(a_job(id="job-3", document_id="doc_c")))
    acknowledged = set()
    async with client_of(app) as client:
        for document, number, type_, job in sent:
            body, sender = a_body(f"evt-{number}", f"t{type_}", job_id=f"job-{job}"), Sender(document_id=document)
            status = (await post(client, body, sender)).status_code
            if job == 3 and document != "doc_c":
                assert status in (401, 429) or (document, number) in acknowledged
            elif (document, number) in acknowledged:
                assert status == 200
            else:
                assert status in (202, 429)
            if status == 202:
                acknowledged.add((document, number))
    by_document = Counter(event.document_id for event in await kept(app))
    assert sum(by_document.values()) == len(acknowledged)
    wanted = {
        document: len({number for item, number, _, job in sent if item == document and (job < 3 or item == "doc_c")})
        for document in AUTHORS
    }
    assert dict(by_document) == {item: min(wanted[item], SMALL) for item in AUTHORS if wanted[item]}


async def test_what_is_not_kept_is_not_counted(tmp_path: Path) -> None:
    class Busy(MemoryStore):
        busy = True

        async def apply(self, *writes: Write) -> None:
            if self.busy:
                raise StoreBusy("not now")
            await super().apply(*writes)

    store = Busy()
    app = limited(tmp_path, burst=SMALL, store=store)
    async with client_of(app) as client:
        assert {(await post(client, a_body(f"evt-{n}"))).status_code for n in range(20)} == {503}
        store.busy = False
        assert {(await post(client, a_body("evt-0"))).status_code for _ in range(20)} == {202, 200}
        assert [(await post(client, a_body(f"new-{n}"))).status_code for n in range(5)] == [202] * 4 + [429]


async def test_without_a_token_the_job_stands_for_the_document(tmp_path: Path) -> None:
    app = limited(tmp_path, burst=SMALL, token_secrets=Secret(""))
    sender = Sender(headers={TOKEN_HEADER: None})
    async with client_of(app) as client:
        for job, allowed in (("job-1", SMALL), ("job-2", SMALL), ("", SMALL)):
            bodies = [a_body(f"{job}-{n}", job_id=job) for n in range(SMALL + 3)]
            statuses = [(await post(client, body, sender)).status_code for body in bodies]
            assert statuses == [202] * allowed + [429] * 3
    assert len(await kept(app)) == 3 * SMALL


@pytest.mark.parametrize("letter", ["x", "\x01", "\x80", "\u20ac", "\U0001f4ec", '"'])
async def test_one_event_takes_so_much_of_the_store_and_no_more_whatever_it_brings(letter: str, tmp_path: Path) -> None:
    app = limited(tmp_path)
    body = a_body(letter * ID_LIMIT, letter * ID_LIMIT, job_id="j" + letter * (ID_LIMIT - 1), id=letter * ID_LIMIT,
                  reasoning="r" * 1_000_000)  # fmt: skip
    async with client_of(app) as client:
        assert (await post(client, body)).status_code == 202
    tasks = await app.context.store.find(Task, Query())
    size = sum(len(codec.encode(item)) for item in [*await kept(app), *tasks.records])
    assert size < 14_000


@pytest.fixture
def log_time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of one span of time, however long a busy machine takes for the flood."""
    defaults = RateLimitedLog.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", lambda: 0.0)


@pytest.mark.usefixtures("log_time_stands_still")
async def test_a_flood_of_repetitions_and_of_refusals_writes_few_lines_and_no_label_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = limited(tmp_path)
    caplog.set_level("INFO")
    junk = itertools.cycle([b"{", b"[" * 200, a_body("x" * 300), b"\xff"])
    async with client_of(app) as client:
        for n in range(600):
            await post(client, a_body())
            await post(client, next(junk))
            await post(client, a_body(f"e{n}", f"t{n}"), Sender(headers={TOKEN_HEADER: f"v1.{n}"}))
            await client.post(PATH, content=b"", headers={"content-type": f"text/{n}"})
    lines = logged(caplog)
    causes = refusals(app)
    assert lines["event.duplicate"] <= LINES
    assert lines["event.refused"] <= LINES * len(causes)
    assert set(causes) <= {"malformed", "token_malformed", "unsupported_media_type", "header_missing"}
    assert sum(causes.values()) == 3 * 600


@pytest.mark.usefixtures("log_time_stands_still")
async def test_a_flood_of_wrong_tokens_from_everywhere_writes_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = operator_app(limited(tmp_path))
    for n in range(300):
        transport = httpx.ASGITransport(app, client=(f"2001:db8:{n:x}::1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for _ in range(2):
                answer = await client.get("/documents", headers={"authorization": "Bearer no"})
                assert answer.status_code == 401
    assert logged(caplog)["auth.refused"] <= LINES
