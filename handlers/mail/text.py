"""What the sender wrote, made a document that is complete by itself: who wrote it to whom and when, and the pictures.

HTML keeps its own bytes; what is put before them, and in the place of pictures, is plain ASCII, so it fits any charset.
"""

import base64
import codecs
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from handlers.mail.tree import Leaf, Letter
from receiver.core.header_block import HEAD_BYTES
from receiver.core.media import media_type

SHOWN_FIELDS = ("From", "To", "Cc", "Subject", "Date")
_SHOWING = re.compile(
    rb"""((?:\b(?:src|background|poster|data)|\bxlink:href)\s*=\s*["']?\s*|\burl\(\s*["']?\s*)([^"'\s>)]{1,2000})""",
    re.IGNORECASE,
)
"""Where HTML shows a picture: an attribute or a style, then the picture's address."""
_META = re.compile(rb"<meta[^>]{0,300}\bcharset\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"<!--|-->|<(?P<end>/?)(?P<name>[a-z][a-z0-9:]*)[^<>]*>|<![a-z][^<>]*>|[^<-]+|.", re.I | re.S)
_HIDDEN = frozenset({"script", "style", "title"})
_PICTURES = frozenset({"img", "image", "svg", "object", "embed", "v:imagedata"})
_NOTHING = "\u200b\u200c\u200d\u2060\ufeff\xad\xa0"


def decoded(leaf: Leaf) -> str:
    """The text in the charset that the mail names, or in the first that fits: no byte is lost."""
    for name in (leaf.charset, "utf-8", "cp1252"):
        try:
            if name:
                return leaf.content.decode(name)
        except (LookupError, ValueError):
            continue
    return leaf.content.decode("latin-1")


def plain_document(letter: Letter, pieces: Iterable[str]) -> bytes:
    """The letter's plain text, as UTF-8, under its fields."""
    said = "".join(f"{name}: {value}\n" for name, value in _said(letter))
    return (said + "\n" + "\n\n".join(pieces)).encode("utf-8", "replace")


def html_document(letter: Letter, leaf: Leaf, pictures: Mapping[str, Leaf]) -> bytes:
    """The letter's HTML under its fields, with the pictures that it shows inside."""
    content, charset = leaf.content, _charset(leaf)
    if charset and not _like_ascii(charset):
        content, charset = decoded(leaf).encode("utf-8", "replace"), "utf-8"
    rows = "".join(f"<div><b>{name}:</b> {html.escape(value)}</div>\n" for name, value in _said(letter))
    meta = f'<meta charset="{charset}">\n' if charset else ""
    head = f"<!DOCTYPE html>\n{meta}{rows}<hr>\n".encode("ascii", "xmlcharrefreplace")
    return head + _SHOWING.sub(lambda found: found[1] + _inlined(found[2], pictures), content)


def _said(letter: Letter) -> list[tuple[str, str]]:
    return [(name, letter.fields[name]) for name in SHOWN_FIELDS if name in letter.fields]


def _inlined(address: bytes, pictures: Mapping[str, Leaf]) -> bytes:
    picture = pictures.get(_key(address))
    if picture is None:
        return address
    return f"data:{_image_type(picture)};base64,".encode() + base64.b64encode(picture.content)


def _image_type(leaf: Leaf) -> str:
    """Which kind of picture it is, by its content or else by the mail's word; "" for none."""
    for kind in (media_type(leaf.content[:HEAD_BYTES], ""), leaf.declared):
        if kind.startswith("image/"):
            return kind
    return ""


def pictures_of(letter: Letter) -> dict[str, Leaf]:
    """The letter's pictures by the addresses that its HTML may show: ``cid:…``, or their Content-Location."""
    found: dict[str, Leaf] = {}
    for leaf in letter.leaves:
        if _image_type(leaf) and not (leaf.fault or leaf.needless or leaf.opened) and leaf.content:
            named = {f"cid:{leaf.content_id}": leaf.content_id, leaf.location: leaf.location}
            found |= {address: leaf for address, name in named.items() if name and address not in found}
    return found


def shown(leaf: Leaf, pictures: Mapping[str, Leaf]) -> set[str]:
    """The places of the pictures that this HTML shows; what stands in a comment is not shown."""
    addresses = {_key(found[2]) for found in _SHOWING.finditer(_without_comments(leaf.content))}
    return {pictures[address].where for address in addresses if address in pictures}


def _without_comments(source: bytes) -> bytes:
    first, *others = source.split(b"<!--")
    return first + b"".join(one.partition(b"-->")[2] for one in others)


def _key(address: bytes) -> str:
    text = unquote(html.unescape(address.decode("utf-8", "replace")))
    return "cid:" + text[4:] if text[:4].lower() == "cid:" else text


def _charset(leaf: Leaf) -> str:
    """The charset to declare; "" where the HTML says it itself, or nobody does."""
    if leaf.charset:
        try:
            return codecs.lookup(leaf.charset).name
        except (LookupError, ValueError):
            pass
    if _META.search(leaf.content[:4096]):
        return ""
    try:
        leaf.content.decode()
    except ValueError:
        return "cp1252"
    return "utf-8"


def _like_ascii(charset: str) -> bool:
    return "<a>".encode(charset, "ignore") == b"<a>"


@dataclass(slots=True)
class _Read:
    """What HTML says, piece by piece with None for a tag, and whether it shows a picture."""

    said: list[str | None] = field(default_factory=list)
    pictured: bool = False

    def text(self, between: str = "") -> str:
        """The text, with this in the place of each tag."""
        return html.unescape("".join(between if one is None else one for one in self.said))


def _read(source: str) -> _Read:
    """One pass over the tokens: ``html.parser`` takes the square of the time for HTML that is made to hurt it.

    What is never closed counts as said: a text must not be overlooked because of a broken comment.
    """
    read = _Read()
    hidden: list[str] = []
    until = ""
    for token in _TOKEN.finditer(source):
        text, closing, name = token[0], token["end"], (token["name"] or "").lower()
        if until:
            hidden.append(text)
            if text == until or (closing and name == until):
                hidden, until = [], ""
        elif text == "<!--":
            until = "-->"
        elif name in _HIDDEN:
            until = "" if closing else name
        elif name:
            read.pictured = read.pictured or name in _PICTURES
            read.said.append(None)
        else:
            read.said.append(text)
    read.said += hidden
    return read


def html_text(source: str) -> str:
    """The text that HTML shows, roughly as it is set."""
    lines = _read(source).text(" ").splitlines()
    return "\n".join(line for line in (" ".join(one.split()) for one in lines) if line)


def says_nothing(source: str, *, is_html: bool) -> bool:
    """Whether there is neither text nor a picture."""
    if not is_html:
        return not source.strip().strip(_NOTHING).strip()
    read = _read(source)
    return not read.pictured and not read.text().strip().strip(_NOTHING).strip()


def same_text(plain: str, source: str) -> bool:
    """Whether all that the plain text says is in the HTML too, word by word; only then need nobody read both."""
    read = _read(source)
    there = _words(read.text()) | _words(read.text(" ")) | _words(html.unescape(source))
    return _words(plain) <= there


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
