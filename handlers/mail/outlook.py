"""Reads messages saved by Outlook (``.msg``) into the same letters and leaves as mails. Source: MS-OXMSG,
MS-OXPROPS."""

import codecs
import io
import struct
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from handlers.mail.headers import NAME_CHARS, VALUE_CHARS
from handlers.mail.tree import Leaf, Letter, Tree
from receiver.core.address import mailbox, quoted
from receiver.core.media import OUTLOOK, UNKNOWN
from receiver.core.safe_names import whole

if TYPE_CHECKING:
    from oxmsg.properties import Properties
    from oxmsg.storage import Storage

EMBEDDED = "__substg1.0_3701000D"
"""In an attachment without bytes: the storage of the message or object that it contains."""
PROPERTIES = "__properties_version1.0"
OUTERMOST, INNER = 32, 24
"""Size of the header before the properties of the outermost message, and of an embedded one. Source: MS-OXMSG 2.4."""
CONTENT_ID, COMPRESSED_RTF = 0x3712, 0x1009
RICH_NUMBER = 0
"""Number of the RTF body; HTML is 1, plain text 2, attachments count from 3."""
RICH = "a copy of the text as compressed RTF"


def _windows(name: str) -> codecs.CodecInfo | None:
    """A codec for Outlook's names of Windows code pages (windows-950), which Python calls otherwise (cp950)."""
    number = name.removeprefix("windows_")
    return codecs.lookup(f"cp{number}") if number != name and number.isdecimal() else None


codecs.register(_windows)


class NoMessage(ValueError):
    """The file cannot be read as an Outlook message; the message says why."""


def add(content: bytes, where: str, tree: Tree, depth: int) -> Letter:
    """Adds the letters of the message and of the messages within it. Raises NoMessage."""
    from olefile import OleFileIO
    from oxmsg.storage import Storage

    before = len(tree.letters)
    try:
        with OleFileIO(io.BytesIO(content)) as file:
            storage = Storage.from_ole(file)
        return _message(storage, OUTERMOST, where, tree, depth)
    except (OSError, LookupError, AttributeError, TypeError, ValueError, struct.error, RecursionError) as error:
        del tree.letters[before:]  # the message is held as a whole, with all that was read of it
        raise NoMessage(f"it cannot be read as an Outlook message: {error}"[:200]) from error


def _message(storage: "Storage", offset: int, where: str, tree: Tree, depth: int) -> Letter:
    from oxmsg.domain import constants as pid
    from oxmsg.properties import Properties

    properties = Properties(storage, properties_header_offset=offset)
    letter = tree.add(Letter(where=where, sender=_sender(properties), fields=_fields(properties, storage)))
    html, plain = properties.binary_prop_value(pid.PID_HTML), properties.str_prop_value(pid.PID_BODY)
    html = html or (properties.str_prop_value(pid.PID_BODY_HTML) or "").encode("utf-8", "replace")
    texts = (
        ("text/html", html, properties.body_encoding),
        ("text/plain", (plain or "").encode("utf-8", "replace"), "utf-8"),
    )
    for branch, (declared, text, charset) in enumerate(texts, start=1):
        if text.strip(b"\0\r\n\t "):
            leaf = Leaf(where=letter.place((branch,)), declared=declared, content=text, charset=charset)
            leaf.choices = (((), branch),)
            tree.leaf(leaf, letter, depth)
    if packed := properties.binary_prop_value(COMPRESSED_RTF):
        leaf = Leaf(where=letter.place((RICH_NUMBER,)), declared="text/rtf", content=packed)
        if letter.leaves:
            leaf.needless = RICH
        else:
            leaf.fault = "its text exists only as compressed RTF, which Mailroom does not unpack"
        tree.leaf(leaf, letter, depth)
    for number, item in enumerate(storage.iter_attachment_storages(), start=3):
        _attachment(item, letter, number, tree, depth)
    return letter


def _sender(properties: "Properties") -> str:
    """The bare address, in lower case. It never comes from the sender's name, which may be anybody's address."""
    from oxmsg.domain import constants as pid

    smtp = properties.str_prop_value(pid.PID_SENDER_SMTP_ADDRESS) or properties.str_prop_value(
        pid.PID_SENDER_EMAIL_ADDRESS
    )
    return mailbox(_line(smtp)).lower()


def _recipients(storage: "Storage", kind: int) -> str:
    """The recipients of a kind (1 is To, 2 is Cc), as in a header field. Source: MS-OXPROPS, PidTagRecipientType."""
    from oxmsg.domain import constants as pid
    from oxmsg.recipient import Recipient

    every = [Recipient(item) for item in storage.iter_recipient_storages()]
    those = [item for item in every if item.properties.int_prop_value(pid.PID_RECIPIENT_TYPE) == kind]
    return ", ".join(_named(item.name, item.email_address) for item in those)


def _named(name: str | None, smtp: str | None) -> str:
    """Name and address as in a header field; the name alone if the address is not an internet address."""
    shown, address = quoted(_line(name)), mailbox(_line(smtp))
    return f"{shown} <{address}>".strip() if address else shown


def _fields(properties: "Properties", storage: "Storage") -> dict[str, str]:
    from oxmsg.domain import constants as pid

    name = properties.str_prop_value(pid.PID_SENDER_NAME) or properties.str_prop_value(pid.PID_SENT_REPRESENTING_NAME)
    sent = properties.date_prop_value(pid.PID_CLIENT_SUBMIT_TIME)
    fields = {
        "From": _named(name, _sender(properties)),
        "To": _recipients(storage, 1) or quoted(_line(properties.str_prop_value(pid.PID_DISPLAY_TO))),
        "Cc": _recipients(storage, 2) or quoted(_line(properties.str_prop_value(pid.PID_DISPLAY_CC))),
        "Subject": properties.str_prop_value(pid.PID_SUBJECT),
        "Date": format_datetime(sent) if sent and sent.year > 1601 else "",
        "Message-ID": properties.str_prop_value(pid.PID_INTERNET_MESSAGE_ID),
    }
    clean = {name: _line(value) for name, value in fields.items()}
    return {name: value for name, value in clean.items() if value}


def _line(value: str | None) -> str:
    return whole(" ".join((value or "").replace("\0", "").split()))[:VALUE_CHARS]


def _attachment(storage: Any, letter: Letter, number: int, tree: Tree, depth: int) -> None:
    from oxmsg.attachment import Attachment
    from oxmsg.domain import constants as pid

    attachment = Attachment(storage)
    properties = attachment.properties
    name = (
        attachment.file_name
        or properties.str_prop_value(pid.PID_ATTACH_FILENAME)
        or properties.str_prop_value(pid.PID_DISPLAY_NAME)
    )
    leaf = Leaf(
        where=letter.place((number,)),
        declared=(attachment.mime_type or UNKNOWN).lower(),
        content=attachment.file_bytes or b"",
        name=_line(name)[-NAME_CHARS:],
        attached=True,
        content_id=(properties.str_prop_value(CONTENT_ID) or "").strip("<>\0 "),
    )
    inner = next((item for item in storage.storages if item.name == EMBEDDED), None)
    if inner is not None and any(item.name == PROPERTIES for item in inner.streams):
        leaf.declared, leaf.opened = OUTLOOK, True
        tree.leaf(leaf, letter, depth)
        _message(inner, INNER, leaf.where, tree, depth + 1)
        return
    if inner is not None:
        leaf.fault = "it is an object of another program, embedded in the message"
    elif attachment.file_bytes is None:
        leaf.fault = "the message has only a link to it"
    tree.leaf(leaf, letter, depth)
