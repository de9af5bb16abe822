"""The pages of Microsoft's old compound files: Outlook's messages and Excel's old workbooks; Word's are not read."""

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any

import olefile

from llamacloud_sandbox.unreadable import Unreadable

_NOT_SUPPORTED = {
    "WordDocument": "an old Word document (.doc): save it as DOCX or PDF",
    "PowerPoint Document": "an old PowerPoint presentation (.ppt): save it as PPTX or PDF",
}


def pages(path: Path) -> list[str]:
    """The text of a message (one page) or of each sheet. Raises `Unreadable`."""
    try:
        with olefile.OleFileIO(path) as file:
            streams = {entry[0] for entry in file.listdir()}
    except OSError as error:
        raise Unreadable("The Office file is damaged.") from error
    for name, kind in _NOT_SUPPORTED.items():
        if name in streams:
            raise Unreadable(f"The file type is not supported: {kind}.")
    if "EncryptedPackage" in streams:
        raise Unreadable("The office document is encrypted and needs a password.")
    if "__properties_version1.0" in streams:
        return [_message(path)]
    if streams & {"Workbook", "Book"}:
        from llamacloud_sandbox.formats import sheets

        return sheets.pages(path)
    raise Unreadable("The file type is not supported: neither an Outlook message nor an Excel workbook.")


def _message(path: Path) -> str:
    from oxmsg import Message

    from llamacloud_sandbox.formats.texts import visible

    message = Message.load(str(path))
    recipients = ", ".join(_said(lambda who: who.name or who.email_address, each) for each in message.recipients)
    named = {
        "From": _said(lambda it: it.sender, message),
        "To": recipients,
        "Subject": _said(lambda it: it.subject, message),
        "Date": str(message.sent_date or ""),
    }
    head = [f"{name}: {value}" for name, value in named.items() if value]
    body = _said(lambda it: it.body, message) or visible(_said(lambda it: it.html_body, message))
    attached = [f"Attachment: {_attachment_name(each) or 'without a name'}" for each in message.attachments]
    return "\n".join([*head, "", body, "", *attached]).strip()


def _attachment_name(attachment: object) -> str:
    try:
        return _said(lambda it: it.file_name, attachment)
    except KeyError:  # it lacks the stream that lists its properties
        return ""


def _said(ask: Callable[[Any], str | None], whom: object) -> str:
    """A text of the message. Some are in another code page than the message says, or end with a zero."""
    try:
        text = ask(whom) or ""
    except UnicodeDecodeError as error:
        text = error.object.decode("cp1252", "replace")
    return text.rstrip("\0")


def _code_page(name: str) -> codecs.CodecInfo | None:
    """Python's codec for what Microsoft calls `windows-950`; Python itself knows the 125x by that name alone."""
    number = name.replace("-", "_").removeprefix("windows_")
    return codecs.lookup(f"cp{number}") if name != number and number.isdecimal() else None


codecs.register(_code_page)
