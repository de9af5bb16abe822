"""Warnings about values that probably do not mean what their author intended, mainly patterns."""

import difflib
import mimetypes
import re
from collections.abc import Iterator
from functools import cache

from receiver.config import model
from receiver.config.conditions import WhenSection
from receiver.config.languages import COUNTRIES, LANGUAGES
from receiver.core import media
from receiver.core.pattern import GLOB, empty_class, matches, once_a_class
from receiver.core.when import TEXTS

Surprise = tuple[str, str, str]
"""Place, warning, and what to write instead."""
MAILED = ("email", "piece")
"""Sources whose senders are e-mail addresses."""
MAIL_KEYS = (
    "to", "cc", "subject", "date", "message_id", "inner_from", "inner_subject", "inner_date", "body", "packet",
    "split_job",
)  # fmt: skip
"""Metadata that Mailroom itself gives documents."""
LARGEST = 512 * 1024 * 1024
"""Maximum bytes of a file at LlamaCloud (reference 1.1)."""


def surprises(file: model.ConfigFile) -> Iterator[Surprise]:
    """Warnings about every value of the file that may surprise its author."""
    for place, route in enumerate(file.routes):
        yield from _of_conditions(f"routes[{place}].when", route.when, mailed=True)
    for pattern in file.resubmit.when:
        yield from _of_class("resubmit.when", pattern)
        yield from _of_spelling("resubmit.when", pattern)
    yield from _of_language(file.classify.parsing.lang)


def _of_conditions(place: str, section: WhenSection, *, mailed: bool) -> Iterator[Surprise]:
    """``mailed``: documents that meet the surrounding conditions may have come by mail."""
    mailed = mailed and any(matches(section.source or ("*",), item) for item in MAILED)
    for name in TEXTS:
        for pattern in getattr(section, name) or ():
            yield from _of_class(f"{place}.{name}", pattern)
            yield from _of_spelling(f"{place}.{name}", pattern)
            yield from _of_text(f"{place}.{name}", name, pattern, mailed=mailed)
    for key, patterns in (section.metadata or {}).items():
        yield from _of_key(f"{place}.metadata", key)
        for pattern in patterns:
            yield from _of_class(f"{place}.metadata.{key}", pattern)
            yield from _of_spelling(f"{place}.metadata.{key}", pattern)
    if section.min_size is not None and section.min_size > LARGEST:
        yield f"{place}.min_size", "LlamaCloud accepts no file of this size", "lower it"
    for at, item in enumerate(section.any_of or ()):
        yield from _of_conditions(f"{place}.any[{at}]", item, mailed=mailed)
    for at, item in enumerate(section.excluded):
        inside = "" if isinstance(section.none_of, WhenSection) else f"[{at}]"
        yield from _of_conditions(f"{place}.not{inside}", item, mailed=mailed)


def _of_class(place: str, pattern: str) -> Iterator[Surprise]:
    if found := once_a_class(pattern):
        message = f"{found} in {pattern!r} is literal, not one of these characters as in earlier versions"
        yield place, message, f"if one of them is meant, write {GLOB}{pattern}"


def _of_spelling(place: str, pattern: str) -> Iterator[Surprise]:
    """Warns about notations of other pattern languages, and invisible white space."""
    if pattern.startswith(GLOB):
        if odd := empty_class(pattern):
            yield place, f"{odd} in {pattern!r} matches no character", "write [first-last], closed by ]"
    elif re.search(r"^\^|^\.\*|\\[.dws]|\.\+|\(\w+(\|\w+)+\)", pattern):
        yield place, f"{pattern!r} looks like a regular expression, but is compared literally", "use * and ?"
    elif found := re.search(r"\*[^*,;|]*[,;|] ?\*|\*[^*{}]*\{[^{}]*,[^{}]*\}", pattern):
        yield place, f"{found[0]!r} in {pattern!r} is literal: one pattern is not a list", "write a list: [a, b]"
    elif re.fullmatch(r"%\w+%", pattern):
        yield place, f"{pattern!r} has a literal % at its ends", f"write *{pattern.strip('%')}*"
    if pattern != pattern.strip():
        yield place, f"{pattern!r} has leading or trailing white space, which is literal", "take it out"


