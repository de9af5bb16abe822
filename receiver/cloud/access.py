"""Where LlamaCloud is, and the key that opens it: checked before anything is sent."""

import re
from collections.abc import Generator
from urllib.parse import urljoin

import httpx
from pydantic import SecretStr

from receiver.core.errors import Misconfigured


class Key(httpx.Auth):
    """The key as a header. It is added request by request, so a presigned link never gets it."""

    def __init__(self, key: str) -> None:
        """Raises Misconfigured for a key that is missing or cannot stand in a header; it does not show it."""
        _check_key(key)
        self._key = SecretStr(key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request

    def known(self) -> str:
        """The key itself, for blotting it out of what others say."""
        return self._key.get_secret_value()


def checked_url(url: str) -> str:
    """The base URL without its last slash; a path prefix is kept. Raises Misconfigured."""
    base = url.strip().rstrip("/")
    parts = address(base)
    if parts is None:
        raise Misconfigured(
            f"LLAMA_CLOUD_BASE_URL is {url.rpartition('@')[2]!r}: it has to start with https:// and a host name",
            fix="write it whole, for instance https://api.cloud.eu.llamaindex.ai",
        )
    if parts.userinfo or parts.query or parts.fragment:
        raise Misconfigured(
            "LLAMA_CLOUD_BASE_URL holds a user, a query or a fragment",
            fix="leave scheme, host and path only; the key belongs into LLAMA_CLOUD_API_KEY",
        )
    return base


def address(url: str, base: str = "") -> httpx.URL | None:
    """The URL, seen from ``base`` where it is relative; None for what cannot be asked over HTTP."""
    try:
        parts = httpx.URL(urljoin(f"{base}/", url) if base else url)
    except (httpx.InvalidURL, ValueError):
        return None
    named = parts.scheme in {"http", "https"} and re.fullmatch(r"[\w.:-]+", parts.host)
    return parts if named and (parts.port is None or 0 < parts.port < 65536) else None


def _check_key(key: str) -> None:
    if not key:
        raise Misconfigured("LLAMA_CLOUD_API_KEY is not set", fix="set it to a key of your LlamaCloud project")
    if not all("!" <= character <= "~" for character in key):
        raise Misconfigured(
            "LLAMA_CLOUD_API_KEY holds a space, a line break or a character outside ASCII",
            fix="copy the key again; look for a line break at the end of the file it is read from",
        )
