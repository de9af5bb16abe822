"""The files that a user's PATHs name."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import click

IGNORED = {".DS_Store", ".gitkeep", ".gitignore", "Thumbs.db", "desktop.ini"}
"""What file managers and git leave in folders; nobody's mail."""


class Given(click.ParamType[Path]):
    """A path as it was given. An empty one is refused: it would mean the folder we are in, and nobody means that."""

    name = "path"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not value:
            self.fail("a path is empty; for the folder you are in, give a dot", param, ctx)
        return Path(str(value))


def files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """The files that these paths name: folders are walked, in order of names.

    What can't be walked or is no file comes too, so that somebody says so (``unreadable``).
    """
    for path in paths:
        if os.path.isdir(path) and not unreadable_folder(path):  # noqa: PTH112 - Path.is_dir raises for a name too long
            yield from sorted(_inside(path))
        else:
            yield path


def _inside(folder: Path) -> Iterator[Path]:
    for inner, folders, names in os.walk(folder):
        yield from (path for path in (Path(inner, name) for name in folders) if unreadable_folder(path))
        yield from (Path(inner, name) for name in names if name not in IGNORED)


def unreadable_folder(folder: Path) -> str:
    """Why the folder can't be read; "" when it can."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return ""


def unreadable(path: Path) -> str:
    """Why the file can't be taken in, before a byte of it is read; "" when nothing speaks against it."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return unreadable_folder(path)
        if not stat.S_ISREG(mode):
            return "it is not a file"  # a pipe or a device may never end
        path.open("rb").close()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except ValueError as error:  # a null byte in the name
        return f"it cannot be read: {error}"
    return ""
