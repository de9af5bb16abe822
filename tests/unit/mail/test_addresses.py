"""Whose address a mail's From is: that in the angle brackets, or nobody's, whatever the name before it decodes into."""

import base64
import string
from email.header import Header
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.mail import headers
from receiver.core.address import mailboxes
from receiver.core.document import Document, Origin
from receiver.core.when import Judge, When, document_attributes
from tests.ole import Folder, attachment, compound, message, properties
from tests.unit.mail.reading import mail, mails, text

EVIL, BOSS = "evil@x.example", "boss@acme.example"
PRINTED = "".join(sorted(set(string.printable) - set("\r\n\x0b\x0c")))


def q(content: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?q?{''.join(f'={byte:02X}' for byte in content.encode(charset))}?="


def b(content: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(content.encode(charset)).decode()}?="


def quoted(content: str) -> str:
    return '"' + content.replace("\\", "\\\\").replace('"', '\\"') + '"'


def of(*fields: tuple[str, str]) -> Message:
    part = Message()
    for name, value in fields:
        part.add_header(name, value)
    return part


def sender_of(field: str) -> str:
    return headers.sender(of(("From", field)))


MEANT = st.text(min_size=1, max_size=40) | st.sampled_from(
    [BOSS, f"<{BOSS}>", f"x <{BOSS}>", f'"<{BOSS}>', f"{BOSS},", f"){BOSS}(", f'\\"{BOSS}', f"\r\nFrom: {BOSS}"]
)
PHRASES = st.lists(st.one_of(MEANT.map(q), MEANT.map(b), MEANT.map(quoted), MEANT.map(q).map(quoted)), max_size=4).map(
    " ".join
)
"""Names in any valid spelling."""
SYNTAX = st.sampled_from([BOSS, *'<>"(),:; \\a', "=?utf-8?q?", "?="])
RAW = st.text(PRINTED + "äß＠", max_size=60) | st.lists(SYNTAX, max_size=12).map("".join)
"""Names in no spelling that anybody allows."""


@given(PHRASES | RAW)
def test_whatever_the_name_is_the_sender_is_the_address_in_angles_or_nobody(name: str) -> None:
    assert sender_of(f"{name} <{EVIL}>") in (EVIL, "")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30))
def test_no_name_hides_the_sender_where_it_is_spelled_as_it_must_be(name: str) -> None:
    assert {sender_of(f"{spelled(name)} <{EVIL}>") for spelled in (q, b, quoted)} == {EVIL}


@given(PHRASES)
def test_whatever_the_names_are_no_row_takes_them_for_recipients(name: str) -> None:
    part = of(("To", f'"Team" <team@x.example>, {name} <{EVIL}>'))
    found, _ = mailboxes(headers.field(part, "To"))
    assert set(found) <= {"team@x.example", EVIL}


NAMED = {
    "an encoded name": (f"{q(BOSS)} <{EVIL}>", EVIL),
    "an encoded name as mail programs write it": (f"=?utf-8?q?boss=40acme=2Eexample?= <{EVIL}>", EVIL),
    "an encoded name in base64": (f"{b(BOSS)} <{EVIL}>", EVIL),
    "an encoded address in angles": (f"=?utf-8?q?x_=3Cboss=40acme=2Eexample=3E?= <{EVIL}>", EVIL),
    "a quoted name": (f'"{BOSS}" <{EVIL}>', EVIL),
    "a comment": (f"{EVIL} ({BOSS})", EVIL),
    "an address for a name": (f"{BOSS} <{EVIL}>", ""),
    "two in angles": (f"Boss <{BOSS}> <{EVIL}>", ""),
    "two addresses": (f"{BOSS}, {EVIL}", ""),
    "what stands after it": (f"<{EVIL}> {BOSS}", ""),
    "a group": (f"Team: {EVIL};", ""),
    "an encoded address": ("=?utf-8?q?boss=40acme=2Eexample?=@x.example", ""),
    "an encoded word over the angles": (f"=?utf-8?q?<{EVIL}>?= <{BOSS}>", ""),
    "a quotation within an encoded word": (f'=?utf-8?q?"?= <{BOSS}>" <{EVIL}>', ""),
    "a quotation that does not end": (f'"Boss <{EVIL}>', ""),
    "an at sign of full width": (f"boss@x＠acme.example <{EVIL}>", ""),
    "an at sign of full width in the address": ("x@evil＠acme.example", ""),
    "a name with a full stop": (f"J. Doe <{EVIL}>", EVIL),
    "a name that was not encoded": (f"Jürgen Müller <{EVIL}>", EVIL),
    "an encoded word without a space": (f"=?utf-8?q?J=C3=BCrgen?=<{EVIL}>", EVIL),
    "an address alone": (EVIL.upper(), EVIL),
    "an address of other letters": ("jürgen@müller.example", "jürgen@müller.example"),
    "no address": ("Boss", ""),
    "too long": (f"{'a ' * 2000}<{EVIL}>", ""),
    "brackets without end": ("(" * 3000, ""),
}


