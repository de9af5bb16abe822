"""Turns values from outside into parts of a path: harmless, recognisable, and different for different values.

A safe value stays unchanged. Any other is cleaned, and marked with a hash of the whole value: ``Ann & Co`` and
``Ann + Co`` differ, and nobody can choose an address that gets another sender's folder. Two spellings of one text
(Unicode's canonical equivalence) are one value.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

NAME_BYTES = 180
"""A part's limit in UTF-8 bytes: below every file system's 255, with room for ``.mailroom.json``."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_MARK_DIGITS = 16
_SUFFIX_BYTES = 12
_MARKED = re.compile(rf"-[0-9a-f]{{{_MARK_DIGITS}}}(\.[^.]{{1,{_SUFFIX_BYTES}}})?$")
"""A value that ends like a marked one is marked, too, so that nobody can choose another value's name."""


def cleaned(text: str) -> str:
    """Without what a key or a path could trip over; may be empty.

    Control and format characters (right-to-left marks among them) go, characters that S3 or a shell would trip over
    become ``_``, dots at the start and spaces at the ends go.
    """
    shown = text if text.isprintable() else "".join(c for c in text if unicodedata.category(c) not in _HIDDEN)
    plain = re.sub(r"[^\w.\-()+@=, ]", "_", shown)
    return re.sub(r"\s+", " ", plain).strip(" .")


def safe_file(name: str, *, most: int = NAME_BYTES) -> str:
    """The name as the last part of a path: of a path in it only the end, and a short extension stays."""
    text = unicodedata.normalize("NFC", name)
    clean = cleaned(re.split(r"[/\\]", text)[-1])
    suffix = PurePosixPath(clean).suffix
    kept = suffix if len(suffix.encode()) <= _SUFFIX_BYTES else ""
    return clean if _stands(clean, text, most) else _marked(clean.removesuffix(kept), text, kept, most)


def safe_word(value: str, *, most: int = NAME_BYTES, taken: Collection[str] = ()) -> str:
    """The value as one part of a path; it never is one of the words that are ``taken``."""
    text = unicodedata.normalize("NFC", value)
    clean = cleaned(text)
    return clean if _stands(clean, text, most) and clean not in taken else _marked(clean, text, "", most)


def _stands(clean: str, text: str, most: int) -> bool:
    return bool(clean) and clean == text and len(clean.encode()) <= most and not _MARKED.search(clean)


def _marked(clean: str, text: str, suffix: str, most: int) -> str:
    mark = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_MARK_DIGITS]
    room = most - len(suffix.encode()) - 1 - _MARK_DIGITS
    return f"{clean.encode()[:room].decode(errors='ignore').rstrip(' .') or '_'}-{mark}{suffix}"


def whole(text: str) -> str:
    """The text as valid Unicode, fit to be stored and sent; valid text is unchanged.

    A file name that is not UTF-8, or a careless JSON string, contains lone surrogates: they are escaped.
    """
    return text.encode(errors="backslashreplace").decode()
