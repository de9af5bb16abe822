"""Opens a PDF: repairs a damaged one, or refuses it with a reason."""

from pathlib import Path

import pikepdf

from handlers.child.loop import ChildRefusal


def opened_pdf(path: Path) -> tuple[pikepdf.Pdf, bool]:
    """The PDF (repaired if it was damaged), and whether it was undamaged. Raises ChildRefusal."""
    try:
        # Not memory-mapped: mapped pages would count as memory of this process.
        source = pikepdf.open(path, access_mode=pikepdf.AccessMode.stream, suppress_warnings=True)
        count = len(source.pages)
    except pikepdf.PasswordError as error:
        raise ChildRefusal("it is locked with a password") from error
    except pikepdf.PikepdfError as error:
        raise ChildRefusal(f"it cannot be read as a PDF, not even repaired: {plain_error(error, path)}") from error
    if not count:
        source.close()
        raise ChildRefusal("it has no pages")
    return source, not source.get_warnings()


def plain_error(error: Exception, path: Path) -> str:
    """The library's message, without the path of our temporary file."""
    return str(error).replace(str(path), "the file").strip()[:300]
