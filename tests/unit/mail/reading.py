"""Mails as bytes, and what is made of them, for the tests of reading."""

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

from handlers.mail.read import read_mails
from receiver.core.mail import MailBounds, ReadMail, ReadPart

PDF = b"%PDF-1.7 a document"
PNG = b"\x89PNG\r\n\x1a\n a picture"
JPEG = b"\xff\xd8\xff\xe0 a photo"
HEADER = (
    b"From: Anna <anna@example.com>\r\nTo: office@example.org\r\nSubject: Our letter\r\n"
    b"Date: Thu, 26 Nov 2026 05:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
)


def part(content: bytes, kind: str, *fields: str, encoding: str = "base64") -> bytes:
    """A MIME part: its fields and its content, base64 unless it is said otherwise."""
    told = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n" + "".join(
        f"{item}\r\n" for item in fields
    )
    return told.encode() + b"\r\n" + (base64.encodebytes(content) if encoding == "base64" else content)


def text(content: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    return part(content.encode(), kind, encoding="8bit")


def attached(content: bytes, name: str, kind: str = "application/octet-stream") -> bytes:
    return part(content, f'{kind}; name="{name}"', f'Content-Disposition: attachment; filename="{name}"')


def pictured(content: bytes, name: str, cid: str, disposition: str = "inline", kind: str = "image/png") -> bytes:
    told = (f'Content-Disposition: {disposition}; filename="{name}"', f"Content-ID: <{cid}>")
    return part(content, f'{kind}; name="{name}"', *told)


def multi(kind: str, *parts: bytes, boundary: str = "b1") -> bytes:
    """A multipart of these parts; nested ones need boundaries of their own."""
    told = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    return (
        told
        + b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), item) for item in parts)
        + f"--{boundary}--\r\n".encode()
    )


def mail(body: bytes, header: bytes = HEADER) -> bytes:
    return header + body


@dataclass(frozen=True)
class Kept:
    """A part, and the content that is kept of it."""

    part: ReadPart
    content: bytes

    @property
    def said(self) -> tuple[str, str, str]:
        return self.part.where, self.part.fate.value, self.part.name


def mails(content: bytes, name: str = "mail.eml", /, **bounds: int) -> list[tuple[ReadMail, list[Kept]]]:
    """Each mail in these bytes with its parts. Raises TooMuch."""
    with tempfile.TemporaryDirectory() as folder:
        found = read_mails(content, name, MailBounds(**bounds), Path(folder))
        return [
            (item, [Kept(part, Path(part.file).read_bytes() if part.file else b"") for part in item.parts])
            for item in found
        ]


def parts(content: bytes, name: str = "mail.eml", /, **bounds: int) -> list[Kept]:
    """The parts of the one mail in these bytes."""
    ((_, found),) = mails(content, name, **bounds)
    return found


def fates(content: bytes, name: str = "mail.eml") -> dict[str, str]:
    """Name -> what became of it."""
    return {item.part.name: item.part.fate.value for item in parts(content, name)}


def kept(content: bytes, name: str) -> bytes:
    """The content of the document with this name."""
    return next(item.content for item in parts(content) if item.part.name == name)
