"""Streams one file as a multipart body, without holding it in memory.

httpx streams multipart bodies of *synchronous* files only; our bytes come from async streams (a spool, S3).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from uuid import uuid4

from receiver.core.delivery_request import Content
from receiver.core.errors import FileGone

JOINED = 64 * 1024
"""Bytes of a chunk. Each chunk costs a system call, and one is enough for most documents."""


class Multipart:
    """A form with fields and, last, one file. Each iteration opens the content again, so a retry sends all of it."""

    def __init__(self, fields: Mapping[str, str], *, name: str, content: Content) -> None:
        self._content = content
        self._name = name
        boundary = uuid4().hex
        self._head = b"".join(_field(boundary, key, value) for key, value in fields.items())
        self._head += _part(boundary, f'name="file"; filename="{_quoted(name)}"', _line(content.media_type))
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._head) + content.size + len(self._tail)),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in chunks. Raises FileGone if the number of bytes differs from the announced size."""
        held = b""
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                if held and len(held) + len(piece) > JOINED:
                    yield held
                    held = b""
                held += piece
        yield held

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        yield self._head
        sent = 0
        chunks = self._content.stream()
        try:
            async for chunk in chunks:
                sent += len(chunk)
                if sent > self._content.size:
                    break
                yield chunk
        finally:
            if (aclose := getattr(chunks, "aclose", None)) is not None:
                await aclose()
        if sent != self._content.size:
            raise FileGone(
                f"{self._name} has changed: {self._content.size} bytes were stored, but the size now differs"
            )
        yield self._tail


def _field(boundary: str, name: str, value: str) -> bytes:
    return _part(boundary, f'name="{_quoted(name)}"') + value.encode() + b"\r\n"


def _part(boundary: str, disposition: str, media_type: str = "") -> bytes:
    typed = f"Content-Type: {media_type}\r\n" if media_type else ""
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{typed}\r\n".encode()


def _quoted(value: str) -> str:
    """A value for a quoted parameter, escaped as browsers do (WHATWG HTML, multipart/form-data encoding)."""
    return value.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _line(value: str) -> str:
    """The value without line breaks, so that it cannot add a header."""
    return " ".join(value.split()) or "application/octet-stream"
