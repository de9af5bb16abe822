"""Events as they come, and everything about a document in the order of time."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import show
from receiver.cli import events
from receiver.cli.follow import follow_events
from receiver.cli.listing import proofs_text
from receiver.cli.operations import Shown
from receiver.core.change import Insert
from receiver.core.errors import Transient
from tests.builders import an_event
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


class Growing:
    """Events that appear between two looks, some of them filed late."""

    def __init__(self, looks: list[list[float]]) -> None:
        self._looks, self._there, self.all = looks, list[Shown](), list[str]()
        self.broken = False

    def grow(self) -> None:
        for at in self._looks.pop(0):
            key = f"event-{len(self.all)}"
            self.all.append(key)
            self._there.append(show.event(an_event(id=key, received_at=1000.0 + at)))

    async def events(self, *, job: str | None, since: float | None, limit: int) -> list[Shown]:
        if self.broken:
            raise Transient("down")
        first = show.moment(since or 0.0) or ""
        fit = [item for item in self._there if item["received_at"] >= first]
        return sorted(fit, key=lambda item: item["received_at"], reverse=True)[:limit]


@given(
    looks=st.lists(st.lists(st.floats(0, 20), max_size=5), min_size=1, max_size=6), breaks=st.sets(st.integers(0, 5))
)
def test_each_event_is_shown_once_whatever_the_order_in_which_they_are_filed(
    looks: list[list[float]], breaks: set[int]
) -> None:
    source, told, failures, look = Growing([*looks, []]), list[str](), list[Transient](), iter(range(100))

    async def wait() -> bool:
        if not source._looks:
            return False
        source.grow()
        source.broken = next(look) in breaks and bool(source._looks)
        return True

    asyncio.run(
        follow_events(
            source,  # type: ignore[arg-type]
            job=None, since=None, shown=lambda item: told.append(item["key"]), failed=failures.append, wait=wait,
        )
    )  # fmt: skip
    assert sorted(told) == sorted(source.all)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    app = InMemoryApp(tmp_path)
    with terminal(app, TABLE, monkeypatch):
        yield app


def test_following_prints_a_line_for_each_and_ends_by_an_interrupt(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(app.store.apply(*[Insert(an_event(id=f"e{n}", received_at=app.now + n)) for n in range(3)]))

    async def interrupted() -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(events, "next_look", interrupted)
    result = run("mailroom events --follow --json")
    assert result.exit_code == 130
    assert [json.loads(line)["key"] for line in result.stdout.splitlines()] == ["e0", "e1", "e2"]
    assert run("mailroom events x --follow").exit_code == 2


def test_the_log_of_a_document_has_everything_in_the_order_of_time(app: InMemoryApp) -> None:
    document = asyncio.run(app.routed("contract", name="letter.pdf"))
    run("mailroom correct letter.pdf --type invoice --who ann")
    asyncio.run(app.work())
    entries = json.loads(run("mailroom logs letter.pdf --json").output)["entries"]
    assert [item["at"] for item in entries] == sorted(item["at"] for item in entries)
    what = [item["what"] for item in entries]
    for expected in ("received", "job created", "event", "task submit", "delivered", "decision"):
        assert expected in what
    assert len({(item["what"], item["detail"]) for item in entries if item["what"] == "delivered"}) == what.count(
        "delivered"
    )
    assert document.job_id in run(f"mailroom logs {document.id}").output


def test_the_proofs_of_an_event_are_told_in_words() -> None:
    assert proofs_text(["headers:0", "signature:0", "token:1"]) == "headers, signature, token (secret 2)"
    assert (
        events.event_row(show.event(an_event(verified_by=("signature:0", "token:1"))))[-1]
        == "signature, token (secret 2)"
    )
    assert proofs_text(["signature:10", "adopted"]) == "signature (secret 11), adopted"
