"""Compares the text of HTML with a plain text, and detects HTML without any content."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"<!--|-->|<(?P<end>/?)(?P<name>[a-z][a-z0-9:]*)[^<>]*>|<![a-z][^<>]*>|[^<-]+|.", re.I | re.S)
_HIDDEN = frozenset({"script", "style", "title"})
_PICTURES = frozenset({"img", "image", "svg", "object", "embed", "v:imagedata"})
_LIVE = frozenset(
    {"audio", "button", "canvas", "form", "frame", "iframe", "input", "math", "script", "select", "textarea", "video"}
)
"""What may show something that stands in no text: HTML with one of them is never empty."""
_LINK = re.compile(r"(?:https?://|www\.|mailto:|tel:|cid:)[^\s<>\])]*|\[[^\[\]\n]{1,300}\]", re.IGNORECASE)
"""What HTML has in its tags, and plain text amid its words: addresses, and the words in place of pictures."""
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark"}
    | {"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr"}
)
"""Tags that may stand within a word."""
_NOTHING = "\u200b\u200c\u200d\u2060\ufeff\xad\xa0"


@dataclass(slots=True)
class _Read:
    """What HTML says, piece by piece with its tags, and whether it shows what stands in no text."""

    pieces: list[str | bool] = field(default_factory=list)
    """True for a tag that may stand within a word, False for another."""
    shows: bool = False

    def text(self, inline: str, block: str) -> str:
        """The text, with these in the place of tags."""
        parted = {True: inline, False: block}
        return html.unescape("".join(parted[item] if isinstance(item, bool) else item for item in self.pieces))


def _read(source: str) -> _Read:
    """One pass over the tokens: ``html.parser`` takes the square of the time for HTML that is made to hurt it.

    What is never closed counts as shown: a text must not be overlooked because of a broken comment.
    """
    read = _Read()
    hidden: list[str | bool] = []
    until = ""
    for token in _TOKEN.finditer(source):
        text, closing, name = token[0], token["end"], (token["name"] or "").lower()
        if until:
            hidden.append(text)
            if text == until or (closing and name == until):
                hidden, until = [], ""
            continue
        read.shows = read.shows or (bool(name) and _shows(name, text))
        if text == "<!--":
            until = "-->"
        elif name in _HIDDEN:
            until = "" if closing else name
        else:
            read.pieces.append(name in _INLINE if name else text)
    read.pieces += hidden
    return read


def _shows(name: str, tag: str) -> bool:
    """Whether this tag may show, do or lead to something without any text."""
    if name in _PICTURES or name in _LIVE:
        return True
    folded = tag.casefold()
    return (name in ("a", "area") and "href" in folded) or (name == "meta" and "refresh" in folded) or "url(" in folded


def html_text(source: str) -> str:
    """The text that HTML shows, roughly as it is set."""
    lines = _read(source).text(" ", " ").splitlines()
    return "\n".join(line for line in (" ".join(item.split()) for item in lines) if line)


def says_nothing(source: str, *, is_html: bool) -> bool:
    """Whether it has neither text nor anything else to show."""
    if not is_html:
        return not source.strip().strip(_NOTHING).strip()
    read = _read(source)
    return not read.shows and not read.text("", "").strip().strip(_NOTHING).strip()


def same_text(plain: str, source: str) -> bool:
    """Whether the HTML says all that the plain text does, word by word in its order; then nobody need read both.

    Addresses, and words in brackets in the place of pictures, stand in the tags of HTML: they may be anywhere in it.
    """
    read = _read(source)
    beside = _words(" ".join(_LINK.findall(plain)))
    words = _words(_LINK.sub(" ", plain))
    texts = (read.text(inline, block) for inline, block in (("", " "), (" ", " "), ("", "")))
    if not any(_in_order(words, _words(text)) for text in texts):
        return False
    return set(beside) - {"image"} <= set(_words(html.unescape(_uncommented(source))))


def _uncommented(source: str) -> str:
    first, *others = source.split("<!--")
    return " ".join([first, *(item.partition("-->")[2] for item in others)])


def _in_order(words: Iterable[str], text: Iterable[str]) -> bool:
    there = iter(text)
    return all(word in there for word in words)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
