"""LlamaCloud's base URL and the API key, checked before anything is sent."""

import re
from collections.abc import Generator
from urllib.parse import urljoin

import httpx
from pydantic import SecretStr

from receiver.core import forms
from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong


class ApiKey(httpx.Auth):
    """The key as a header. It is added request by request, so a presigned link never gets it."""

    def __init__(self, key: str) -> None:
        """Raises Misconfigured, without showing the key, if it is missing or cannot be sent in a header."""
        _check_key(key)
        self._key = SecretStr(key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request

    def known(self) -> str:
        """The key itself, to mask it in texts from outside."""
        return self._key.get_secret_value()


def checked_url(url: str) -> str:
    """The base URL without its last slash; a path prefix is kept. Raises Misconfigured."""
    try:
        forms.API_URL.check(url)
    except Wrong as wrong:
        raise Misconfigured(f"LLAMA_CLOUD_BASE_URL {wrong}", fix=wrong.fix) from None
    return url.rstrip("/")


def base_address(url: str, base: str = "") -> httpx.URL | None:
    """The URL, resolved against ``base`` if it is relative; None if it is not an HTTP URL."""
    try:
        parts = httpx.URL(urljoin(f"{base}/", url) if base else url)
    except (httpx.InvalidURL, ValueError):
        return None
    named = parts.scheme in {"http", "https"} and re.fullmatch(r"[\w.:-]+", parts.host)
    return parts if named and (parts.port is None or 0 < parts.port < 65536) else None


def _check_key(key: str) -> None:
    if not key:
        raise Misconfigured("LLAMA_CLOUD_API_KEY is not set", fix="set it to a key of your LlamaCloud project")
    try:
        forms.TOKEN.check(key)
    except Wrong as wrong:
        raise Misconfigured(f"LLAMA_CLOUD_API_KEY {wrong}", fix=wrong.fix) from None
