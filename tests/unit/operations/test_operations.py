"""The operator's commands on a store, and through a server: one contract, and the same output."""

import asyncio
import importlib
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from receiver.bootstrap import App
from receiver.cli import COMMANDS
from receiver.cli import server as client
from receiver.cli.local_mending import LocalMending
from receiver.cli.mending import report_mended
from receiver.cli.operations import Mending
from receiver.cli.remote_mending import RemoteMending
from receiver.cli.server import HERE, REMOTE, Server, refuse_address
from receiver.core.change import Insert
from receiver.core.errors import Misconfigured, Transient
from receiver.core.search import Search
from receiver.http.operator import operator_app
from receiver.settings import Secret, Settings
from tests.builders import an_incident
from tests.commands import run, terminal
from tests.contracts.operations import OperationsContract
from tests.in_memory_app import TABLE, InMemoryApp
from tests.receivers import ADMIN_TOKEN, settings_with

URL = "https://mailroom.example.com"
MEND = "mailroom correct letter.pdf --type contract --who ann"


def transport_to(app: InMemoryApp) -> httpx.ASGITransport:
    """The operator's side of this application."""
    return httpx.ASGITransport(operator_app(App(settings=settings_with(), context=app.context, receiver=None)))


class TestOnTheStore(OperationsContract):
    @pytest.fixture(autouse=True)
    def _table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAILROOM_CONFIG", str(tmp_path / "mailroom.yaml"))

    def mending_of(self, app: InMemoryApp) -> AbstractAsyncContextManager[Mending]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Mending]:
            yield LocalMending(App(settings=settings_with(), context=app.context, receiver=None))

        return opened()


