"""Finds which resources a content stream uses: the names in its operators, and the text shown in each font.

Viewers differ in how they read malformed content (unbalanced brackets, garbage, an unknown operator). In such content
every name counts as used, in any category, and every string as shown, so that nothing of the page is missing.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf

CATEGORIES = {
    "Do": "/XObject",
    "Tf": "/Font",
    "gs": "/ExtGState",
    "cs": "/ColorSpace",
    "CS": "/ColorSpace",
    "sc": "/Pattern",
    "SC": "/Pattern",
    "scn": "/Pattern",
    "SCN": "/Pattern",
    "sh": "/Shading",
    "BDC": "/Properties",
    "DP": "/Properties",
}
"""Operator -> category of the resource that it names. Source: ISO 32000-2, 7.8.3, and the clauses of the operators."""
_NAMING = " ".join([*CATEGORIES, "BI ID EI"])
_SHOWING = "q Q Tj TJ ' \""
UNREADABLE = (pikepdf.PikepdfError, UnicodeDecodeError)
"""Errors for content that cannot be read. The second one means that even the library's message cannot."""
OUTER = ""
"""Stands for a font that was set outside of the stream, or in a way that is not tracked."""
_NAME = re.compile(rb"/([^\x00\t\n\x0c\r ()<>\[\]{}/%]*)")
_STRINGS = re.compile(rb"\(([^)]*)\)|<([0-9A-Fa-f\s]*)>")
_OCTAL = re.compile(rb"\\([0-7]{1,3})")
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")


@dataclass(slots=True)
class Uses:
    """Names that content uses."""

    names: set[tuple[str, str]] = field(default_factory=set)
    """Category and name, such as ``("/XObject", "/Im1")``."""
    anywhere: set[str] = field(default_factory=set)
    """Names in malformed content: used in each category that has them."""
    shown: dict[str, set[int]] = field(default_factory=dict)
    """Name of a font -> the bytes of the codes that are shown in it; only filled if glyphs matter."""
    unreadable: str = ""
    """Why the content cannot be decoded: then it may use all resources."""

    def add(self, other: "Uses") -> bool:
        """Adds these. Returns whether any of them was new."""
        before = self._size()
        self.unreadable = self.unreadable or other.unreadable
        self.names |= other.names
        self.anywhere |= other.anywhere
        for font, codes in other.shown.items():
            self.shown.setdefault(font, set()).update(codes)
        return self._size() > before

    def _size(self) -> int:
        return len(self.names) + len(self.anywhere) + sum(map(len, self.shown.values())) + bool(self.unreadable)


def uses_of(contents: Iterable[Any], *, glyphs: bool = False) -> Uses:
    """What these streams use, read one after another."""
    try:
        return uses_in(b"\n".join(stream.read_bytes() for stream in contents), glyphs=glyphs)
    except UNREADABLE as error:
        return Uses(unreadable=library_reason(error))


def uses_in(content: bytes, *, glyphs: bool = False) -> Uses:
    """What this content uses."""
    uses = Uses()
    with pikepdf.new() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = scratch.make_stream(content)
        try:
            _follow(pikepdf.parse_content_stream(stream, f"{_NAMING} {_SHOWING}" if glyphs else _NAMING), uses)
            odd = bool(scratch.get_warnings())
        except UNREADABLE:
            odd = True
    if odd:
        uses.anywhere |= set(_names_in(content))
        uses.shown.setdefault(OUTER, set()).update(_codes_in(content))
    return uses


def library_reason(error: Exception) -> str:
    """The library's message, without the path of the temporary file and the position in it."""
    return str(error).rpartition("): ")[2].strip()[:200]


def text(name: Any) -> str:
    """A name as text for a dictionary key, whatever its bytes are."""
    return bytes(name).decode("utf-8", "surrogateescape")


def key(name: str) -> Any:
    """A name from ``text`` as a pikepdf key: pikepdf does not accept text with bytes that are not UTF-8."""
    if name.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in name):
        return name
    raw = name.encode("utf-8", "surrogateescape")
    return pikepdf.Object.parse(b"/" + b"".join(b"#%02x" % byte for byte in raw[1:]))


def _follow(instructions: Iterable[Any], uses: Uses) -> None:
    font, saved = OUTER, []
    for instruction in instructions:
        if isinstance(instruction, pikepdf.ContentStreamInlineImage):
            uses.names |= {("/ColorSpace", name) for name in _colours(instruction.iimage.obj)}
            continue
        operator, operands = str(instruction.operator), instruction.operands
        if category := CATEGORIES.get(operator):
            given = operands[-1:] if category == "/Properties" else operands  # the first is a tag
            named = [text(item) for item in given if isinstance(item, pikepdf.Name)]
            uses.names |= {(category, name) for name in named}
            if operator == "Tf":
                font = named[0] if named else OUTER
            elif operator == "gs":
                font = OUTER  # it may set a font
        elif operator == "q":
            saved.append(font)
        elif operator == "Q":
            font = saved.pop() if saved else OUTER
        else:
            uses.shown.setdefault(font, set()).update(_codes(operands))


def _codes(operands: Iterable[Any]) -> Iterator[int]:
    for item in operands:
        if isinstance(item, pikepdf.String):
            yield from bytes(item)
        elif isinstance(item, pikepdf.Array):
            yield from _codes(item)


def _colours(image: Any) -> Iterator[str]:
    """The names in an inline image's colour space, which may refer to resources."""
    space = image.get("/ColorSpace")
    for item in space if isinstance(space, pikepdf.Array) else (space,):
        if isinstance(item, pikepdf.Name):
            yield text(item)


def _names_in(data: bytes) -> Iterator[str]:
    for found in _NAME.finditer(data):
        raw = _HEX.sub(lambda code: bytes([int(code[1], 16)]), found[1])
        yield "/" + raw.decode("utf-8", "surrogateescape")


def _codes_in(data: bytes) -> Iterator[int]:
    """Every byte in what looks like a string, in any notation."""
    for literal, digits in _STRINGS.findall(data):
        yield from literal
        yield from (int(code, 8) & 255 for code in _OCTAL.findall(literal))
        packed = b"".join(digits.split())
        yield from bytes.fromhex((packed + b"0" * (len(packed) % 2)).decode())
