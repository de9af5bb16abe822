"""Parses a mail, and the mails within it, into leaves with their places, in order.

It decides only whether a leaf can be read: a broken or encrypted one records its fault, and is held.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import CloseBoundaryNotFoundDefect, InvalidBase64LengthDefect, InvalidBase64PaddingDefect
from email.message import Message
from typing import Any

from handlers.mail import headers
from handlers.mail.embedded_files import carries_file, unpieced
from handlers.mail.headers import Mime
from receiver.core.header_block import HEAD_BYTES
from receiver.core.mail import MailBounds
from receiver.core.media import MAIL, envelope

FORWARDED = frozenset({MAIL, "message/global", "message/news"})
SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
ELSEWHERE = frozenset({"message/partial", "message/external-body"})
UUENCODED = frozenset({"x-uuencode", "uuencode", "uue", "x-uue"})
ENCODINGS = frozenset({"", "base64", "quoted-printable", "binary", *UUENCODED})
FIELDS = ("From", "To", "Cc", "Subject", "Date", "Message-ID")
OUTSIDE_BYTES = 2000
"""Maximum size of text around the parts that counts as a notice or a footer."""
_NOTICE = re.compile(
    rb"\s*this is an? (?:(?:multi-?part |cryptographically signed |s/mime signed )?message in mime format|"
    rb"mime-encapsulated message|openpgp/mime (?:signed|encrypted) message \([a-z0-9 ]{1,20}\))\.?\s*",
    re.IGNORECASE,
)
"""What programs write for readers without MIME."""
ELSEWHERE_KEPT = "the mail program stored this file elsewhere"
PARTLESS = "its parts are missing"
LOCKED = "it is encrypted, and Mailroom has no key"
Path = tuple[int, ...]
"""The place of a part in its letter: (2, 1) is the first part of the second part."""


class TooMuch(Exception):
    """The received file exceeds a limit; the message says which."""


@dataclass(slots=True, kw_only=True)
class Leaf:
    """A part that contains no other MIME part."""

    where: str
    declared: str
    """The media type that the mail declares."""
    content: bytes = b""
    name: str = ""
    attached: bool = False
    """Content-Disposition says attachment."""
    content_id: str = ""
    location: str = ""
    charset: str = ""
    choices: tuple[tuple[Path, int], ...] = ()
    """The multipart/alternative groups that contain it, each with the number of its branch."""
    fault: str = ""
    """Why a person must look at it."""
    needless: str = ""
    """Why it is left out, if its place in the mail (not its content) is the reason."""
    opened: bool = False
    """Whether it is an envelope whose content has leaves of its own."""


@dataclass(slots=True, kw_only=True)
class Letter:
    """One mail: its header fields and its leaves. Mails within it are separate letters."""

    where: str
    """The leaf that contains it; "" for the outermost mail."""
    sender: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    """Those of FIELDS that it has."""
    leaves: list[Leaf] = field(default_factory=list)

    def place(self, path: Path) -> str:
        """The place of one of its parts in the received file."""
        inside = ".".join(map(str, path)) or "1"
        return f"{self.where}/{inside}" if self.where else inside


OpenLeaf = Callable[[str, Leaf, Letter, "Tree", int], None]
"""Adds the contents of a leaf that is an envelope of this kind, at this depth (envelopes.py)."""


class Tree:
    """All letters of one received file, outermost first. Raises TooMuch."""

    def __init__(self, bounds: MailBounds, open_leaf: OpenLeaf) -> None:
        self._bounds = bounds
        self._open_leaf = open_leaf
        self._parts = 0
        self._unpacked = 0
        self.letters: list[Letter] = []

    def mail(self, content: bytes, where: str = "", depth: int = 0) -> Letter:
        """Parses this mail, and all mails within it."""
        message = message_from_bytes(content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"))
        return self._message(message, where, depth)

    def add(self, letter: Letter) -> Letter:
        """Adds a letter of another format than MIME; its leaves follow."""
        self.letters.append(letter)
        return letter

    def part(self, part: Mime, letter: Letter, path: Path, choices: tuple[tuple[Path, int], ...], depth: int) -> None:
        """Adds the leaves of this part to the letter."""
        headers.bound(part)
        declared = part.get_content_type()
        if declared in FORWARDED and part.is_multipart():
            self._forwarded(part, letter, path, depth)
        elif part.is_multipart() and declared.startswith("multipart/"):
            self._children(part, letter, path, choices, depth)
        else:
            self.leaf(_leaf(part, letter, path, choices), letter, depth)

    def leaf(self, leaf: Leaf, letter: Letter, depth: int) -> None:
        """Adds a leaf. If it is an envelope, it is opened, and its contents follow."""
        self._count(depth, len(leaf.content))
        letter.leaves.append(leaf)
        judged = leaf.fault or leaf.needless or leaf.opened or _written(leaf)
        if not judged and (kind := envelope(leaf.content[:HEAD_BYTES], leaf.name)):
            self._open_leaf(kind, leaf, letter, self, depth + 1)

    def _count(self, depth: int, size: int = 0) -> None:
        self._parts += 1
        self._unpacked += size
        if self._parts > self._bounds.max_parts:
            raise TooMuch(f"it has more than {self._bounds.max_parts} parts (mail.max_parts)")
        if depth > self._bounds.max_depth:
            raise TooMuch(f"its parts are nested more than {self._bounds.max_depth} deep (mail.max_depth)")
        if self._unpacked > self._bounds.max_unpacked:
            raise TooMuch(f"its parts have more than {self._bounds.max_unpacked} bytes (mail.max_unpacked)")

    def _message(self, message: Mime, where: str, depth: int) -> Letter:
        found = {name: headers.field(message, name) for name in FIELDS}
        fields = {name: value for name, value in found.items() if value}
        letter = self.add(Letter(where=where, sender=headers.sender(message), fields=fields))
        self.part(message, letter, (), (), depth)
        if any(isinstance(item, CloseBoundaryNotFoundDefect) for item in message.defects):
            _break_off(letter)
        return letter

    def _children(
        self, part: Mime, letter: Letter, path: Path, choices: tuple[tuple[Path, int], ...], depth: int
    ) -> None:
        self._count(depth)
        self._outside(part, letter, path, depth)
        declared = part.get_content_type()
        for number, child in enumerate(_inside(part), start=1):
            inside = (*choices, (path, number)) if declared == "multipart/alternative" else choices
            before = len(letter.leaves)
            self.part(child, letter, (*path, number), inside, depth + 1)
            if declared == "multipart/encrypted":
                _lock(letter.leaves[before:])

    def _outside(self, part: Mime, letter: Letter, path: Path, depth: int) -> None:
        """Adds the text before the first part and after the last one: a notice, a footer, or the rest of a broken
        part."""
        for place, text in (("before", part.preamble), ("after", part.epilogue)):
            content = str(text or "").encode("utf-8", "surrogateescape")
            if content.strip() and not (place == "before" and _NOTICE.fullmatch(content)):
                where = f"{letter.place((*path, 0)).removesuffix('0')}{place}"
                leaf = Leaf(where=where, declared="text/plain", content=content)
                if len(content) > OUTSIDE_BYTES or carries_file(content):
                    leaf.fault = f"there is much text, or a file, {place} the parts: the mail may be damaged"
                else:
                    leaf.needless = f"text {place} the parts, which no mail program shows"
                self.leaf(leaf, letter, depth)

    def _forwarded(self, part: Mime, letter: Letter, path: Path, depth: int) -> None:
        inner = _inside(part)[0]
        content = b""
        if not inner.keys():  # encoded, against RFC 2046; or not a mail
            content = _decoded(inner.get_payload(), _encoding(part))
            inner = message_from_bytes(content)
        named = headers.attachment_name(part)
        leaf = Leaf(where=letter.place(path), declared=MAIL, name=named, content=content, attached=True)
        leaf.opened = bool(inner.keys())
        self.leaf(leaf, letter, depth)
        if leaf.opened:
            self._message(inner, leaf.where, depth + 1)


def _inside(part: Mime) -> list[Mime]:
    payload: Any = part.get_payload()
    return list(payload)


def _written(leaf: Leaf) -> bool:
    """Whether it is text in the mail's own body: somebody wrote that, even if it looks like a mail."""
    return leaf.declared.startswith("text/") and not leaf.attached and not leaf.name


