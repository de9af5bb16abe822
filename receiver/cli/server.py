"""A Mailroom elsewhere: its operator's API over HTTPS, with a token, and its errors in our words."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import httpx

from receiver.core.connection_fault import connection_fault
from receiver.core.errors import Malformed, Misconfigured, NotAllowed, NotFound, Rejected, Transient
from receiver.core.forms import API_URL, Wrong, refuse_in_clear
from receiver.read_settings import from_environ
from receiver.settings import Settings

PREFIX = "/api/v1"
SECONDS = 60.0
"""For one answer: `verify` reads documents for 20 seconds before it answers."""
HERE = frozenset({"demo", "init", "config", "routes", "trigger", "sandbox", "operators"})
"""Commands that need neither a store nor a server."""
REMOTE = frozenset(
    {
        *("documents", "events", "logs", "tasks", "balance", "calibration", "alerts"),
        *("review", "correct", "recut", "replay", "resubmit", "unlock", "replace", "dismiss", "verify"),
        *("pause", "resume"),
    }
)
"""Commands that work through a server."""


class Server:
    """Requests to the API of one server. Raises our own errors for what it refuses, and when it cannot be reached."""

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=f"{self._url}{PREFIX}",
            headers={"authorization": f"Bearer {token}"},
            timeout=SECONDS,
            transport=transport,
        )

    async def get(self, *path: str, **query: object) -> dict[str, Any]:
        """What GET answers; parameters that are None are left out."""
        return await self._answer("GET", path, query)

    async def post(self, *path: str, body: Mapping[str, Any] | None = None, **query: object) -> dict[str, Any]:
        """What POST answers to this JSON."""
        given = {name: value for name, value in (body or {}).items() if value is not None}
        return await self._answer("POST", path, query, json=given)

    async def send(self, *path: str, file: Path, **query: object) -> dict[str, Any]:
        """What POST answers to this file."""
        with file.open("rb") as opened:
            return await self._answer("POST", path, query, files={"file": (file.name, opened)})

    async def _answer(
        self, method: str, path: tuple[str, ...], query: Mapping[str, object], **body: Any
    ) -> dict[str, Any]:
        params = {name: str(value) for name, value in query.items() if value is not None}
        where = "".join(f"/{quote(part, safe='')}" for part in path)
        try:
            response = await self._http.request(method, where, params=params, **body)
        except httpx.HTTPError as error:
            fix = "check the address, and that the server runs; the operator's side has an address of its own"
            raise Transient(f"{self._url} cannot be reached: {connection_fault(error)}", fix=fix) from error
        return self._read(response)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            data = response.json()
            message = "" if response.is_success else str(data["error"]["message"])
        except (ValueError, KeyError, TypeError):
            data = None
        if not isinstance(data, dict):
            fix = "give the address of the operator's side (MAILROOM_OPERATOR_ADDRESS there), such as https://host"
            code = response.status_code
            raise Misconfigured(f"{self._url} answers {code}, and not as Mailroom's operator's side does", fix=fix)
        if response.is_success:
            return data
        if response.status_code == 403:
            raise Misconfigured(f"{self._url} refuses this: {message}", fix="use a token whose role may do it")
        if response.status_code == 401:
            fix = "set MAILROOM_SERVER_TOKEN, or MAILROOM_SERVER_TOKEN_FILE, to a token of that server"
            raise Misconfigured(f"{self._url} refuses the token: {message}", fix=fix)
        raise _error_of(response.status_code)(message)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


def _error_of(status: int) -> type[Exception]:
    kinds = {400: Malformed, 404: NotFound, 409: NotAllowed, 429: Transient}
    return kinds.get(status, Transient if status >= 500 else Rejected)


def server_url() -> str:
    """The server that --server or MAILROOM_SERVER names; "" for none."""
    context = click.get_current_context(silent=True)
    given = context.find_root().params.get("server") if context else None
    return given if given is not None else from_environ().server


@contextlib.asynccontextmanager
async def opened_server(url: str, settings: Settings) -> AsyncIterator[Server]:
    """The server while the block lasts. Raises Misconfigured for an address or a token that cannot be used."""
    refuse_address(url, settings)
    if not settings.server_token:
        raise Misconfigured(
            f"there is no token for {url}",
            fix="set MAILROOM_SERVER_TOKEN_FILE to a file with it, or MAILROOM_SERVER_TOKEN",
        )
    server = Server(url, settings.server_token.reveal())
    try:
        yield server
    finally:
        await server.close()


def refuse_address(url: str, settings: Settings) -> None:
    """Raises Misconfigured for what is no URL, or would send the token in clear over a network."""
    try:
        API_URL.check(url)
        refuse_in_clear(url, "the token", "write https://", allowed=settings.allow_http)
    except Wrong as wrong:
        fix = wrong.fix.replace("api.cloud.eu.llamaindex.ai", "mailroom.example.com")
        raise Misconfigured(f"the server {url} {wrong}", fix=fix) from wrong


def refuse_without_store(command: str, *, explicit: bool, url: str) -> None:
    """Raises Misconfigured for a command that works on the store, or on this machine, and not through a server."""
    if not url or command in REMOTE or (command in HERE and not explicit):
        return
    if command in HERE:
        raise Misconfigured(f"mailroom {command} uses no server", fix="leave --server out")
    raise needs_store(f"mailroom {command}")


def needs_store(what: str) -> Misconfigured:
    """The error for what cannot be done through a server."""
    return Misconfigured(
        f"{what} works on the store itself, and not through a server",
        fix="run it where Mailroom runs, without --server and MAILROOM_SERVER",
    )
