"""How fast a packet is cut, and in how much memory: ``python -m benchmarks.cut [--pages 1000] [--mb 300] [--piece 5]``.

The packet is made for it: each page a picture of noise, which nothing can compress, under a line of text. It is cut as
the product cuts it, by the child process, and each piece is kept in a spool on disk. Beside the figures stands what
merely writing the same bytes to the same disk takes, because that is what one waits for, and what it takes without a
child; and how many packets of ten small pages are cut one after the other, with a child for each and without.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pikepdf

from handlers.child.process import Children
from handlers.pdf.child_cutter import ChildCutter
from receiver.ports import Cutter
from receiver.store.spool import FolderSpool
from tests.pdf_fixtures import NearCutter

MB = 1024 * 1024
SMALL = 20
"""Small packets, one after the other."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--mb", type=int, default=300, help="size of the packet")
    parser.add_argument("--piece", type=int, default=5, help="pages of a piece")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-") as name:
        # In processes of their own: Linux counts the memory that a process had when it started a child as the child's.
        for step in ("make_packet", "measure", "measure_small", "measure_near"):
            call = f"from benchmarks.cut import *; {step}(Path({name!r}), {given.pages}, {given.mb}, {given.piece})"
            subprocess.run([sys.executable, "-c", call], check=True)
        found = json.loads(Path(name, "found.json").read_text())
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):50} {value:>12,}")


def measure(folder: Path, pages: int, megabytes: int, piece: int) -> None:
    """Writes the figures: pages a second, and the peak memory of the process that cuts and of the one that asks."""
    _found(folder, asyncio.run(_measured(ChildCutter(Children()), folder, pages, piece)))


def measure_small(folder: Path, pages: int, megabytes: int, piece: int) -> None:
    """Adds how many small packets are cut a second, each by a child and without one."""
    (folder / "small").mkdir()
    make_packet(folder / "small", 10, 1, 5)
    for name, cutter in (("in_children", ChildCutter(Children())), ("without", NearCutter())):
        begun = time.perf_counter()
        for _ in range(SMALL):
            asyncio.run(_measured(cutter, folder / "small", 10, 5))
        _found(folder, {f"small_packets_per_second_{name}": round(SMALL / (time.perf_counter() - begun), 1)})


def measure_near(folder: Path, pages: int, megabytes: int, piece: int) -> None:
    """Adds what the large packet takes without a child, and the memory that then grows in the asking process."""
    found = asyncio.run(_measured(NearCutter(), folder, pages, piece))
    names = ("seconds", "pages_per_second", "asking_process_peak_grew_by_mb")
    _found(folder, {f"{name}_without_a_child": found[name] for name in names})


def _found(folder: Path, figures: dict[str, float]) -> None:
    at = folder / "found.json"
    at.write_text(json.dumps((json.loads(at.read_text()) if at.exists() else {}) | figures))


async def _measured(cutter: Cutter, folder: Path, pages: int, piece: int) -> dict[str, float]:
    packet = folder / "packet.pdf"
    spool, limit = FolderSpool(folder / "spool"), 512 * MB
    before = _peak(resource.RUSAGE_SELF)
    begun = time.perf_counter()
    async with cutter.opened(packet) as opened:
        assert opened.count == pages
        ready = time.perf_counter() - begun
        for wanted in _pieces(pages, piece):
            at = folder / "piece.pdf"
            await opened.cut(wanted, at)
            await spool.keep(at, limit=limit, owner=lambda sha256: f"doc_{sha256}")
    seconds = time.perf_counter() - begun
    return {
        "packet_mb": round(packet.stat().st_size / MB),
        "pages": pages,
        "pieces": len(list(_pieces(pages, piece))),
        "seconds_to_open": round(ready, 2),
        "seconds": round(seconds, 2),
        "pages_per_second": round(pages / seconds),
        "cutting_process_peak_mb": _peak(resource.RUSAGE_CHILDREN),
        "asking_process_peak_grew_by_mb": round(_peak(resource.RUSAGE_SELF) - before, 1),
        "seconds_to_write_the_same_bytes": round(await asyncio.to_thread(_written, packet, folder), 2),
    }


def make_packet(folder: Path, pages: int, megabytes: int, piece: int) -> None:
    """Makes the packet."""
    side = int((megabytes * MB / pages) ** 0.5)
    chance = random.Random(1)
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1,
                                                    BaseFont=pikepdf.Name.Helvetica))  # fmt: skip
        for number in range(pages):
            page = pdf.add_blank_page(page_size=(595, 842))
            noise = pdf.make_stream(chance.randbytes(side * side), Type=pikepdf.Name.XObject, Width=side, Height=side,
                                    Subtype=pikepdf.Name.Image, BitsPerComponent=8,
                                    ColorSpace=pikepdf.Name.DeviceGray)  # fmt: skip
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font), XObject=pikepdf.Dictionary(Im=noise))
            text = f"q 500 0 0 500 50 50 cm /Im Do Q BT /F1 12 Tf 50 700 Td (page {number + 1}) Tj ET"
            page.Contents = pdf.make_stream(text.encode())
        pdf.save(folder / "packet.pdf", compress_streams=False, static_id=True)


def _pieces(pages: int, piece: int) -> Iterator[range]:
    return (range(first, min(first + piece, pages + 1)) for first in range(1, pages + 1, piece))


def _peak(who: int) -> float:
    """Peak resident memory in MB; Linux counts it in KB."""
    return round(resource.getrusage(who).ru_maxrss / 1024, 1)


def _written(packet: Path, folder: Path) -> float:
    begun = time.perf_counter()
    with packet.open("rb") as source, (folder / "copy").open("wb") as copy:
        while chunk := source.read(MB):
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