def _leaf(part: Mime, letter: Letter, path: Path, choices: tuple[tuple[Path, int], ...]) -> Leaf:
    content, fault = _content(part, whole=not path)
    return Leaf(
        where=letter.place(path),
        declared=part.get_content_type(),
        content=content,
        name=headers.attachment_name(part),
        attached=part.get_content_disposition() == "attachment",
        content_id=headers.field(part, "Content-ID").strip("<> "),
        location=headers.field(part, "Content-Location"),
        charset=headers.charset(part),
        choices=choices,
        fault=fault,
    )


def _content(part: Mime, *, whole: bool) -> tuple[bytes, str]:
    """The part's bytes, and what is wrong with them. ``whole``: it is the mail's only part."""
    declared = part.get_content_type()
    if part.is_multipart():  # message/delivery-status and similar types, which ``email`` parses as mails
        fault = "the mail has only a part of it, or only a link to it" if declared in ELSEWHERE else ""
        inside = b"\n".join(child.as_bytes() for child in _inside(part))
        encoded = _encoding(part) == "base64"  # against RFC 2046
        return (_decoded(inside.decode("ascii", "replace"), "base64") if encoded else inside), fault
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    encoding = _encoding(part)
    if declared.startswith("multipart/"):
        return content, "its parts cannot be separated: the boundary is missing" if content.strip() else PARTLESS
    if "X-Apple-Content-Length" in part and not content.strip():
        return content, ELSEWHERE_KEPT
    if encoding not in ENCODINGS and "bit" not in encoding and not declared.startswith("text/"):
        return content, f"unknown encoding {encoding[:40]!r}"
    if encoding == "base64" and (pieced := unpieced(str(part.get_payload()))) is not None:
        return pieced, ""
    if encoding in UUENCODED and content.lstrip().startswith(b"begin "):
        return content, "its uuencoding is damaged"
    broken = (InvalidBase64LengthDefect, InvalidBase64PaddingDefect) if whole else (InvalidBase64LengthDefect,)
    cut = any(isinstance(item, broken) for item in part.defects)
    return content, "its base64 is truncated" if cut else ""


