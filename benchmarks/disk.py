"""How fast the disk is that the other benchmarks write to: synced writes into one file, by size."""

import argparse
import os
import statistics
import tempfile
import time

FILE_BYTES = 64 << 20
SIZES = (4 << 10, 64 << 10, 1 << 20, 4 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each size (2)")
    parser.add_argument("--folder", help="on this disk; else where temporary files are")
    asked = parser.parse_args()
    with tempfile.TemporaryFile(dir=asked.folder) as file:
        file.write(bytes(FILE_BYTES))
        file.flush()
        os.fsync(file.fileno())
        print(f"{'KB':>6} {'median ms':>10} {'p99 ms':>7} {'MB/s':>7}")
        for size in SIZES:
            took = _syncs(file.fileno(), size, asked.seconds)
            p99 = sorted(took)[int(len(took) * 0.99)]
            rate = size * len(took) / sum(took) / 1e6
            print(f"{size >> 10:>6} {statistics.median(took) * 1e3:>10.2f} {p99 * 1e3:>7.1f} {rate:>7.0f}")


def _syncs(file: int, size: int, seconds: float) -> list[float]:
    """What each write of this size took until it was on the disk, in seconds."""
    data, took, offset, until = os.urandom(size), list[float](), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.perf_counter()
        os.pwrite(file, data, offset)
        os.fdatasync(file)
        took.append(time.perf_counter() - begun)
        offset = (offset + size) % (FILE_BYTES - SIZES[-1])
    return took


if __name__ == "__main__":
    main()
