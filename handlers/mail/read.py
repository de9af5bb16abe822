"""Reads the mails in a received file: each part gets its outcome, and a file with its content."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from handlers.mail import mbox, outlook
from handlers.mail.envelopes import open_leaf
from handlers.mail.parts import Files, parts_of
from handlers.mail.tree import Leaf, Letter, Tree, digest
from receiver.core.header_block import HEAD_BYTES
from receiver.core.mail import MailBounds, ReadMail, ReadPart
from receiver.core.media import MAIL, OUTLOOK, envelope


def read_mails(content: bytes, name: str, bounds: MailBounds, folder: Path) -> list[ReadMail]:
    """The mails in these bytes; [] if there is none. The contents are written into the folder. Raises TooMuch."""
    if not (kind := envelope(content[:HEAD_BYTES], name)):
        return []
    inside = mbox.mails(content) if kind == MAIL else [content]
    tree, found = Tree(bounds, open_leaf), list[ReadMail]()
    for number, item in enumerate(inside, start=1):
        before = len(tree.letters)
        _grow(tree, kind, item, name)
        files = Files(folder, prefix=f"{number}-")
        file = files.write(item) if len(inside) > 1 else ""
        found.append(_mail(tree.letters[before:], item, files, file))
    return found


def _grow(tree: Tree, kind: str, content: bytes, name: str) -> None:
    if kind == MAIL:
        tree.mail(content)
        return
    leaf = Leaf(where="1", declared=kind, name=name, content=content, attached=True)
    if kind == OUTLOOK:
        try:
            outlook.add(content, "", tree, 0)
            return
        except outlook.NoMessage as error:
            leaf.fault = str(error)  # held: LlamaCloud cannot read it either, and it may contain documents
    tree.leaf(leaf, tree.add(Letter(where="")), 0)


def _mail(letters: list[Letter], content: bytes, files: Files, file: str) -> ReadMail:
    outer = next((item for item in letters if item.fields), letters[0])
    headers = {key.lower().replace("-", "_"): value for key, value in outer.fields.items() if key != "From"}
    return ReadMail(
        id=outer.fields.get("Message-ID", "").strip() or hashlib.sha256(content).hexdigest(),
        digest=digest(letters),
        sender=outer.sender,
        subject=outer.fields.get("Subject", ""),
        metadata=headers,
        parts=tuple(sorted(_parts(letters, outer, files), key=lambda part: _order(part.where))),
        file=file,
    )


def _parts(letters: list[Letter], outer: Letter, files: Files) -> Iterator[ReadPart]:
    for letter in letters:
        yield from parts_of(letter, _inner(letter, outer), files)


def _order(where: str) -> list[tuple[int, str]]:
    """A sort key: contents follow their envelope, and text around parts keeps its place."""
    places = {"before": -1, "after": 10**9}
    return [(places.get(item, int(item) if item.isdecimal() else 0), item) for item in re.split("[./]", where)]


def _inner(letter: Letter, outer: Letter) -> dict[str, str]:
    """The fields of a mail within the mail. Its documents still belong to the outer mail."""
    if letter.fields == outer.fields:
        return {}
    return {
        f"inner_{name.lower()}": letter.fields[name] for name in ("From", "Subject", "Date") if name in letter.fields
    }