class TestThroughAServer(OperationsContract):
    def mending_of(self, app: InMemoryApp) -> AbstractAsyncContextManager[Mending]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Mending]:
            server = Server(URL, ADMIN_TOKEN, transport=transport_to(app))
            try:
                yield RemoteMending(server)
            finally:
                await server.close()

        return opened()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    """An application that commands reach on its store, and by URL through its API."""
    app = InMemoryApp(tmp_path)
    asyncio.run(app.routed("invoice", 0.93, name="letter.pdf"))
    asyncio.run(app.store.apply(Insert(an_incident(id="incident00"))))
    usual = httpx.AsyncClient.__init__

    def reaching(self: httpx.AsyncClient, *, transport: object = None, **more: object) -> None:
        usual(self, transport=transport or transport_to(app), **more)  # type: ignore[arg-type]

    monkeypatch.setattr(httpx.AsyncClient, "__init__", reaching)
    with terminal(app, TABLE, monkeypatch):
        yield app


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, commands go through the server, and have no store."""
    for command in COMMANDS.values():  # one imported later would keep what is patched here
        importlib.import_module(command.partition(":")[0])

    def take() -> None:
        monkeypatch.setenv("MAILROOM_SERVER", URL)
        monkeypatch.setenv("MAILROOM_SERVER_TOKEN", ADMIN_TOKEN)
        monkeypatch.setenv("MAILROOM_STORE", "sqlite:///none.db")
        monkeypatch.setattr("receiver.cli.running.with_store", None)
        monkeypatch.setattr("receiver.cli.running.with_app", None)

    return take


@pytest.mark.parametrize(
    "command",
    [
        "mailroom documents",
        "mailroom documents letter.pdf",
        "mailroom documents harbour type:invoice",
        "mailroom documents --type invoce",
        "mailroom documents --state routed --limit 1",
        "mailroom documents nothing",
        "mailroom documents --overdue",
        "mailroom events",
        "mailroom tasks --limit 3",
        "mailroom balance",
        "mailroom calibration",
        "mailroom alerts",
        "mailroom alerts show incident00",
        "mailroom review",
        "mailroom correct letter.pdf --type contract --dry-run",
        "mailroom correct letter.pdf --to nowhere",
        "mailroom replay letter.pdf --dry-run",
        "mailroom resubmit letter.pdf --dry-run",
        "mailroom dismiss letter.pdf --note x",
        "mailroom verify letter.pdf",
        "mailroom verify --search type:invoice",
        "mailroom recut letter.pdf 1=invoce",
    ],
)
def test_a_command_prints_the_same_through_a_server(
    app: InMemoryApp, through: Callable[[], None], command: str
) -> None:
    for form in (command, f"{command} --json"):
        here = run(form)
        through()
        there = run(form)
        assert there.exit_code == here.exit_code
        if here.exit_code == 0 and "verify" not in form:  # which says when
            assert there.stdout == here.stdout
        if here.exit_code == 2:
            assert there.stderr


def test_a_document_is_put_right_through_a_server(app: InMemoryApp, through: Callable[[], None]) -> None:
    through()
    assert "ann set the type to contract" in run(MEND).output
    asyncio.run(app.work())
    assert json.loads(run("mailroom documents letter.pdf --json").output)["decisions"][0]["who"] == "ann"
    assert run("mailroom correct --search type:contract --undo --yes").exit_code == 0
    assert run("mailroom pause submission").output.startswith("submission is paused")
    assert run("mailroom resume submission").exit_code == 0
    assert "acknowledged by" in run("mailroom alerts ack incident00").output


def test_a_command_that_needs_the_store_says_so(app: InMemoryApp, through: Callable[[], None]) -> None:
    through()
    for command in ("backup TO", "restore FROM", "serve", "worker", "sweep", "submit x.pdf", "doctor", "costs"):
        result = run(f"mailroom {command}")
        assert isinstance(result.exception, Misconfigured), command
        assert "works on the store itself, and not through a server" in str(result.exception)
    for command in ("balance --recount", "resubmit --failed-since 7d", "routes shadow", "routes backtest"):
        assert run(f"mailroom {command}").exit_code != 0, command
    assert run("mailroom routes schema").exit_code == 0
    assert isinstance(run(f"mailroom --server {URL} routes schema").exception, Misconfigured)
    assert run("mailroom backup --help").exit_code == 0


def test_every_command_is_said_to_work_through_a_server_or_not() -> None:
    assert set(COMMANDS) >= REMOTE | HERE
    assert not REMOTE & HERE
    docs = Path(__file__).parents[3].joinpath("docs", "operator.md").read_text()
    listed = docs.partition("## From another machine")[2].partition("\n## ")[0]
    assert all(f"`{command}`" in listed for command in REMOTE)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://mailroom.example.com", "sends the token unencrypted"),
        ("mailroom.example.com", "has no scheme"),
        ("https://u:p@mailroom.example.com", "holds a user"),
        ("ftp://mailroom.example.com", "does not begin with"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        refuse_address(url, Settings())


def test_plain_http_is_for_this_machine_or_asked_for() -> None:
    refuse_address("http://127.0.0.1:8081", Settings())
    refuse_address("http://mailroom.internal", Settings(allow_http=True))


def test_no_token_and_a_wrong_one_are_told(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_SERVER", URL)
    without = run("mailroom documents").exception
    assert isinstance(without, Misconfigured)
    assert (str(without), "MAILROOM_SERVER_TOKEN_FILE" in without.fix) == (f"there is no token for {URL}", True)
    monkeypatch.setenv("MAILROOM_SERVER_TOKEN", "wrong-token-wrong-token")
    wrong = run("mailroom documents").exception
    assert isinstance(wrong, Misconfigured)
    assert str(wrong) == f"{URL} refuses the token: invalid token"
    assert "--server is empty" in run("mailroom --server '' documents").stderr


def test_no_option_takes_the_token() -> None:
    assert not [item for item in run("mailroom --help").output.split() if item.startswith("--") and "token" in item]
    assert isinstance(Settings(server_token=Secret("x")).server_token, Secret)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (httpx.ConnectError("no"), Transient, "cannot be reached"),
        (httpx.ReadTimeout("no"), Transient, "cannot be reached: no answer in time"),
        (httpx.Response(200, text="<html>"), Misconfigured, "not as Mailroom's operator's side does"),
        (httpx.Response(404, text="nothing"), Misconfigured, "answers 404"),
        (httpx.Response(302, headers={"location": "/login"}), Misconfigured, "answers 302"),
        (httpx.Response(200, json=[]), Misconfigured, "not as Mailroom"),
        (httpx.Response(503, json={"error": {"code": "busy", "message": "retry"}}), Transient, "retry"),
        (httpx.Response(502, text="<html>Bad Gateway"), Transient, "answers 502"),
        (httpx.Response(429, json={"message": "Too Many Requests"}), Transient, "answers 429"),
        (httpx.Response(400, json={"error": "no"}), Misconfigured, "answers 400"),
        (httpx.Response(200, content=b"[" * 200_000), Misconfigured, "not as Mailroom"),
        (httpx.Response(200, content=b"\xff"), Misconfigured, "not as Mailroom"),
        (httpx.Response(403, json={"error": {"code": "x", "message": "disabled"}}), Misconfigured, "disabled"),
    ],
)
async def test_what_a_server_answers_is_told_in_our_words(
    answer: httpx.Response | Exception, kind: type[Exception], text: str
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    server = Server(URL, "token", transport=httpx.MockTransport(handle))
    with pytest.raises(kind, match=text):
        await server.get("documents")
    await server.close()


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [{}, {"items": [], "documents": []}, {"documents": [], "cursor": "c"}])
async def test_another_service_or_version_is_told_and_no_traceback(answer: dict[str, Any]) -> None:
    remote = RemoteMending(
        Server(URL, "token", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)))
    )
    with pytest.raises(Misconfigured, match=r"has no '(documents|cursor|looked_back_to)'"):
        await remote.search(Search(), limit=50, cursor=None)


@pytest.mark.anyio
async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1000
            await asyncio.sleep(0)

    server = Server(URL, "token", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=endless())))
    with monkeypatch.context() as patched, pytest.raises(Misconfigured, match="answers more than"):
        patched.setattr(client, "MOST_BYTES", 10_000)
        await server.get("documents")
    monkeypatch.setattr(client, "SECONDS", 0.0)
    with pytest.raises(Transient, match="no answer in time"):
        await server.get("documents")


@pytest.mark.anyio
async def test_of_many_documents_those_before_a_lost_answer_keep_their_results(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[list[str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["ids"])
        if len(asked) % 2 == 0:
            return httpx.Response(504, text="<html>")
        shown = {"name": "a.pdf", "state": "failed", "done": True, "why": None}
        return httpx.Response(202, json={"documents": [{"document_id": item, **shown} for item in asked[-1]]})

    remote = RemoteMending(Server(URL, "token", transport=httpx.MockTransport(handle)))
    ids = [f"doc_{number}" for number in range(450)]
    results = await remote.dismiss(ids, "junk", who="ann")
    assert [item["document_id"] for item in results] == ids
    assert [item["done"] for item in results] == [True] * 200 + [None] * 200 + [False] * 50
    assert "it may be done" in results[200]["why"]
    assert "answers 504" in results[200]["why"]
    assert asked == [ids[:200], ids[200:400]]
    with pytest.raises(click.exceptions.Exit):
        report_mended(results, "dismissed", as_json=True)
    done = [item["done"] for item in json.loads(capsys.readouterr().out)["documents"]]
    assert done == ["dismissed"] * 200 + ["unknown"] * 200 + ["nothing"] * 50
    asked.append([])
    with pytest.raises(Transient, match="answers 504"):
        await remote.dismiss(ids, "junk", who="ann")


def test_the_environment_of_these_tests_names_no_server() -> None:
    assert "MAILROOM_SERVER" not in os.environ
