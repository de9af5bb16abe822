"""The pages of Microsoft's old compound files: Outlook's messages and Excel's old workbooks; Word's are not read."""

from pathlib import Path

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
    recipients = ", ".join(filter(None, (each.name or each.email_address for each in message.recipients)))
    named = {"From": message.sender, "To": recipients, "Subject": message.subject, "Date": message.sent_date}
    head = [f"{name}: {value}" for name, value in named.items() if value]
    body = message.body or visible(message.html_body or "")
    attached = [f"Attachment: {each.file_name or 'without a name'}" for each in message.attachments]
    return "\n".join([*head, "", body, "", *attached]).strip()
