"""Finds and opens the files that a user names."""

import os
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from io import BufferedReader
from pathlib import Path

import click

from receiver.core.manifest import SUFFIX, is_manifest
from receiver.pipeline.regular_file import ANOTHERS, LINK, NO_FILE, open_beneath, open_regular

IGNORED = (
    ".DS_Store", "._*", ".gitkeep", ".gitignore", "Thumbs.db", "desktop.ini", "~$*", "*~", ".~lock.*",
    "@eaDir", "@tmp", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".Trash*",
    "*.part", "*.partial", "*.tmp", "*.crdownload", "*.filepart", "*.download", "*.!sync", "*.!ut", "*.swp",
)  # fmt: skip
"""Names of files that file managers, editors, storage devices and unfinished downloads leave in folders."""
MANIFEST_BYTES = 1024 * 1024
DEPTH, PATH_BYTES = 50, 3800
"""Maximum depth and path length of a folder that is searched. System calls accept no path over 4,095 bytes with its
null byte; and somebody could create so many nested folders that no search ends."""
TOO_DEEP = (
    f"it is a folder more than {DEPTH} levels down, or with a path over {PATH_BYTES:,} bytes, "
    "which Mailroom does not search: submit it on its own"
)
LINKED = f"{LINK}: submit its target, or use --follow-symlinks"


class Given(click.ParamType[Path]):
    """A path as it was given. An empty one is refused: it would mean the current folder, and is always a mistake."""

    name = "path"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not value:
            self.fail("a path is empty; for the current folder, give a dot", param, ctx)
        return Path(str(value))


def config_from(path: Path | None) -> str:
    """What named the routing table, for errors about its file: the option --config, or the variable."""
    return "MAILROOM_CONFIG" if path is None else "--config"


class GivenFile(Given):
    """The path of a file that is there."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for a name too long
            self.fail(f"{path} is not a file", param, ctx)
        return path


class GivenFolder(Given):
    """The path of a folder that is there and can be changed."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        if not os.path.isdir(path):  # noqa: PTH112 - the same
            self.fail(f"{path} is not a folder", param, ctx)
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            self.fail(f"{path} is a folder that this user may not change", param, ctx)
        return path


ignore_option = click.option(
    "--ignore",
    multiple=True,
    metavar="PATTERN",
    help="Skip files and folders with these names, instead of the defaults: @eaDir, #recycle, *.part, *~ and others.",
)
follow_option = click.option("--follow-symlinks", is_flag=True, help="Follow symbolic links in folders.")


def files(
    paths: tuple[Path, ...], *, ignore: Collection[str] = IGNORED, follow_symlinks: bool = False
) -> Iterator[Path]:
    """The files that these paths name. Folders are searched, in order of names; a path that is named is never ignored.

    Also yields entries that cannot be searched, are no files, or are links, so that ``opened`` reports them.
    """
    for path in paths:
        if os.path.isdir(path) and not unreadable_folder(path):  # noqa: PTH112 - Path.is_dir raises for a name too long
            yield from sorted(inside(path, ignore=ignore, follow_symlinks=follow_symlinks))
        else:
            yield path


def inside(folder: Path, *, ignore: Collection[str] = IGNORED, follow_symlinks: bool = False) -> Iterator[Path]:
    """The files in a folder and its subfolders. A link is yielded as such; no folder is searched twice."""
    seen: set[tuple[int, int]] = set()
    _first_time(folder, seen)
    top = len(folder.parts)
    for inner, folders, names in os.walk(folder, followlinks=follow_symlinks):
        wanted = [name for name in folders if not is_ignored(name, ignore)]
        yield from (path for path in (Path(inner, name) for name in wanted) if unreadable_folder(path))
        links = [name for name in wanted if not follow_symlinks and os.path.islink(Path(inner, name))]  # noqa: PTH114
        yield from (Path(inner, name) for name in [*links, *names] if not is_ignored(name, ignore))
        folders[:] = [name for name in wanted if name not in links and _first_time(Path(inner, name), seen)]
        is_deep = len(Path(inner).parts) - top >= DEPTH
        far = [name for name in folders if is_deep or len(os.fsencode(Path(inner, name))) > PATH_BYTES]
        yield from (Path(inner, name) for name in far)
        folders[:] = [name for name in folders if name not in far]


def _first_time(folder: Path, seen: set[tuple[int, int]]) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    place = (found.st_dev, found.st_ino)
    fresh = place not in seen
    seen.add(place)
    return fresh


def is_ignored(name: str, patterns: Collection[str]) -> bool:
    """Whether a file or folder of this name is ignored; case does not matter."""
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def unreadable_folder(folder: Path) -> str:
    """Why the folder cannot be read; "" if it can."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return ""


class NotTaken(Exception):
    """This file is not ingested, and why."""


def opened(path: Path, *, root: Path | None = None) -> BufferedReader:
    """The file, opened once for all checks and for reading. Raises NotTaken.

    ``root`` is the folder in which it was found. Others may have put links into that folder, so no link below it is
    followed. Without a root, the user named the file itself, or asked to follow links.
    """
    try:
        file = open_regular(path) if root is None else open_beneath(root, path)
    except OSError as error:
        raise NotTaken(_reason(error, path)) from error
    except ValueError as error:  # a null byte in the name
        raise NotTaken(f"it cannot be read: {error}") from error
    if why := own_output(path, file, root=root):
        file.close()
        raise NotTaken(why)
    return file


def _reason(error: OSError, path: Path) -> str:
    if error.strerror == NO_FILE and path.is_dir():
        return TOO_DEEP  # the only readable folders that are not searched
    if error.strerror in (NO_FILE, ANOTHERS):
        return error.strerror
    return LINKED if error.strerror == LINK else f"it cannot be read: {error.strerror}"


def own_output(path: Path, file: BufferedReader, *, root: Path | None = None) -> str:
    """Why the file must not be submitted: Mailroom itself wrote it. "" otherwise."""
    if path.name.endswith(SUFFIX) and is_manifest(file.read(MANIFEST_BYTES), path.name):
        return "Mailroom wrote it: it is the manifest of a delivered document"
    beside = path.with_name(path.name + SUFFIX)
    if _is_manifest(beside, root):
        return f"Mailroom delivered it: {beside.name} is beside it"
    return ""


def _is_manifest(path: Path, root: Path | None) -> bool:
    try:
        with open_regular(path) if root is None else open_beneath(root, path) as file:
            return is_manifest(file.read(MANIFEST_BYTES), path.name)
    except OSError:
        return False
