"""Text from pictures of text, by the program tesseract if it is installed.

A dense page takes some seconds of a core; so a scan is only recognised when the sandbox was started with `--ocr`.
"""

import os
import shutil
import subprocess

from llamacloud_sandbox.unreadable import Unreadable

DOTS_PER_INCH = 200  # what office scanners use; more takes longer and recognises little better
SECONDS_PER_PICTURE = 120
NOT_INSTALLED = (
    "This is a scan, and OCR needs the program tesseract, which isn't installed "
    "(Debian and Ubuntu: apt-get install tesseract-ocr; macOS: brew install tesseract)."
)


def installed() -> bool:
    """Whether the program tesseract can be found."""
    return shutil.which("tesseract") is not None


def recognised(picture: bytes) -> list[str]:
    """The text on each page of a picture file (PNG, JPEG, TIFF, PGM, ...). Raises `Unreadable`."""
    if not installed():
        raise Unreadable(NOT_INSTALLED)
    try:
        # More threads per process make tesseract slower, not faster, once every core has a page.
        done = subprocess.run(
            ["tesseract", "stdin", "stdout"],
            input=picture,
            capture_output=True,
            timeout=SECONDS_PER_PICTURE,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(f"Recognising the text of a page took more than {SECONDS_PER_PICTURE} seconds.") from error
    except subprocess.CalledProcessError as error:
        raise Unreadable("The picture is damaged or of a kind that tesseract can't read.") from error
    pages = done.stdout.decode("utf-8", "replace").split("\f")
    return [page.strip() for page in pages[:-1] or pages]