def _of_key(place: str, key: str) -> Iterator[Surprise]:
    """Warns about a key that is nearly one of a mail's metadata; a custom application may set any other key."""
    near = difflib.get_close_matches(key.lower().replace("-", "_"), MAIL_KEYS, n=1, cutoff=0.8)
    if near and key not in MAIL_KEYS:
        yield place, f"a mail has no {key!r}", f"did you mean {near[0]}?"


def _of_text(place: str, name: str, pattern: str, *, mailed: bool) -> Iterator[Surprise]:
    if name == "media_type":
        yield from _of_media_type(place, pattern)
    elif name == "name":
        yield from _of_name(place, pattern)
    elif name == "recipient" or (name == "sender" and mailed):
        yield from _of_address(place, pattern, always=name == "recipient")


def _of_name(place: str, pattern: str) -> Iterator[Surprise]:
    ending = pattern if pattern.startswith(".") else f".{pattern}"
    if not re.search(r"[*?/\\]", pattern) and mimetypes.guess_type(f"x{ending}")[0] and "." not in pattern[1:]:
        yield place, f"{pattern!r} matches only that exact text", f"write *{ending}"
    if re.match(r"!.*\*", pattern):
        yield place, f"! in {pattern!r} is literal", f"write not: {{name: {pattern[1:]!r}}}"
    if re.search(r"/|\\(?![.dws])", pattern):
        last = re.split(r"[/\\]", pattern)[-1]
        fix = f"write {last}" if last else "leave the folder out"
        yield place, f"{pattern!r} has a folder, but names have none", fix


def _of_address(place: str, pattern: str, *, always: bool) -> Iterator[Surprise]:
    """Warns about patterns that no whole address matches. A sender may also be a user name; then only what looks like
    a domain is odd."""
    domain = re.fullmatch(r"([\w-]+\.)+[a-z]{2,}", pattern, re.IGNORECASE)
    if re.search(r"<[^>]*>$", pattern):
        yield place, f"{pattern!r} is a name with an address; only addresses are compared", "write the address alone"
    elif pattern.startswith("mailto:"):
        yield place, f"{pattern!r} matches no address", f"write {pattern.removeprefix('mailto:')}"
    elif "@" in pattern and (found := re.search(r"^!|[,;] ?|\s", pattern)):
        yield place, f"{found[0]!r} in {pattern!r} matches no address", "write a list: [a, b]; put exclusions under not"
    elif "*" in pattern or "?" in pattern or pattern.startswith(GLOB):
        return
    elif pattern.startswith("@"):
        yield place, f"{pattern!r} matches only that exact text", f"write *{pattern}"
    elif pattern.endswith("@"):
        yield place, f"{pattern!r} matches only that exact text", f"write {pattern}*"
    elif "@" not in pattern and (always or domain):
        fix = f"write *@{pattern}" if domain else "write it whole, or with *"
        yield place, f"{pattern!r} matches no address: it has no @", fix


def _of_media_type(place: str, pattern: str) -> Iterator[Surprise]:
    """Warns about a type that Mailroom never detects, by content or by name; vendor types depend on the machine."""
    own = re.search(r"/(vnd\.|x-|x\.|prs\.)|^x-", pattern.lower())
    if own or pattern.startswith(GLOB) or any(matches([pattern], item) for item in _media_types()):
        return
    near = difflib.get_close_matches(pattern.lower(), _media_types(), n=1, cutoff=0.75)
    fix = f"did you mean {near[0]}?" if near else "check the spelling"
    yield place, f"Mailroom never detects {pattern!r}", fix


@cache
def _media_types() -> tuple[str, ...]:
    """The types that core/media.py can detect."""
    mimetypes.guess_type("x.pdf")  # loads the system's types
    ours = (item for name, item in vars(media).items() if name.isupper() and isinstance(item, str) and "/" in item)
    return tuple({*mimetypes.types_map.values(), *ours, *media.ENVELOPES, *media.ONE_PAGE})


def _of_language(code: str | None) -> Iterator[Surprise]:
    if code and len(code) == 2 and code not in LANGUAGES:
        meant = COUNTRIES.get(code)
        fix = f"did you mean {meant}?" if meant else "write en, de, fr or another one"
        yield "classify.parsing.lang", f"no language has the code {code!r} (ISO 639-1)", fix
