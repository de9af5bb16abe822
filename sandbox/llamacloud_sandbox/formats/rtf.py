"""The pages of an RTF file, by striprtf."""

import re
from pathlib import Path

from striprtf.striprtf import rtf_to_text

_PAGE = re.compile(r"\\page(?![a-z])")


def pages(path: Path) -> list[str]:
    """Its text, page by page where its writer has broken it. Raises what striprtf raises for a damaged file."""
    written = path.read_bytes().decode("latin-1")  # RTF is ASCII, and says itself what other bytes stand for
    text: str = rtf_to_text(  # type: ignore[no-untyped-call]
        _PAGE.sub(r"\\'0c", written), errors="replace"
    )
    return [page.replace("|", "\t").strip() for page in text.split("\f")]
