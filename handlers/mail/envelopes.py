"""Opens parts that contain mails or files: a mail as a file, an mbox, a signed container, an Outlook message."""

import re
from email import message_from_bytes

from handlers.mail import cms, mbox, outlook
from handlers.mail.tree import SIGNATURES, Leaf, Letter, Tree
from receiver.core.header_block import HEAD_BYTES, header_fields
from receiver.core.media import MAIL, OUTLOOK, SIGNED, TNEF, UNKNOWN

_SIGNED_NAME = re.compile(r"(?i)\.(p7m|p7s)$")
LOCKED_TNEF = "it is an Outlook container (winmail.dat), which Mailroom does not open: ask the sender for the files"


def open_leaf(kind: str, leaf: Leaf, letter: Letter, tree: Tree, depth: int) -> None:
    """Adds the contents of this leaf. If it cannot be opened, the leaf records why."""
    try:
        if kind == MAIL:
            _mails(leaf, tree, depth)
        elif kind == SIGNED:
            _signed(leaf, letter, tree, depth)
        elif kind == OUTLOOK:
            outlook.add(leaf.content, leaf.where, tree, depth)
            leaf.opened = True
        elif kind == TNEF:
            leaf.fault = LOCKED_TNEF
    except (cms.Closed, outlook.NoMessage) as error:
        leaf.fault = str(error)


def _mails(leaf: Leaf, tree: Tree, depth: int) -> None:
    leaf.opened = True
    inside = mbox.mails(leaf.content)
    for number, content in enumerate(inside, start=1):
        tree.mail(content, leaf.where if len(inside) == 1 else f"{leaf.where}/{number}", depth)


def _signed(leaf: Leaf, letter: Letter, tree: Tree, depth: int) -> None:
    """S/MIME signs a whole MIME part, which then is the mail's own content. Signed content anywhere else is a file."""
    try:
        content = cms.signed_content(leaf.content)
    except cms.Closed:
        if leaf.declared in SIGNATURES:
            return  # it is left out, as a signature
        raise
    if content is None:
        leaf.needless = "a detached signature"
        return
    leaf.opened = True
    if b"content-type" in header_fields(content[:HEAD_BYTES]):
        inner = Letter(where=leaf.where, sender=letter.sender, fields=letter.fields)
        tree.part(message_from_bytes(content), tree.add(inner), (), (), depth)
        return
    name = _SIGNED_NAME.sub("", leaf.name)
    inside = Leaf(where=f"{leaf.where}/1", declared=UNKNOWN, name=name, content=content, attached=True)
    tree.leaf(inside, letter, depth)
