"""Over random mails: every part has a line, and what is not left out is, byte for byte, in exactly one document."""

import base64
import binascii
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mail.reading import HEADER, Kept, parts

LEFT_OUT = {"text/calendar": b"BEGIN:VCALENDAR\r\n", "text/x-vcard": b"BEGIN:VCARD\r\n"}


@dataclass
class Part:
    """A part that was made up: its own bytes, or the parts inside."""

    kind: str
    content: bytes = b""
    encoding: str = "base64"
    named: bool = True
    inside: list["Part"] = field(default_factory=list)

    @property
    def leaves(self) -> Iterator["Part"]:
        if not self.inside:
            yield self
        for item in self.inside:
            yield from item.leaves

    @property
    def envelopes(self) -> int:
        return (self.kind == "message/rfc822") + sum(item.envelopes for item in self.inside)

    def written(self, count: Iterator[int]) -> bytes:
        """The part as MIME. Each leaf's content gets a number, so that no two are alike."""
        if self.kind == "message/rfc822":
            return self._forwarded(count)
        if self.inside:
            mark = f"b{next(count)}"
            body = "".join(f"--{mark}\r\n{item.written(count).decode('latin-1')}\r\n" for item in self.inside)
            return f"Content-Type: {self.kind}; boundary={mark}\r\n\r\n{body}--{mark}--\r\n".encode("latin-1")
        self.content += b" number-%d-" % next(count)
        name = f'\r\nContent-Disposition: attachment; filename="{next(count)}.bin"' if self.named else ""
        told = f"Content-Type: {self.kind}\r\nContent-Transfer-Encoding: {self.encoding}{name}\r\n\r\n"
        return told.encode() + encoded(self.content, self.encoding)

    def _forwarded(self, count: Iterator[int]) -> bytes:
        inner = HEADER + self.inside[0].written(count)
        if self.encoding == "8bit":
            return b"Content-Type: message/rfc822\r\n\r\n" + inner
        return b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(inner)


def encoded(content: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(content)
    return binascii.b2a_qp(content, istext=False) if encoding == "quoted-printable" else content


words = st.text(st.sampled_from("abc äöü <>&\n"), min_size=1, max_size=60).map(str.encode)
texts = st.builds(
    Part, st.sampled_from(["text/plain; charset=utf-8", "text/html; charset=utf-8"]), words,
    st.sampled_from(["base64", "quoted-printable", "8bit"]), st.booleans(),
)  # fmt: skip
files = st.builds(
    Part, st.sampled_from(["application/pdf", "image/png", "application/octet-stream", "application/x-unheard-of"]),
    st.binary(max_size=200).map(lambda content: b"content " + content), st.sampled_from(["base64", "quoted-printable"]),
)  # fmt: skip
needless = st.sampled_from(sorted(LEFT_OUT)).map(lambda kind: Part(kind, LEFT_OUT[kind]))
kinds = st.sampled_from(["mixed", "related", "alternative", "report", "unheard-of"]).map("multipart/{}".format)


def nested(inside: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    several = st.builds(lambda kind, parts: Part(kind, inside=parts), kinds, st.lists(inside, min_size=1, max_size=4))
    encodings = st.sampled_from(["8bit", "base64"])
    forwarded = st.builds(lambda item, how: Part("message/rfc822", encoding=how, inside=[item]), inside, encodings)
    return several | forwarded


@settings(max_examples=150)
@given(st.recursive(texts | files | needless, nested, max_leaves=12))
def test_every_part_of_a_mail_is_accounted_for(made: Part) -> None:
    found = parts(HEADER + made.written(itertools.count(1)), max_parts=500, max_depth=50)
    assert len(found) == len(list(made.leaves)) + made.envelopes
    assert all(item.part.reason for item in found if item.part.fate in ("left_out", "held"))
    documents = {item.part.file: item for item in found if item.part.fate == "document"}
    for leaf in made.leaves:
        holding = [item for item in documents.values() if holds(item, leaf)]
        assert len(holding) == (0 if leaf.kind in LEFT_OUT else 1), (leaf, found)


def holds(kept: Kept, leaf: Part) -> bool:
    """A file is the document itself; what somebody wrote stands in it under who wrote it."""
    return leaf.content in kept.content if kept.part.body else kept.content == leaf.content
