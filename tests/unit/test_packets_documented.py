"""docs/packets.md says what becomes of each kind of thing in a packet, and the tests hold it to that."""

from pathlib import Path

from tests.shapes import AROUND, FEATURES

PAGE = Path(__file__).parents[2] / "docs" / "packets.md"
ROWS = {
    "text, pictures, forms, patterns, shadings, masks, fonts with drawn glyphs": {
        *("picture", "form", "bare_form", "form_in_form", "pattern", "shading", "glyphs", "drawn_glyph", "mask"),
        *("inline", "odd", "stray"),
    },
    "notes, stamps, links into the world": {"stamp", "shared_stamp", "direct_note", "notes"},
    "links to other pages": {"links", "named_link"},
    "form fields": {"field", "kid", "choice"},
    "layers": {"layer"},
    "files attached to a page or to a note on it": {"attachment", "associated"},
    "files embedded in the packet, such as the XML of an e-invoice": {"files"},
    "metadata and thumbnail of a page": {"metadata", "thumb"},
    "outlines, page labels, named destinations": {"outlines", "labels"},
    "structure tree, articles": {"structure", "articles"},
    "information and metadata of the packet, private data of programs": {"information", "private"},
    "scripts and actions of the packet and its pages": {"script", "action"},
    "signatures": {"signature"},
}
"""Row of the table -> what tests/shapes.py makes of it; tests/integration/test_pieces_of_shapes.py holds each to it."""
STAYING = {*AROUND, "private"}


def test_the_table_tells_of_everything_that_a_packet_may_hold() -> None:
    told = _table("in the packet")
    assert set(told) == set(ROWS)
    assert sorted(what for things in ROWS.values() for what in things) == sorted({*FEATURES, *AROUND})
    for row, things in ROWS.items():
        stays = "stay with the packet" in told[row] or "named on the packet's record" in told[row]
        assert stays == (things <= STAYING), row


def _table(head: str) -> dict[str, str]:
    """The rows of the table whose first column has this head."""
    lines = PAGE.read_text().splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows: dict[str, str] = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        what, becomes = (cell.strip() for cell in line.strip("|").split("|"))
        rows[what] = becomes
    return rows
