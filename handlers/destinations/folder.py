"""A folder on this machine: the document as a file, and ``<name>.mailroom.json`` beside it.

A file is written under a temporary name in the same folder, synced, and then linked to its own name, which fails if
that exists. So a reader never sees half a document, and nothing is overwritten. A path cannot leave the folder that the
routing table names, not even by a symbolic link.
"""

import asyncio
import errno
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from io import BufferedReader
from itertools import islice
from pathlib import Path

from handlers.destinations import options as options_
from handlers.destinations.folder_read_back import read_stored_file
from handlers.destinations.manifest import SUFFIX, manifest_file, marked_manifest, same_manifest
from handlers.destinations.odd_paths import literal_signs, odd_parts
from receiver.core.delivery_request import CopyMark, DeliveryRequest, StoredCopy
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, DeliveryConflict, DestinationBusy, FileGone, MailroomError, Unroutable
from receiver.core.length import most_bytes, most_bytes_of_a_part
from receiver.core.object_key import template_faults
from receiver.core.plan import Taken, Target
from receiver.pipeline.regular_file import NO_FILE, open_regular, read_until_cancelled, sha256_and_size
from receiver.ports import Destination
from receiver.store.durable_files import MODE, Folders, clear_untouched, sync_file, sync_folder

OPTIONS: tuple[str, ...] = ()
PART_BYTES = 255
"""Maximum bytes of a name between slashes, on every common file system."""
PATH_BYTES = 4095
"""Maximum bytes of a path on Linux. Source: limits.h, PATH_MAX."""
UNFINISHED = ".mailroom-"
FOLDERS_AT_ONCE = 1000
"""Folders that one search for leftovers reads, which takes some milliseconds on a local disk."""
MANIFEST_BYTES = 16 * 1024 * 1024
"""Maximum bytes that are read of an existing manifest."""
SEARCH_EVERY = 3600.0
"""Seconds from the end of one search to the beginning of the next."""


