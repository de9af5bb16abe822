"""A piece holds its own pages only, and all of them, whatever pages share with each other and with the packet."""

from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers.pdf.source import SourcePdf
from tests.shapes import AROUND, FEATURES, RESOURCES, Shape, made, marks, shapes


def pieces_of(content: bytes, cuts: Sequence[Sequence[int]], folder: Path) -> list[bytes]:
    """The packet cut so."""
    (folder / "packet.pdf").write_bytes(content)
    source = SourcePdf(folder / "packet.pdf")
    found = []
    for pages in cuts:
        source.cut(pages, folder / "piece.pdf")
        found.append((folder / "piece.pdf").read_bytes())
    source.close()
    return found


def shown(content: bytes, page: int) -> tuple[str, bytes]:
    """Text and picture of a page, with what is typed into its fields."""
    with pypdfium2.PdfDocument(content) as document:
        document.init_forms()
        there = document[page - 1]
        picture = there.render(scale=1, may_draw_forms=True).to_pil()
        return there.get_textpage().get_text_range(), picture.tobytes()


def check(shape: Shape, cuts: Sequence[Sequence[int]], folder: Path) -> None:
    packet = made(shape)
    every = marks(packet)
    pieces = pieces_of(packet, cuts, folder)
    assert pieces == pieces_of(packet, cuts, folder), "the same pages give the same bytes"
    for pages, piece in zip(cuts, pieces, strict=True):
        if len(pages) == len(shape.pages):
            continue  # the packet itself, as it came
        there = marks(piece)
        assert {item for item in there if item[0] == "OWN"} == {
            item for item in every if item[0] == "OWN" and item[1] in pages
        }
        assert {page for _, page, _ in there} <= set(pages)
        for place, page in enumerate(pages, start=1):
            assert shown(piece, place) == shown(packet, page)


@st.composite
def cut_packets(draw: st.DrawFn) -> tuple[Shape, list[list[int]]]:
    """A packet, and a cut of it: each page in one piece, neighbours or not."""
    shape = draw(shapes())
    piece_of = draw(st.lists(st.integers(0, 2), min_size=len(shape.pages), max_size=len(shape.pages)))
    cuts = [[at + 1 for at, item in enumerate(piece_of) if item == piece] for piece in sorted(set(piece_of))]
    return shape, cuts


EVERYTHING = Shape((frozenset(FEATURES),) * 3, "shared", frozenset(AROUND))


@settings(max_examples=60)
@given(cut_packets())
@example((EVERYTHING, [[1], [2, 3]]))
def test_a_piece_holds_its_own_pages_and_nothing_of_others(
    tmp_path_factory: pytest.TempPathFactory, given: tuple[Shape, list[list[int]]]
) -> None:
    check(*given, tmp_path_factory.mktemp("cut"))


@pytest.mark.parametrize("resources", RESOURCES)
@pytest.mark.parametrize("feature", FEATURES)
def test_what_a_page_has_goes_with_it_and_with_no_other(feature: str, resources: str, tmp_path: Path) -> None:
    check(Shape((frozenset({feature}),) * 3, resources), [[1], [2], [3]], tmp_path)


@pytest.mark.parametrize("what", AROUND)
def test_what_the_packet_has_besides_its_pages_stays_with_it(what: str, tmp_path: Path) -> None:
    check(Shape((frozenset({"picture", "links", "field"}),) * 2, "shared", frozenset({what})), [[1], [2]], tmp_path)
