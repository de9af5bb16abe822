"""The packets of a chaos run: several letters in one PDF, a mark on each page, and the truth about the cut of each."""

import io
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle
from typing import Any

import pikepdf

from receiver.core.pages import spans
from tests.chaos.letters import ANSWERS, SHARES, Letter

KINDS = {
    "whole": 6, "blank": 2, "doubtful": 2, "missing": 2, "overlapping": 2, "unsplittable": 2, "locked": 1,
    "mended": 2, "merged": 4,
}  # fmt: skip
"""What is special about a packet, and how often: a blank last page, a piece of which LlamaCloud is not sure, a page
that no piece holds or that two hold, a split job that fails, a password. Two kinds are cut by hand: of one a page was
missing; of the other, when its pieces are settled already, two letters are made one."""
ENDS = {"missing": "held", "overlapping": "held", "unsplittable": "failed", "locked": "held"}
"""Kind -> way of a packet that is not cut."""
HANDS = ("mended", "merged")
MARK = re.compile(rb"% chaos ([\d.]+)")
PAGE = (200, 280)


@dataclass(frozen=True, slots=True)
class Piece:
    """One letter of a packet."""

    pages: tuple[int, ...]
    way: str
    sure: str = "high"
    """LlamaCloud's ``confidence_category``, or "by hand": where it is not sure, or a person was, no job is created."""

    @property
    def doubted(self) -> bool:
        """Whether a person must decide."""
        return self.sure == "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet(Letter):
    """A packet. ``way`` is that of the packet itself; ``pieces`` are those it must be cut into, () when it is not."""

    number: int
    kind: str
    page_count: int
    pieces: tuple[Piece, ...]
    said: tuple[Piece, ...]
    """What the split job says."""
    first: tuple[Piece, ...] = ()
    """What it was cut into before a person cut it anew."""
    hand: tuple[str, ...] = ()
    """How a person cuts it: what is said to ``mailroom recut``,"""
    when: str = ""
    """once it is held in review, or cut and all its pieces are settled."""

    @property
    def judged(self) -> bool:
        return self.kind != "locked"

    @property
    def doubted(self) -> bool:
        """Whether a person must look at it, or at one of its pieces."""
        return self.kind == "mended" or self.way == "held" or any(item.doubted for item in self.pieces)

    @property
    def withdrawn(self) -> tuple[Piece, ...]:
        """The pieces that a person's cut did away with; what they delivered stays."""
        return tuple(item for item in self.first if item not in self.pieces)

    def mark(self, page: int) -> str:
        """What is on this page, and on no other one."""
        return f"{self.number}.{page}"


def dealt(rng: random.Random) -> Iterator[str]:
    """Kinds of packets, for ever: as often as KINDS says, and each of them before long."""
    deck = rng.sample(list(KINDS), counts=list(KINDS.values()), k=sum(KINDS.values()))
    return cycle(deck)


def packet(number: int, kind: str, rng: random.Random) -> Packet:
    """The packet of this number and kind: two or three letters of one or two pages."""
    pieces = list(_pieces(rng))
    count, blank = pieces[-1].pages[-1], 0
    said = pieces
    if kind == "blank":
        count, blank = count + 1, count + 1
        pieces = [*pieces[:-1], replace(pieces[-1], pages=(*pieces[-1].pages, blank))]
    if kind == "doubtful":
        said = pieces = [replace(pieces[0], sure="low"), *pieces[1:]]
    if kind in ("missing", "mended"):
        said = pieces[1:]
    if kind == "overlapping":
        said = [pieces[0], replace(pieces[1], pages=(1, *pieces[1].pages)), *pieces[2:]]
    plain = Packet(
        name=f"packet {number}.pdf",
        content=_pdf(number, count, blank=blank, locked=kind == "locked"),
        way=ENDS.get(kind, "packet"),
        number=number,
        kind=kind,
        page_count=count,
        pieces=() if kind in ENDS else tuple(pieces),
        said=tuple(said),
    )
    return _by_hand(plain) if kind in HANDS else plain


def _by_hand(packet: Packet) -> Packet:
    """The packet as a person cuts it: the first letter is of a type that is said, or the first two are one letter."""
    item, other, *rest = packet.pieces
    if packet.kind == "mended":
        typed = Piece(item.pages, "letter", "by hand")
        hand = (f"{_spans(item)}=letter", *map(_spans, (other, *rest)))
        return replace(packet, pieces=(typed, other, *rest), hand=hand, when="held")
    said = (replace(item, way="invoice"), replace(other, way="contract"), *rest)  # two types, so that it is classified
    merged = Piece((*item.pages, *other.pages), "letter")
    hand = ("--merge", f"{item.pages[0]}-{other.pages[-1]}")
    return replace(packet, pieces=(merged, *rest), said=said, first=said, hand=hand, when="cut")


def _spans(piece: Piece) -> str:
    return spans(piece.pages).replace(" ", "")


def _pieces(rng: random.Random) -> Iterator[Piece]:
    ways = {way: share for way, share in SHARES.items() if way != "failed"}
    first = 1
    for _ in range(rng.randint(2, 3)):
        last = first + rng.randint(0, 1)
        (way,) = rng.choices(list(ways), list(ways.values()))
        yield Piece(tuple(range(first, last + 1)), way)
        first = last + 1


def _pdf(number: int, pages: int, *, blank: int, locked: bool) -> bytes:
    """Each page says its number, but for the blank one; each has its mark, where nobody sees it."""
    with pikepdf.new() as pdf, io.BytesIO() as written:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        fonts = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
        for page in range(1, pages + 1):
            made = pdf.add_blank_page(page_size=PAGE)
            made.Resources = fonts
            text = "" if page == blank else f"BT /F1 12 Tf 40 200 Td (Packet {number}, page {page}) Tj ET"
            made.Contents = pdf.make_stream(f"% chaos {number}.{page}\n{text}".encode())
        lock = pikepdf.Encryption(user="nobody", owner="knows")
        pdf.save(written, **({"encryption": lock} if locked else {"deterministic_id": True}))
        return written.getvalue()


def marks(content: bytes) -> tuple[str, ...]:
    """The marks on the pages of this PDF."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        found = (MARK.search(page.Contents.read_bytes()) for page in pdf.pages)
        return tuple(item.group(1).decode() if item else "?" for item in found)


def answers(packets: Sequence[Packet]) -> dict[str, dict[str, Any]]:
    """What the sandbox's judge says of the packets, and of their pieces under the names that these are given."""
    return dict(chain.from_iterable(map(_answers, packets)))


def _answers(packet: Packet) -> Iterator[tuple[str, dict[str, Any]]]:
    if packet.kind == "unsplittable":
        yield packet.sha256, {"error": "The document could not be taken apart"}
    else:
        whole = [
            item for item in packet.pieces if len(item.pages) == packet.page_count
        ]  # it has the packet's own bytes
        segments = [_segment(item) for item in packet.said]
        yield packet.sha256, {"segments": segments, **(_verdict(whole[0]) if whole else {})}
    for item in {*packet.pieces, *packet.first}:
        yield f"packet {packet.number}-p{spans(item.pages)}.pdf", _verdict(item)


def _verdict(piece: Piece) -> dict[str, Any]:
    type_, sure = ANSWERS[piece.way]
    return {"type": type_, "confidence": sure}


def _segment(piece: Piece) -> dict[str, Any]:
    category = ANSWERS[piece.way][0] or "uncategorized"
    return {"category": category, "pages": piece.pages, "confidence": piece.sure}
