"""How a document is shown to a person: as pictures of its pages, as text, or as the mail that it is."""

from enum import StrEnum

from receiver.core.media import ENVELOPES, ONE_PAGE, PDF

PAGED = frozenset({PDF, "image/tiff"}) | ONE_PAGE
HTML = frozenset({"text/html", "application/xhtml+xml"})
WRITTEN = frozenset({"application/json", "application/xml", "application/yaml"}) | HTML
TEXT_CHARS = 200_000
"""Of a text that is shown at once."""
WIDTHS = range(16, 2001)
"""Pixels that a picture may be wide."""
USUAL_WIDTH = 1000


class ShownAs(StrEnum):
    """What a person sees of a document."""

    PAGES = "pages"
    TEXT = "text"
    """Of HTML, too: its words, and nothing that runs or loads."""
    MAIL = "mail"


def shown_as(media_type: str) -> ShownAs | None:
    """How a file of this kind is shown; None for one that only its own program shows."""
    if media_type in PAGED:
        return ShownAs.PAGES
    if media_type in ENVELOPES:
        return ShownAs.MAIL
    return ShownAs.TEXT if media_type.startswith("text/") or media_type in WRITTEN else None
