"""A Mailroom elsewhere: its operator's API over HTTPS, with a token, and its errors in our words."""

import asyncio
import contextlib
import json
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
"""Until an answer begins, and then until it has ended: `verify` reads documents for 20 seconds before it answers."""
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of one answer, unpacked: much more than 500 documents have."""
HERE = frozenset({"demo", "init", "config", "routes", "trigger", "sandbox", "operators"})
"""Commands that need neither a store nor a server."""
REMOTE = frozenset(
    {
        *("documents", "events", "logs", "tasks", "balance", "calibration", "alerts"),
        *("review", "correct", "recut", "replay", "resubmit", "reclassify", "unlock", "replace", "dismiss", "verify"),
        *("pause", "resume"),
    }
)
"""Commands that work through a server."""


class Fields(dict[str, Any]):
    """A JSON object of an answer. Raises Misconfigured, and no KeyError, for a field that it does not have."""

    def __missing__(self, field: str) -> Any:
        fix = "give the address of a Mailroom's operator's side, of this version or a newer one"
        raise Misconfigured(f"the server's answer has no {field!r}, which Mailroom's API has", fix=fix)


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
            async with self._http.stream(method, where, params=params, **body) as response:
                async with asyncio.timeout(SECONDS):
                    return self._read(response, await _content(response))
        except (httpx.HTTPError, TimeoutError) as error:
            fix = "check the address, and that the server runs; the operator's side has an address of its own"
            raise Transient(f"{self._url} cannot be reached: {connection_fault(error)}", fix=fix) from error

    def _read(self, response: httpx.Response, content: bytes) -> dict[str, Any]:
        code = response.status_code
        try:
            data = json.loads(content, object_hook=Fields)
        except (ValueError, RecursionError):
            data = None
        error = data.get("error") if isinstance(data, Fields) else None
        message = error.get("message") if isinstance(error, Fields) else None
        if response.is_success and isinstance(data, Fields):
            return data
        if not isinstance(message, str) or response.is_success:
            raise self._not_ours(code)
        if code == 403:
            raise Misconfigured(f"{self._url} refuses this: {message}", fix="use a token whose role may do it")
        if code == 401:
            fix = "set MAILROOM_SERVER_TOKEN, or MAILROOM_SERVER_TOKEN_FILE, to a token of that server"
            raise Misconfigured(f"{self._url} refuses the token: {message}", fix=fix)
        raise _error_of(code)(message)

    def _not_ours(self, code: int) -> Exception:
        """The error for an answer that is not one of Mailroom's API."""
        if code == 429 or code >= 500:  # that of a proxy in between, or of API Gateway
            return Transient(f"{self._url} answers {code}, and Mailroom behind it does not", fix="try again later")
        fix = "give the address of the operator's side (MAILROOM_OPERATOR_ADDRESS there), such as https://host"
        return Misconfigured(f"{self._url} answers {code}, and not as Mailroom's operator's side does", fix=fix)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


async def _content(response: httpx.Response) -> bytes:
    """The answer's bytes. Raises Misconfigured for more of them than Mailroom sends."""
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > MOST_BYTES:
            raise Misconfigured(
                f"{response.url.host} answers more than {MOST_BYTES >> 20} MiB", fix="check the address"
            )
    return bytes(content)


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
