"""Turns a letter's leaves into its parts. The text and the pictures in it are decided together, other leaves singly."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from handlers.mail import markup, text
from handlers.mail.embedded_files import CARRIES, carries_file
from handlers.mail.part_outcomes import fate, is_text
from handlers.mail.tree import LOCKED, Leaf, Letter
from receiver.core.header_block import HEAD_BYTES
from receiver.core.mail import EMPTY, Fate, ReadPart
from receiver.core.media import media_type

TEXT_CHARS = 4000
"""Texts up to this length may stay on the mail's record (``mail.body: record``)."""
NAME_CHARS, SUBJECT_CHARS = 255, 80
_PLAIN, _HTML = "text/plain", "text/html"
_PGP_MESSAGE = "-----BEGIN PGP MESSAGE-----"
_SUFFIXES = {
    _PLAIN: ".txt", _HTML: ".html", "application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg",
    "image/tiff": ".tif", "image/gif": ".gif", "application/rtf": ".rtf",
}  # fmt: skip


class Files:
    """Writes contents into a folder, as numbered files."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder, self._prefix, self._count = folder, prefix, 0

    def write(self, content: bytes) -> str:
        self._count += 1
        path = self._folder / f"{self._prefix}{self._count}"
        path.write_bytes(content)
        return str(path)


def parts_of(letter: Letter, metadata: Mapping[str, str], files: Files) -> Iterator[ReadPart]:
    """The letter's parts in the order of the mail."""
    judged = _texts(letter, files)
    for leaf in letter.leaves:
        found = judged.get(leaf.where) or _attachment(leaf, files)
        yield replace(found, where=leaf.where, size=len(leaf.content), metadata=dict(metadata))


def _texts(letter: Letter, files: Files) -> dict[str, ReadPart]:
    """Place -> outcome, for the leaves that are the letter's text and the pictures in it."""
    judged: dict[str, ReadPart] = {}
    bodies = [leaf for number, leaf in enumerate(letter.leaves) if _is_body(leaf, first=number == 0)]
    spoken = {leaf.where: text.decoded_text(leaf) for leaf in bodies}
    for leaf in bodies:
        texts = spoken[leaf.where]
        if markup.says_nothing(texts, is_html=leaf.declared == _HTML):
            judged[leaf.where] = _verdict(leaf, Fate.LEFT_OUT, EMPTY)
        elif _PGP_MESSAGE in texts and leaf.declared == _PLAIN:
            judged[leaf.where] = _held(leaf, LOCKED, files)
        elif carries_file(leaf.content):
            judged[leaf.where] = _held(leaf, CARRIES, files)
        elif (twin := _twin(leaf, bodies, spoken)) is not None:
            judged[leaf.where] = _verdict(leaf, Fate.LEFT_OUT, f"the same text as part {twin.where}")
    open_ = [leaf for leaf in bodies if leaf.where not in judged]
    plains = [leaf for leaf in open_ if leaf.declared == _PLAIN]
    judged |= _plain(letter, plains, [spoken[leaf.where] for leaf in plains], files)
    htmls = [leaf for leaf in open_ if leaf.declared == _HTML]
    return judged | _html(letter, htmls, spoken, bool(plains), files)


def _is_body(leaf: Leaf, *, first: bool) -> bool:
    written = leaf.declared in (_PLAIN, _HTML) and not leaf.attached and (first or not leaf.name)
    return written and not (leaf.fault or leaf.needless or leaf.opened) and is_text(leaf)


def _twin(leaf: Leaf, bodies: list[Leaf], spoken: Mapping[str, str]) -> Leaf | None:
    """The HTML alternative (or its first piece) to this plain text, if it contains all of the text."""
    if leaf.declared != _PLAIN:
        return None
    for group, branch in leaf.choices:
        offered = [
            item for item in bodies if item.declared == _HTML and dict(item.choices).get(group, branch) != branch
        ]
        if offered and markup.same_text(spoken[leaf.where], "\n".join(spoken[item.where] for item in offered)):
            return offered[0]
    return None


def _plain(letter: Letter, leaves: list[Leaf], texts: list[str], files: Files) -> dict[str, ReadPart]:
    """All pieces of the plain text together are one document."""
    if not leaves:
        return {}
    short = "\n\n".join(texts).strip()
    file = files.write(text.plain_document(letter, texts))
    part = _body(leaves[0], f"{_title(letter, 0)}.txt", short, file)
    return {leaf.where: part for leaf in leaves}


def _html(
    letter: Letter, leaves: list[Leaf], spoken: Mapping[str, str], has_plain: bool, files: Files
) -> dict[str, ReadPart]:
    """Each HTML text is a document that includes its pictures, so these are not documents of their own."""
    pictures = text.pictures_of(letter)
    judged: dict[str, ReadPart] = {}
    for number, leaf in enumerate(leaves, start=int(has_plain)):
        shown = text.shown(leaf, pictures)
        reason = f"shown in the text (part {leaf.where}), which contains it"
        judged |= {
            item.where: _verdict(item, Fate.LEFT_OUT, reason) for item in pictures.values() if item.where in shown
        }
        file = files.write(text.html_document(letter, leaf, pictures))
        short = "" if shown else markup.html_text(spoken[leaf.where])
        judged[leaf.where] = _body(leaf, f"{_title(letter, number)}.html", short, file)
    return judged


def _title(letter: Letter, number: int) -> str:
    title = letter.fields.get("Subject", "")[:SUBJECT_CHARS].strip() or "mail"
    return f"{title} ({number + 1})" if number else title


def _body(leaf: Leaf, name: str, content: str, file: str) -> ReadPart:
    short = content if len(content) <= TEXT_CHARS else ""
    return ReadPart(
        where=leaf.where,
        name=name,
        media_type=leaf.declared,
        size=0,
        fate=Fate.DOCUMENT,
        body=True,
        text=short,
        file=file,
    )


def _attachment(leaf: Leaf, files: Files) -> ReadPart:
    found, reason = fate(leaf)
    if found is Fate.HELD:
        return _held(leaf, reason, files)
    return _verdict(leaf, found, reason, file=files.write(leaf.content) if found is Fate.DOCUMENT else "")


def _held(leaf: Leaf, reason: str, files: Files) -> ReadPart:
    return _verdict(leaf, Fate.HELD, reason, file=files.write(leaf.content))


def _verdict(leaf: Leaf, found: Fate, reason: str, *, file: str = "") -> ReadPart:
    kind = media_type(leaf.content[:HEAD_BYTES], leaf.name) if file else leaf.declared
    suffix = _SUFFIXES.get(kind) or _SUFFIXES.get(leaf.declared, "")
    name = leaf.name or f"attachment-{leaf.where.replace('/', '-')}{suffix}"
    return ReadPart(
        where=leaf.where, name=name[-NAME_CHARS:], media_type=kind, size=0, fate=found, reason=reason, file=file
    )  # fmt: skip
