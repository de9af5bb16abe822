"""Fonts whose glyphs are content streams (Type 3): a glyph may draw a letter, or a signature.

Source: ISO 32000-2, 9.6.4 and 9.6.5.
"""

from collections.abc import Iterable
from typing import Any

from pikepdf import Array, Dictionary, Name

from handlers.pdf.uses import text


def drawn_glyphs(font: Any) -> bool:
    """Whether the font is of Type 3."""
    return (
        isinstance(font, Dictionary)
        and font.get("/Subtype") == Name.Type3
        and isinstance(font.get("/CharProcs"), Dictionary)
    )


def glyph_names(font: Any, codes: set[int]) -> frozenset[str]:
    """The glyphs of the font that these codes show. Glyphs that no code names are included, since any code may show
    them."""
    encoded = _differences(font.get("/Encoding"))
    shown = {name for code, name in encoded.items() if code in codes}
    unnamed = set(font.CharProcs.keys()) - set(encoded.values())
    return frozenset((shown | unnamed) & set(font.CharProcs.keys()) | {"/.notdef"} & set(font.CharProcs.keys()))


def _differences(encoding: Any) -> dict[int, str]:
    """Code -> name of its glyph, from the encoding's differences."""
    named: dict[int, str] = {}
    spelt = encoding.get("/Differences") if isinstance(encoding, Dictionary) else None
    code = 0
    listed: Iterable[Any] = spelt if isinstance(spelt, Array) else ()
    for item in listed:
        match item:
            case Name():
                named[code] = text(item)
                code += 1
            case int():
                code = item
    return named
