"""Outlook messages for tests: a compound file (MS-CFB) of streams in folders, and the properties of a message in it."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

Node = Union[bytes, "Folder"]
FREE, END = 0xFFFFFFFF, 0xFFFFFFFE
SECTOR, MINI, CUTOFF = 512, 64, 4096


class Folder(dict[str, Node]):
    """A storage: names of streams (bytes) and of storages within it."""


@dataclass
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    child: int = FREE
    right: int = FREE
    start: int = END


@dataclass
class _Chains:
    """Sectors of one size, and the table that says which follows which."""

    size: int
    sectors: list[bytes] = field(default_factory=list)
    table: list[int] = field(default_factory=list)

    def add(self, content: bytes) -> int:
        pieces = [content[at : at + self.size].ljust(self.size, b"\0") for at in range(0, len(content), self.size)]
        if not pieces:
            return END
        start = len(self.sectors)
        self.sectors += pieces
        self.table += [*range(start + 1, start + len(pieces)), END]
        return start


def compound(root: Folder) -> bytes:
    """The compound file, of version 3; each folder's entries are chained to the right, which any reader follows."""
    entries = [_Entry("Root Entry", 5)]
    _list(root, entries, entries[0])
    large, small = _Chains(SECTOR), _Chains(MINI)
    for entry in entries[1:]:
        if entry.kind == 2:
            entry.start = (large if len(entry.content) >= CUTOFF else small).add(entry.content)
    entries[0].content = b"".join(small.sectors)
    entries[0].start = large.add(entries[0].content)
    mini_table = large.add(_table(small.table))
    directory = large.add(b"".join(map(_record, entries)))
    fat_at = len(large.sectors)
    count = (fat_at + 1 + 126) // 127
    table = _table([*large.table, *[0xFFFFFFFD] * count])
    large.add(table)
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0,
        len(table) // SECTOR, directory, 0, CUTOFF, mini_table, len(small.table) // 128 + 1, END, 0, fat_at,
    )  # fmt: skip
    more = struct.pack("<I", FREE) * ((SECTOR - len(header)) // 4)
    fats = b"".join(struct.pack("<I", fat_at + number) for number in range(1, len(table) // SECTOR))
    return header + fats + more[len(fats) :] + b"".join(large.sectors)


def _table(numbers: list[int]) -> bytes:
    content = b"".join(struct.pack("<I", item) for item in numbers)
    return content + struct.pack("<I", FREE) * (-len(content) % SECTOR // 4)


def _list(folder: Folder, entries: list[_Entry], parent: _Entry) -> None:
    before: _Entry | None = None
    for name, node in sorted(folder.items(), key=lambda item: (len(item[0]), item[0])):
        entry = _Entry(name, 1) if isinstance(node, Folder) else _Entry(name, 2, bytes(node))
        if before is None:
            parent.child = len(entries)
        else:
            before.right = len(entries)
        entries.append(entry)
        if isinstance(node, Folder):
            _list(node, entries, entry)
        before = entry


def _record(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    size = 0 if entry.kind == 1 else len(entry.content)
    start = 0 if entry.kind == 1 else entry.start
    return struct.pack(
        "<64sHBBIII36xIQ", name, len(name) + 2, entry.kind, 1, FREE, entry.right, entry.child, start, size
    )


def message(
    texts: Mapping[int, str], *attachments: Folder, html: bytes = b"", header_bytes: int = 32, compressed: bytes = b""
) -> Folder:
    """The storage of a message with these text properties (id -> text). Source: MS-OXMSG 2."""
    folder = properties(texts, {0x1013: html, 0x1009: compressed}, header_bytes=header_bytes)
    folder |= {f"__attach_version1.0_#{number:08X}": item for number, item in enumerate(attachments)}
    return Folder(folder)


def attachment(name: str, content: bytes | None = None, *, inner: Folder | None = None, cid: str = "") -> Folder:
    """The storage of an attachment: bytes, a message within, or neither."""
    folder = properties({0x3707: name, 0x3712: cid}, {0x3701: content or b""}, header_bytes=8)
    if inner is not None:
        folder["__substg1.0_3701000D"] = inner
    return folder


def properties(texts: Mapping[int, str], blobs: Mapping[int, bytes], *, header_bytes: int) -> Folder:
    folder, listed = Folder(), b""
    values = [(key, 0x1F, text.encode("utf-16-le")) for key, text in texts.items() if text]
    values += [(key, 0x102, blob) for key, blob in blobs.items() if blob]
    for key, kind, value in values:
        folder[f"__substg1.0_{key:04X}{kind:04X}"] = value
        listed += struct.pack("<HHIII", kind, key, 6, len(value) + 2 * (kind == 0x1F), 0)
    mask = struct.pack("<HHIII", 3, 0x340D, 6, 0x40000, 0)
    folder["__properties_version1.0"] = bytes(header_bytes) + mask + listed
    return folder
