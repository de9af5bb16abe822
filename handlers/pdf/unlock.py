"""A PDF without its password."""

from pathlib import Path

import pikepdf

from handlers.child_side import Refused
from handlers.pdf.source import plain


def unlock(path: Path, password: str, to: Path) -> None:
    """Writes the PDF without its password, and otherwise as it is. Raises Refused."""
    try:
        with pikepdf.open(path, password=password, access_mode=pikepdf.AccessMode.stream) as source:
            if not source.is_encrypted:
                raise Refused("it is not locked")
            source.save(to, encryption=False)
    except pikepdf.PasswordError as error:
        raise Refused("this is not its password") from error
    except pikepdf.PikepdfError as error:
        raise Refused(f"it cannot be read as a PDF: {plain(error, path)}") from error