def _encoding(part: Mime) -> str:
    return headers.field(part, "Content-Transfer-Encoding").lower()


def _decoded(payload: Any, encoding: str) -> bytes:
    holder = Message()
    holder["Content-Transfer-Encoding"] = encoding
    holder.set_payload(payload)
    content = holder.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _lock(leaves: Iterable[Leaf]) -> None:
    """Marks the leaves of a multipart/encrypted as encrypted. Source: RFC 3156 section 4."""
    for leaf in leaves:
        if leaf.declared == "application/pgp-encrypted":
            leaf.needless = "only describes the encryption of the rest"
        else:
            leaf.fault = leaf.fault or LOCKED


def _break_off(letter: Letter) -> None:
    """For a mail that ends within its parts: the last one may be incomplete."""
    last = next((leaf for leaf in reversed(letter.leaves) if not leaf.needless), None)
    if last is not None and last.content.strip() and not last.opened:
        last.fault = last.fault or "the mail is truncated in this part"


def digest(letters: Iterable[Letter]) -> str:
    """One checksum over all leaves. It does not change with header fields that are added in transit."""
    sums = hashlib.sha256()
    for letter in letters:
        for leaf in letter.leaves:
            line = f"{leaf.where}\0{leaf.name}\0{hashlib.sha256(leaf.content).hexdigest()}\n"
            sums.update(line.encode("utf-8", "surrogateescape"))
    return sums.hexdigest()
