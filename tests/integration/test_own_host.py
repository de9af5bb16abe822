"""A page of a stranger, in a browser beside us, reads and changes nothing, whatever its name is pointed to."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.http.operator import operator_app
from receiver.http.own_host import OwnHost, under_own_names
from receiver.http.reply import Receive, Scope, Send
from tests.integration.test_api import OPERATOR_ROUTES
from tests.receivers import ADMIN_TOKEN, an_app, operator_of, settings_with
from tests.sockets import operator_served, said

pytestmark = pytest.mark.anyio
PATHS = ("/", "/metrics", "/documents", "/livez", "/console/console.js")
TOKEN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
NAMED = settings_with(operator_url="https://Mail.Example.com:8443/room", documents_url="https://documents.example.com")
OURS = (
    "127.0.0.1", "127.0.0.1:8081", "127.8.8.8:1", "localhost", "LOCALHOST:8081", "localhost.:8081", "[::1]",
    "[::1]:8081", "10.0.0.5:8081", "mail.example.com", "mail.example.com:8443", "documents.example.com",
)  # fmt: skip
OTHERS = (
    "", "evil.example", "evil.example:8081", "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost",
    "127.0.0.1@evil.example", "evil.example@127.0.0.1", "127.0.0.1/evil.example", "[::1", "[::1].evil.example",
    "example.com", "xmail.example.com", "127.0.0.1:8081:1", "127.0.0.1 evil.example", "[evil.example]",
)  # fmt: skip


@pytest.fixture
def loopback() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
async def client(tmp_path: Path, loopback: socket.socket) -> AsyncIterator[httpx.AsyncClient]:
    inside = under_own_names(operator_app(an_app(tmp_path)), loopback, NAMED)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inside), base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize("host", OURS)
async def test_it_answers_under_an_address_and_under_names_of_ours(host: str, client: httpx.AsyncClient) -> None:
    assert {(await client.get(path, headers={"host": host, **TOKEN})).status_code for path in PATHS} == {200}


@pytest.mark.parametrize("host", OTHERS)
async def test_it_answers_under_no_other_name_and_says_what_to_set(host: str, client: httpx.AsyncClient) -> None:
    for path in PATHS:
        answer = await client.get(path, headers={"host": host, **TOKEN})
        assert (answer.status_code, answer.json()["error"]["code"]) == (421, "misdirected_request")
        assert "MAILROOM_OPERATOR_URL" in answer.text
        assert "mailroom_" not in answer.text


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "evil.example"], ["evil.example", "127.0.0.1"]])
async def test_a_request_has_one_host(hosts: list[str], client: httpx.AsyncClient) -> None:
    request = client.build_request("GET", "/metrics")
    request.headers = httpx.Headers([("host", host) for host in hosts])
    assert (await client.send(request)).status_code == 421


WHOLE_URLS = {
    "http://evil.example/metrics": 421,
    "HTTP://evil.example:80/metrics": 421,
    "http://localhost@evil.example/metrics": 421,
    "http://evil.example": 400,
    "http://localhost/metrics": 200,
    "http://127.0.0.1:8081/metrics": 200,
    "/metrics": 200,
}


def test_a_request_line_with_a_whole_url_is_judged_by_its_authority(tmp_path: Path) -> None:
    with operator_served(an_app(tmp_path), names=frozenset()) as address:
        heads = {url: f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for url in WHOLE_URLS}
        asked = {url: said(address, head)[0] for url, head in heads.items()}
        evil = said(address, b"GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")[0]
    assert (asked, evil) == (WHOLE_URLS, 200)


@given(host=st.text(st.characters(max_codepoint=255), max_size=30).map(str.lower))
async def test_no_name_but_ours_is_let_in_however_it_is_written(host: str) -> None:
    asked: list[str] = []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append("")

    async def ignore(message: object) -> None:
        """The answer."""

    headers = [(b"host", host.encode("latin-1"))]
    app = OwnHost(inside, frozenset({"mail.example.com"}))
    await app({"type": "http", "method": "GET", "headers": headers}, None, ignore)  # type: ignore[arg-type]
    if asked:
        name = host.rpartition(":")[0] or host
        assert name.rstrip(".") in {"localhost", "mail.example.com"} or set(name) <= set("[]0123456789abcdef.:")


@pytest.mark.parametrize(("address", "checked"), [("127.0.0.1", True), ("127.0.0.9", True), ("0.0.0.0", False)])  # noqa: S104
def test_only_a_listener_that_this_machine_alone_reaches_is_particular(address: str, checked: bool) -> None:
    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        """Never asked."""

    with socket.create_server((address, 0)) as listener:
        assert (under_own_names(inside, listener, NAMED) is not inside) == checked


@pytest.mark.parametrize(("method", "path"), OPERATOR_ROUTES)
async def test_a_page_of_a_stranger_cannot_have_a_browser_decide_anything(
    method: str, path: str, tmp_path: Path
) -> None:
    """The token is in no cookie, so a browser adds none by itself; and no other page may send it, or read an answer."""
    stranger = {"origin": "https://evil.example", "cookie": f"token={ADMIN_TOKEN}; authorization={ADMIN_TOKEN}"}
    asks = {"access-control-request-method": method, "access-control-request-headers": "authorization"}
    async with operator_of(an_app(tmp_path)) as client:
        answers = [
            await client.request(method, path, headers=stranger),
            await client.request(method, f"{path}?token={ADMIN_TOKEN}", headers=stranger),
            await client.request("OPTIONS", path, headers={**stranger, **asks}),
        ]
    assert [item.status_code for item in answers] == [401, 401, 405]
    assert [
        name for item in answers for name in item.headers if name.startswith(("access-control", "set-cookie"))
    ] == []