class Folder:
    """The ``folder://`` destination."""

    holds_bytes = True

    def __init__(self) -> None:
        self._folders = Folders()
        self._walks: dict[Path, Iterator[list[Path]]] = {}
        """The position of the search for leftovers."""
        self._searched: dict[Path, float] = {}
        """When a folder was last searched to its end."""

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Writes the document and its manifest, with effect once."""
        path = _path(request)
        await asyncio.to_thread(self._make_room, path)
        sha256, fresh = request.content.sha256, False
        if not (request.again and sha256 and path.is_file()):
            sha256, fresh = await _create(path, request.content.stream(), sha256)
        if not fresh and (there := await _sha256(path)) != sha256:
            raise DeliveryConflict(
                f"{path} holds sha256 {there}; the document is sha256 {sha256}",
                fix="compare the two; remove or rename the file, then: mailroom replay DOCUMENT_ID",
            )
        beside = path.with_name(path.name + SUFFIX)
        await self._write_manifest(beside, request, sha256)
        return Receipt(
            location=f"folder://{path}", checksum=f"sha256:{sha256}", fresh=fresh, manifest=f"folder://{beside}"
        )  # fmt: skip

    async def keep(self, target: Target, name: str, content: bytes) -> str:
        """Writes a file of this name below the target, unless it exists."""
        path = _root(target.url) / name
        await asyncio.to_thread(self._make_room, path)
        await _create(path, _once(content), "")
        return f"folder://{path}"

    def _make_room(self, path: Path) -> None:
        try:
            self._folders.make(path.parent)
        except OSError as error:
            raise _translated(error, path.parent) from error

    async def _write_manifest(self, path: Path, request: DeliveryRequest, sha256: str) -> None:
        content = manifest_file(request, sha256=sha256)
        _, fresh = await _create(path, _once(content), "")
        if not fresh and not same_manifest(await asyncio.to_thread(_read, path), request):
            raise DeliveryConflict(f"{path} is about another document than {request.document.id}")

    async def mark(self, mark: CopyMark) -> None:
        """Replaces the manifest beside the file atomically."""
        path = _manifest_at(mark.url)
        try:
            there = await asyncio.to_thread(_read, path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _translated(error, path) from error
        if (content := marked_manifest(there, mark)) is not None:
            await _replace(path, content)

    async def read_back(self, receipt: Receipt, options: Mapping[str, str]) -> StoredCopy:
        """The file that is there now."""
        path = Path(receipt.location.removeprefix("folder://"))
        beside = Path((receipt.manifest or receipt.location + SUFFIX).removeprefix("folder://"))
        return await read_until_cancelled(lambda is_stopped: read_stored_file(path, beside, is_stopped=is_stopped))

    def faults(self, target: Target) -> list[str]:
        """Templates that could leave their folder, names that no file can have, unknown options."""
        rest = target.url.removeprefix("folder://")
        found = options_.unknown(target.options, OPTIONS)
        if not rest.startswith(("/", "./")):
            return [f"write folder:///absolute/path/ or folder://./relative/path/, not {target.url}", *found]
        wrong = template_faults(rest.removeprefix("./").removeprefix("/"))
        return [*(wrong or _name_faults(rest)), *found]

    def doubts(self, target: Target) -> list[str]:
        """Characters that are literal in a path, and parts that are empty or hard to see."""
        rest = target.url.removeprefix("folder://").removeprefix("./").removeprefix("/")
        return [*literal_signs(rest), *odd_parts(rest)]

    def taken(self, url: str) -> Taken:
        """The file, and its manifest beside it."""
        path = str(Path(url.removeprefix("folder://")).absolute())
        return Taken(place=path, beside=(path + SUFFIX,), tree=True)

    async def probe(self, target: Target) -> list[str]:
        """Whether files can be created in the folder in the way that a delivery does it."""
        root = _root(target.url)
        try:
            await asyncio.to_thread(root.mkdir, parents=True, exist_ok=True)
            trial = root / f"{UNFINISHED}{secrets.token_hex(8)}.probe"
            await _create(trial, _once(b""), "")
            await asyncio.to_thread(trial.unlink)
        except MailroomError as error:
            return [f"{error}; {error.fix}"]
        except OSError as error:
            return [f"{root} cannot be written: {error.strerror}; give Mailroom's user permission to"]
        return []

    async def clear_leftovers(self, target: Target, *, before: float) -> int:
        """Searches a bounded number of folders each time, because there may be one for each document of years."""
        return await asyncio.to_thread(self._clear, _root(target.url), before)

    def _clear(self, root: Path, before: float) -> int:
        if abs(before - self._searched.get(root, 0.0)) < SEARCH_EVERY:
            return 0
        walk = self._walks.setdefault(root, _unfinished(root))
        looked_at = list(islice(walk, FOLDERS_AT_ONCE))
        if len(looked_at) < FOLDERS_AT_ONCE:
            del self._walks[root]
            self._searched[root] = before
        return sum(clear_untouched(files, before) for files in looked_at)


def _name_faults(template: str) -> list[str]:
    """The faults of a template for the paths of files."""
    found = []
    first = template.removeprefix("./").removeprefix("/").partition("/")[0]
    if template.startswith("/") and "{" in first:
        found.append("the folder must be written out: fields may stand in the path under it")
    if first.startswith(("~", "$")):
        found.append(f"{first} is not expanded here: write the whole path, or env:NAME")
    if template.rpartition("/")[2].startswith(UNFINISHED):
        found.append(f"a name that begins with {UNFINISHED} is that of an unfinished file, which the sweep deletes")
    if (whole := most_bytes(template) + len(SUFFIX)) > PATH_BYTES:
        found.append(f"a long file name makes a path of {whole} bytes; {PATH_BYTES} can be: use fewer fields")
    if template.endswith(SUFFIX):
        found.append(f"a name that ends in {SUFFIX} is that of a manifest; use another ending")
    if (size := most_bytes_of_a_part(template, beside=SUFFIX)) > PART_BYTES:
        found.append(
            f"a long file name makes a name of {size} bytes, the manifest's {SUFFIX} among them; file systems take "
            f"{PART_BYTES}: put a slash between the fields"
        )
    return found


def _unfinished(root: Path) -> Iterator[list[Path]]:
    """The unfinished files of one folder after another."""
    for folder, _, names in os.walk(root):
        unfinished = [item for item in names if item.startswith(UNFINISHED) and item.endswith((".part", ".probe"))]
        yield [Path(folder, item) for item in unfinished]


def _root(template: str) -> Path:
    """The folder that the routing table names: the part before the first field, up to a slash."""
    literal = template.removeprefix("folder://").partition("{")[0]
    return Path(literal[: literal.rfind("/") + 1] or "./").absolute()


def _path(request: DeliveryRequest) -> Path:
    """The path of the document. Raises Unroutable if it is outside the target's own folder."""
    delivery = request.document.delivery(request.delivery_id)
    path = Path(request.url.removeprefix("folder://")).absolute()
    root = _root(delivery.to.url) if delivery else path.parent
    inside = path.parent.resolve().is_relative_to(root.resolve())
    if ".." in path.parts or not inside or path.is_symlink():
        raise Unroutable(f"{path} leads out of {root}: `..`, or a symbolic link on the way")
    return path


