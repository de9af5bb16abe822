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
"""Tags that may show something without text: HTML with one of them is never empty."""
_LINK = re.compile(r"(?:https?://|www\.|mailto:|tel:|cid:)[^\s<>\])]*|\[[^\[\]\n]{1,300}\]", re.IGNORECASE)
"""What HTML has in tags and plain text among its words: URLs, and the texts in place of pictures."""
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark"}
    | {"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr"}
)
"""Tags that may occur within a word."""
_NOTHING = "\u200b\u200c\u200d\u2060\ufeff\xad\xa0"


@dataclass(slots=True)
class _Read:
    """The text of HTML in pieces, with its tags, and whether it shows anything besides text."""

    pieces: list[str | bool] = field(default_factory=list)
    """True stands for a tag that may occur within a word, False for any other."""
    shows: bool = False

    def text(self, inline: str, block: str) -> str:
        """The text, with these strings in place of the tags."""
        parted = {True: inline, False: block}
        return html.unescape("".join(parted[item] if isinstance(item, bool) else item for item in self.pieces))


def _read(source: str) -> _Read:
    """One pass over the tokens. (``html.parser`` takes quadratic time for hostile HTML.)

    An unclosed comment counts as shown, so that no text is overlooked because of it.
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
    """Whether this tag may show, do or link to something without any text."""
    if name in _PICTURES or name in _LIVE:
        return True
    folded = tag.casefold()
    return (name in ("a", "area") and "href" in folded) or (name == "meta" and "refresh" in folded) or "url(" in folded


def html_text(source: str) -> str:
    """The text that HTML shows, in roughly its layout."""
    lines = _read(source).text(" ", " ").splitlines()
    return "\n".join(line for line in (" ".join(item.split()) for item in lines) if line)


def says_nothing(source: str, *, is_html: bool) -> bool:
    """Whether it shows neither text nor anything else."""
    if not is_html:
        return not source.strip().strip(_NOTHING).strip()
    read = _read(source)
    return not read.shows and not read.text("", "").strip().strip(_NOTHING).strip()


def same_text(plain: str, source: str) -> bool:
    """Whether the HTML contains all words of the plain text in the same order, so that one of the two is enough.

    HTML has URLs, and the bracketed texts in place of pictures, in its tags: these may be anywhere in it.
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
