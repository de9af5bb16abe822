"""Decides the outcome of a part that is not the mail's own text; a test compares it with the table in docs/ways-in.md.

Content counts before names: a PDF or a picture is a document, whatever the mail calls it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from handlers.mail import markup, text
from handlers.mail.embedded_files import CARRIES, carries_file
from handlers.mail.tree import LOCKED, SIGNATURES, Leaf
from receiver.core.header_block import HEAD_BYTES, header_fields
from receiver.core.mail import EMPTY, Fate
from receiver.core.media import ENVELOPES, MAIL, SIGNED, UNKNOWN, media_type, refusal

SIGNATURE_BYTES = 64 * 1024
_ARMOUR, _ARMOUR_ENDS = b"-----BEGIN ", b"-----END "
_RETURNED = frozenset({"text/rfc822-headers", "message/global-headers"})
_REPORTS = _RETURNED | {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
}
_SURELY = ("application/pdf", "image/", "application/rtf")
"""Types that the content alone decides: no rule about names overrides them."""
_NO_TEXT = (*_SURELY, "application/msword", *ENVELOPES - {MAIL})


@dataclass(frozen=True, slots=True)
class FateRule:
    """One kind of part: its name on the record, and the test that recognizes it."""

    what: str
    fate: Fate
    fits: Callable[[Leaf], bool]


def _either(leaf: Leaf, declared: tuple[str, ...], endings: tuple[str, ...], begins: tuple[bytes, ...]) -> bool:
    """Whether its type or name says so, and its content begins like that."""
    called = leaf.declared in declared or leaf.name.lower().endswith(endings)
    return called and leaf.content.removeprefix(b"\xef\xbb\xbf").lstrip().upper().startswith(begins)


def _ends(leaf: Leaf, mark: bytes) -> bool:
    """Whether no text follows the last line with this mark. (Text below it may be a letter.)"""
    _, found, after = leaf.content.upper().rpartition(mark)
    return not found or not after.partition(b"\n")[2].strip()


def _is_calendar(leaf: Leaf) -> bool:
    types, endings = ("text/calendar", "application/ics"), (".ics", ".vcs")
    return _either(leaf, types, endings, (b"BEGIN:VCALENDAR",)) and _ends(leaf, b"END:VCALENDAR")


def _is_card(leaf: Leaf) -> bool:
    types = ("text/vcard", "text/x-vcard", "text/directory")
    return _either(leaf, types, (".vcf", ".vcard"), (b"BEGIN:VCARD",)) and _ends(leaf, b"END:VCARD")


def _is_signature(leaf: Leaf) -> bool:
    """Whether it is called a signature, and cannot be written by a person: armoured, without spaces, or binary."""
    if leaf.declared not in SIGNATURES or len(leaf.content) > SIGNATURE_BYTES or not _is_loose(leaf):
        return False
    written = b" " in leaf.content.strip() and not re.search(rb"[\x00-\x08\x80-\xff]", leaf.content)
    return _ends(leaf, _ARMOUR_ENDS) if _ARMOUR in leaf.content else not written


def _is_loose(leaf: Leaf) -> bool:
    """Whether its content does not show what kind of file it is."""
    return media_type(leaf.content[:HEAD_BYTES], "") in (UNKNOWN, SIGNED) and not leaf.content.startswith(b"PK")


def _is_report(leaf: Leaf) -> bool:
    """Whether it is called a report and has only fields. A returned message with its text is a text."""
    if leaf.declared not in _REPORTS or not header_fields(leaf.content[:HEAD_BYTES]):
        return False
    body = re.split(rb"\r?\n\r?\n", leaf.content.strip(), maxsplit=1)[1:]
    return leaf.declared not in _RETURNED or not any(body)


def _is_pgp(leaf: Leaf) -> bool:
    begins = (b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    return leaf.content.lstrip().startswith(begins) and _ends(leaf, _ARMOUR_ENDS)


def _is_locked(leaf: Leaf) -> bool:
    return leaf.declared == "application/x-microsoft-rpmsg-message" or leaf.content.lstrip().startswith(
        b"-----BEGIN PGP MESSAGE-----"
    )


def _carries_file(leaf: Leaf) -> bool:
    return leaf.declared.startswith("text/") and carries_file(leaf.content)


def _is_fork(leaf: Leaf) -> bool:
    return leaf.content.startswith(b"\x00\x05\x16\x07")


def _is_certificate_of_post(leaf: Leaf) -> bool:
    return leaf.name.lower() == "daticert.xml" and b"<postacert" in leaf.content[:2000]


def _is_program(leaf: Leaf) -> bool:
    return refusal(leaf.content[:HEAD_BYTES], leaf.name).startswith("is a program")


def _is_empty(leaf: Leaf) -> bool:
    if not leaf.content.strip(b"\0 \t\r\n"):
        return True
    is_html = leaf.declared == "text/html"
    return (is_html or leaf.declared == "text/plain") and markup.says_nothing(text.decoded_text(leaf), is_html=is_html)


RULES: tuple[FateRule, ...] = (
    FateRule(EMPTY, Fate.LEFT_OUT, _is_empty),
    FateRule(LOCKED, Fate.HELD, _is_locked),
    FateRule(CARRIES, Fate.HELD, _carries_file),
    FateRule("the resource fork of a Macintosh file (AppleDouble)", Fate.LEFT_OUT, _is_fork),
    FateRule("a calendar entry", Fate.LEFT_OUT, _is_calendar),
    FateRule("a contact card", Fate.LEFT_OUT, _is_card),
    FateRule("a signature", Fate.LEFT_OUT, _is_signature),
    FateRule("a PGP signature or key", Fate.LEFT_OUT, _is_pgp),
    FateRule("the data of a certified mail (PEC)", Fate.LEFT_OUT, _is_certificate_of_post),
    FateRule("a report of the mail system", Fate.LEFT_OUT, _is_report),
    FateRule("a program", Fate.LEFT_OUT, _is_program),
)


def is_text(leaf: Leaf) -> bool:
    """Whether its content is text, too: a file is a file even if the mail calls it text."""
    begun = leaf.content[:HEAD_BYTES].lstrip()[:64]
    return not begun or not (refusal(begun, "") or media_type(begun, "").startswith(_NO_TEXT))


def fate(leaf: Leaf) -> tuple[Fate, str]:
    """The outcome of this part, with the reason unless it is a document."""
    if leaf.opened:
        return Fate.OPENED, ""
    if leaf.fault:
        return Fate.HELD, leaf.fault
    if leaf.needless:
        return Fate.LEFT_OUT, leaf.needless
    head = leaf.content[:HEAD_BYTES]
    if media_type(head, "").startswith(_SURELY):
        return Fate.DOCUMENT, ""
    for rule in RULES:
        if rule.fits(leaf):
            return rule.fate, rule.what
    reason = refusal(head, leaf.name)
    return (Fate.HELD, f"it {reason}") if reason else (Fate.DOCUMENT, "")