@pytest.mark.parametrize("name", NAMED)
def test_from_names_one_address_or_nobody(name: str) -> None:
    field, expected = NAMED[name]
    assert sender_of(field) == expected
    ((read, _),) = mails(mail(text("Hello"), f"From: {field}\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n".encode()))
    assert read.sender == expected


def test_two_from_fields_name_nobody() -> None:
    assert headers.sender(of(("From", EVIL), ("FROM", BOSS))) == ""
    assert headers.sender(of(("Sender", BOSS), ("Reply-To", BOSS))) == ""


def test_names_of_recipients_stay_readable() -> None:
    german = Header("Müller, Jürgen", "utf-8").encode()
    sent = f'{german} <j@x.example>, =?utf-8?q?J=C3=BCrgen?= <k@x.example>, "A, B" <l@x.example>'
    field = headers.field(of(("To", sent)), "To")
    assert field == '"Müller, Jürgen" <j@x.example>, Jürgen <k@x.example>, "A, B" <l@x.example>'
    assert mailboxes(field) == (["j@x.example", "k@x.example", "l@x.example"], True)


RECIPIENTS = {
    "Team: a@x.example, B <b@x.example>;": (["a@x.example", "b@x.example"], True),
    "undisclosed-recipients:;": ([], True),
    "Doe, John <john@x.example>": (["john@x.example"], True),
    f"{BOSS} <{EVIL}>, c@x.example": (["c@x.example"], False),
    f'"{BOSS}, <{EVIL}>': ([EVIL], False),
}


@pytest.mark.parametrize("field", RECIPIENTS)
def test_what_cannot_be_told_apart_may_be_a_recipient_too(field: str) -> None:
    assert mailboxes(field) == RECIPIENTS[field]


def test_a_row_that_asks_for_a_recipient_holds_what_nobody_can_read() -> None:
    origin = Origin(kind="email", locator="", sender=EVIL)
    document = Document(
        id="1", name="a.pdf", sha256="1", size=1, media_type="application/pdf", origin=origin, content="",
        taken_in_at=0.0, metadata={"to": f"{BOSS} <{EVIL}>"},
    )  # fmt: skip
    assert Judge(When(recipient=("boss@*",))).truth(document_attributes(document)) is None


def recipient(name: str, smtp: str) -> Folder:
    folder = properties({0x3001: name, 0x39FE: smtp}, {}, header_bytes=8)
    listed = folder["__properties_version1.0"]
    assert isinstance(listed, bytes)
    folder["__properties_version1.0"] = listed + bytes.fromhex("0300150c0600000001000000" + "00000000")
    return folder


@pytest.mark.parametrize(
    ("name", "smtp", "expected"),
    [
        (BOSS, EVIL, EVIL),
        (BOSS, "", ""),
        (f"x <{BOSS}>", "/O=ACME/CN=E", ""),
        ("Boss", f"{BOSS}> <{EVIL}", ""),
    ],
)
def test_the_sender_of_an_outlook_message_is_never_its_name(name: str, smtp: str, expected: str) -> None:
    saved = message({0x0C1A: name, 0x5D01: smtp, 0x0E04: BOSS, 0x1000: "Hello"}, attachment("a.pdf", b"%PDF-1.7"))
    ((read, _),) = mails(compound(saved), "letter.msg")
    assert (read.sender, mailboxes(read.metadata["to"])) == (expected, ([], True))


def test_the_recipients_of_an_outlook_message_are_their_addresses() -> None:
    saved = message({0x0C1A: "Anna", 0x5D01: EVIL, 0x0E04: f"{BOSS}; Office", 0x1000: "Hello"})
    saved["__recip_version1.0_#00000000"] = recipient(BOSS, "office@x.example")
    ((read, _),) = mails(compound(saved), "letter.msg")
    assert read.metadata["to"] == f'"{BOSS}" <office@x.example>'
    assert mailboxes(read.metadata["to"]) == (["office@x.example"], True)
