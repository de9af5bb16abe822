"""Makes a document of the mail's text that is complete by itself: with sender, recipients, date and pictures.

HTML keeps its own bytes. The fields before them, and the inlined pictures, are plain ASCII, which fits any charset.
"""

import base64
import codecs
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from handlers.mail.tree import Leaf, Letter
from receiver.core.header_block import HEAD_BYTES
from receiver.core.media import UNKNOWN, media_type

SHOWN_FIELDS = ("From", "To", "Cc", "Subject", "Date")
_SHOWING = re.compile(
    rb"""((?:\b(?:src|background|poster|data)|\bxlink:href)\s*=\s*["']?\s*|\burl\(\s*["']?\s*)([^"'\s>)]{1,2000})""",
    re.IGNORECASE,
)
"""A picture in HTML: an attribute or a style, followed by the picture's URL."""
_META = re.compile(rb"<meta[^>]{0,300}\bcharset\b", re.IGNORECASE)
_SHOWABLE = frozenset(
    {"image/png", "image/x-png", "image/jpeg", "image/jpg", "image/pjpeg", "image/gif", "image/bmp", "image/webp"}
    | {"image/svg+xml"}
)
"""Picture types that every reader of HTML shows. A fax (TIFF) or a phone's photo (HEIC) is a document of its own."""
_WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932", "big5": "cp950",
    "iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874",
}  # fmt: skip
"""Charsets that programs name -> the ones that they use. Source: WHATWG's Encoding Standard."""
_KEPT = re.compile(r"utf-8|cp125\d|iso8859-\d+|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis")
"""Charsets (Python's names) in which HTML keeps its bytes, because readers know them."""


def decoded_text(leaf: Leaf) -> str:
    """The text, decoded with the charset that the mail names or the first one that fits. No byte is lost."""
    for name in (*_meant(leaf), "utf-8", "cp1252"):
        try:
            return leaf.content.decode(name)
        except (LookupError, ValueError):
            continue
    return leaf.content.decode("latin-1")


def _meant(leaf: Leaf) -> Iterator[str]:
    """The charsets that the mail may mean by the one that it names."""
    try:
        name = codecs.lookup(leaf.charset).name
    except (LookupError, ValueError):
        return
    if name.startswith(("utf-16", "utf-32")) and b"\0" not in leaf.content:
        return  # the content is plain ASCII
    yield from (_WIDER.get(name, name), name)


def plain_document(letter: Letter, pieces: Iterable[str]) -> bytes:
    """The letter's plain text in UTF-8, below its fields."""
    header_lines = "".join(f"{name}: {value}\n" for name, value in _header_fields(letter))
    return (header_lines + "\n" + "\n\n".join(pieces)).encode("utf-8", "replace")


def html_document(letter: Letter, leaf: Leaf, pictures: Mapping[str, Leaf]) -> bytes:
    """The letter's HTML below its fields, with its pictures inlined."""
    content, charset = leaf.content, _charset(leaf)
    if charset and not _KEPT.fullmatch(charset):
        content, charset = decoded_text(leaf).encode("utf-8", "replace"), "utf-8"
    rows = "".join(f"<div><b>{name}:</b> {html.escape(value)}</div>\n" for name, value in _header_fields(letter))
    meta = f'<meta charset="{charset}">\n' if charset else ""
    head = f"<!DOCTYPE html>\n{meta}{rows}<hr>\n".encode("ascii", "xmlcharrefreplace")
    return head + _SHOWING.sub(lambda found: found[1] + _inlined(found[2], pictures), content)


def _header_fields(letter: Letter) -> list[tuple[str, str]]:
    return [(name, letter.fields[name]) for name in SHOWN_FIELDS if name in letter.fields]


def _inlined(address: bytes, pictures: Mapping[str, Leaf]) -> bytes:
    picture = pictures.get(_key(address))
    if picture is None:
        return address
    return f"data:{_image_type(picture)};base64,".encode() + base64.b64encode(picture.content)


def _image_type(leaf: Leaf) -> str:
    """The type of a picture that HTML can show, by its content or else by its declared type; "" for anything else."""
    found = media_type(leaf.content[:HEAD_BYTES], "")
    if found == UNKNOWN and leaf.content[4:8] != b"ftyp":  # not HEIC or AVIF, whatever their declared type
        found = leaf.declared
    return found if found in _SHOWABLE else ""


def pictures_of(letter: Letter) -> dict[str, Leaf]:
    """The letter's pictures by the URLs that its HTML may use: ``cid:…``, or their Content-Location."""
    found: dict[str, Leaf] = {}
    for leaf in letter.leaves:
        if _image_type(leaf) and not (leaf.fault or leaf.needless or leaf.opened) and leaf.content:
            named = {f"cid:{leaf.content_id}": leaf.content_id, leaf.location: leaf.location}
            found |= {address: leaf for address, name in named.items() if name and address not in found}
    return found


def shown(leaf: Leaf, pictures: Mapping[str, Leaf]) -> set[str]:
    """The places of the pictures that this HTML shows. Comments show none."""
    addresses = {_key(found[2]) for found in _SHOWING.finditer(_without_comments(leaf.content))}
    return {pictures[address].where for address in addresses if address in pictures}


def _without_comments(source: bytes) -> bytes:
    first, *others = source.split(b"<!--")
    return first + b"".join(item.partition(b"-->")[2] for item in others)


def _key(address: bytes) -> str:
    text = unquote(html.unescape(address.decode("utf-8", "replace")))
    return "cid:" + text[4:] if text[:4].lower() == "cid:" else text


def _charset(leaf: Leaf) -> str:
    """The charset to declare; "" if the HTML declares it itself, or none is known."""
    if leaf.charset:
        try:
            if (name := codecs.lookup(leaf.charset).name) != "ascii":
                return name
        except (LookupError, ValueError):
            pass
    if _META.search(leaf.content[:4096]):
        return ""
    try:
        leaf.content.decode()
    except ValueError:
        return "cp1252"
    return "utf-8"