def _manifest_at(url: str) -> Path:
    return Path(url.removeprefix("folder://") + SUFFIX).absolute()


async def _create(path: Path, chunks: AsyncIterator[bytes], sha256: str) -> tuple[str, bool]:
    """The SHA-256 of the content, and whether it was written: False when a file with this name exists."""
    temporary = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}.part")
    try:
        try:
            written = await _write(temporary, chunks)
            if sha256 and written != sha256:
                raise FileGone(f"{path}: the bytes read are sha256 {written}; the received document was {sha256}")
            return written, await asyncio.to_thread(_link, temporary, path)
        finally:
            await asyncio.to_thread(temporary.unlink, missing_ok=True)
    except OSError as error:
        raise _translated(error, path) from error


async def _replace(path: Path, content: bytes) -> None:
    """Replaces an existing file by one with this content."""
    temporary = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}.part")
    try:
        try:
            await _write(temporary, _once(content))
            await asyncio.to_thread(temporary.replace, path)
            await asyncio.to_thread(sync_folder, path.parent)
        finally:
            await asyncio.to_thread(temporary.unlink, missing_ok=True)
    except OSError as error:
        raise _translated(error, path) from error


async def _write(path: Path, chunks: AsyncIterator[bytes]) -> str:
    running = hashlib.sha256()
    descriptor = await asyncio.to_thread(os.open, path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE)
    with os.fdopen(descriptor, "wb") as file:
        async for chunk in chunks:
            running.update(chunk)
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(sync_file, file)
    return running.hexdigest()


def _link(temporary: Path, path: Path) -> bool:
    """Whether the file got its name now. An existing file of this name is synced: it may be the same document."""
    try:
        os.link(temporary, path)
        fresh = True
    except FileExistsError:
        _sync_there(path)
        fresh = False
    sync_folder(path.parent)
    return fresh


def _sync_there(path: Path) -> None:
    """Syncs an existing file: its writer may have died before it synced it."""
    with _opened(path) as file:
        os.fsync(file.fileno())


async def _sha256(path: Path) -> str:
    def read(is_stopped: Callable[[], bool]) -> str:
        with _opened(path) as file:
            return sha256_and_size(file, is_stopped)[0]

    try:
        return await read_until_cancelled(read)
    except OSError as error:
        raise _translated(error, path) from error


def _read(path: Path) -> bytes:
    """The existing manifest, or the beginning of a file that is too long to be one."""
    with _opened(path) as file:
        return file.read(MANIFEST_BYTES)


def _opened(path: Path) -> BufferedReader:
    """The existing file. Raises DeliveryConflict if it is not a regular file, because a pipe would never end."""
    try:
        return open_regular(path)
    except OSError as error:
        if error.strerror != NO_FILE:
            raise
        fix = "remove or rename it, then: mailroom replay DOCUMENT_ID"
        raise DeliveryConflict(f"{path} is not a file, but is at the document's destination", fix=fix) from error


def _translated(error: OSError, path: Path) -> MailroomError:
    reason = f"{path} cannot be written: {error.strerror}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AccessDenied(reason, fix="give Mailroom's user permission to write there, on a file system "
                                      "with hard links; then: mailroom replay --parked")  # fmt: skip
    if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV):
        return Unroutable(reason)
    return DestinationBusy(reason)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


_: type[Destination] = Folder
