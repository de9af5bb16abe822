"""The pages of plain text, HTML and mail."""

import contextlib
import email
import email.policy
import re
from email.message import EmailMessage
from html.parser import HTMLParser

from llamacloud_sandbox.unreadable import Unreadable

_BEFORE_HTML = re.compile(r"\s+|<!--.*?-->|<\?.*?>", re.DOTALL)
_HTML = re.compile(r"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_MAIL = re.compile(rb"^(from|subject|date|to|received|message-id|mime-version|return-path|delivered-to):", re.I | re.M)
_BLOCKS = frozenset(["address", "article", "blockquote", "br", "div", "dd", "dl", "dt", "fieldset", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "title", "tr", "ul"])  # fmt: skip  # noqa: E501
_HIDDEN = frozenset(("script", "style", "noscript", "template"))


def is_html(content: bytes) -> bool:
    """Whether the content begins as an HTML page does."""
    head, at = _decoded(content[:4096]), 0
    while before := _BEFORE_HTML.match(
        head, at
    ):  # one after the other: a pattern for all would try every way to pair them
        at = before.end()
    return _HTML.match(head, at) is not None


def is_mail(content: bytes) -> bool:
    """Whether the content begins with the header of a mail: at least three of its usual fields."""
    head = re.split(rb"\r?\n\r?\n", content[:16_384], maxsplit=1)[0]
    return len({name.lower() for name in _MAIL.findall(head)}) >= 3


def plain(content: bytes) -> list[str]:
    """The pages of a text file: form feeds separate them. Raises `Unreadable` for what isn't text."""
    text = _decoded(content)
    odd = sum(not (letter.isprintable() or letter.isspace()) for letter in text[:4096])
    if odd > len(text[:4096]) / 50:
        raise Unreadable("The file type is not supported: neither PDF, picture, office document, HTML, mail nor text.")
    return [page.strip() for page in text.split("\f")]


def html(content: bytes) -> list[str]:
    """The visible text of an HTML page, one page."""
    declared = _CHARSET.search(content[:4096])
    return [visible(_decoded(content, "utf-8-sig", declared[1].decode("ascii", "replace") if declared else "cp1252"))]


def mail(content: bytes) -> list[str]:
    """From, To, Subject, Date and the text of a mail, and the names of its attachments, as one page."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise Unreadable("The mail can't be read.")
    head = [f"{name}: {message[name]}" for name in ("From", "To", "Subject", "Date") if message[name]]
    names = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    attached = [f"Attachment: {name}" for name in names]
    return ["\n".join([*head, "", _body(message), "", *attached]).strip()]


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    text = _decoded(payload if isinstance(payload, bytes) else b"", part.get_content_charset())
    return visible(text) if part.get_content_subtype() == "html" else text


def _decoded(content: bytes, *charsets: str | None) -> str:
    """As in the first charset in which it can be: that of its byte order mark, then these, or UTF-8 without any."""
    possible = [charset for charset in charsets if charset] or ["utf-8-sig"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        possible.insert(0, "utf-16")
    for charset in possible:
        with contextlib.suppress(ValueError, LookupError):
            return content.decode(charset)
    return content.decode("cp1252", "replace")


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self.text.append("\n")
        elif tag in ("td", "th"):
            self.text.append("\t")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        if tag in _BLOCKS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(re.sub(r"\s+", " ", data))


def visible(markup: str) -> str:
    """What a reader sees of HTML, a line for each block."""
    parser = _Visible()
    parser.feed(markup)
    parser.close()
    lines = (line.strip() for line in "".join(parser.text).splitlines())
    return "\n".join(line for line in lines if line)
