"""Streams the files of a multipart request one after the other, in chunks as they arrive; none is held in memory.

python-multipart does the parsing. This module turns its callbacks into an async iterator.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from receiver.core.errors import Malformed, Unsupported
from receiver.http.problems import TooSlow

PARTS = 1000
BOUNDARY = 70
"""Maximum characters of the boundary. Source: RFC 2046, 5.1.1."""
DISPOSITION_BYTES = 4000
"""Maximum characters of a field that is parsed for an extended name: that takes quadratic time."""


@dataclass(eq=False)
class FilePart:
    """A file that is arriving."""

    name: str
    _source: "Parts" = field(repr=False)
    ended: bool = False

    async def read(self) -> bytes | None:
        """The next bytes; None at the end. Bytes that were not read are skipped when the next part is requested."""
        return await self._source.chunk(self)


class Parts:
    """The file parts of one request. Raises Unsupported, Malformed, TooSlow."""

    def __init__(self, request: Request, *, idle_seconds: float) -> None:
        media_type, options = parse_options_header(request.headers.get("content-type", ""))
        if media_type != b"multipart/form-data":
            raise Unsupported("send the files as multipart/form-data")
        if not (boundary := options.get(b"boundary")):
            raise Malformed("the content-type has no boundary")
        if len(boundary) > BOUNDARY:
            raise Malformed(f"the boundary has {len(boundary)} characters; RFC 2046 allows {BOUNDARY}")
        self._stream = request.stream()
        self._idle_seconds = idle_seconds
        self._found: deque[FilePart | bytes | None] = deque()
        self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]
        self._header, self._value, self._headers = b"", b"", dict[bytes, bytes]()
        self._in_file, self._parts, self._ended, self._whole = False, 0, False, False

    def __aiter__(self) -> AsyncIterator[FilePart]:
        return self._files()

    async def _files(self) -> AsyncIterator[FilePart]:
        while (found := await self._next()) is not None:
            if isinstance(found, FilePart):
                yield found

    async def chunk(self, part: FilePart) -> bytes | None:
        """The next bytes of this part; None at its end."""
        if part.ended:
            return None
        found = await self._next(of_part=True)
        if isinstance(found, bytes):
            return found
        part.ended = True
        return None

    async def _next(self, *, of_part: bool = False) -> FilePart | bytes | None:
        """The next part, or bytes of the part; None at the end of the part (with ``of_part``) or of the body."""
        while True:
            while self._found:
                found = self._found.popleft()
                if found is not None or of_part:
                    return found
            if self._whole:
                return None
            await self._feed()

    async def _feed(self) -> None:
        """Waits for the next bytes, and passes them to the parser."""
        try:
            async with asyncio.timeout(self._idle_seconds):
                data = await anext(self._stream, b"")
        except TimeoutError:  # TimeoutError is an OSError, which the spool would report as a disk error
            raise TooSlow(f"nothing arrived for {self._idle_seconds:g} seconds") from None
        except ClientDisconnect as error:
            raise Malformed("the sender closed the connection before the end") from error
        try:
            if data:
                self._parser.write(data)
                return
            self._parser.finalize()
        except FormParserError as error:
            raise Malformed("the multipart body cannot be read") from error
        if not self._ended:
            raise Malformed("the multipart body is truncated")
        self._whole = True

    def _callbacks(self) -> dict[str, object]:
        names = (
            "part_begin",
            "part_data",
            "part_end",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
            "end",
        )
        return {f"on_{name}": getattr(self, f"_on_{name}") for name in names}

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            raise Malformed(f"more than {PARTS} parts in one request")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        name = _file_name(self._headers.get(b"content-disposition", b""))
        self._in_file = name is not None
        if name is not None:
            self._found.append(FilePart(name, self))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._found.append(data[start:end])

    def _on_part_end(self) -> None:
        if self._in_file:
            self._found.append(None)

    def _on_end(self) -> None:
        self._ended = True


def _file_name(disposition: bytes) -> str | None:
    """The file's name; None for a field that is no file.

    RFC 7578 forbids ``filename*``, but some clients send only that.
    """
    _, options = parse_options_header(disposition)
    if (plain := options.get(b"filename")) is not None:
        return plain.decode(errors="replace")
    if b"filename*" not in disposition.lower() or len(disposition) > DISPOSITION_BYTES:
        return None
    part = Message()
    part["Content-Disposition"] = disposition.decode("latin-1")
    return str(part.get_filename(""))
