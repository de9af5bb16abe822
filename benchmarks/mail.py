"""What it costs to read mail in a child: mails per second with one for each mail, and in this process without.

Usage: python -m benchmarks.mail [--mails 200]

Each mail has a text in two forms, a picture that it shows, and a PDF of 100 KB. The child is what a hostile mail takes
down in place of the process; the ratio is its price. Peak memory is this process's own, after all mails.
"""

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from handlers.child.process import Children
from handlers.mail.child_reader import ChildMailReader
from handlers.mail.read import read_mails
from receiver.core.mail import MailBounds
from tests.unit.mail.reading import PNG, attached, mail, multi, pictured, text

PDF_BYTES = 100_000


def a_mail(number: int) -> bytes:
    html = text(f"<p>Mail {number} <img src='cid:logo@x'></p>", "text/html; charset=utf-8")
    related = multi("related", html, pictured(PNG, "logo.png", "logo@x"), boundary="r")
    both = multi("alternative", text(f"Mail {number}"), related, boundary="a")
    return mail(multi("mixed", both, attached(b"%PDF-1.7 " + os.urandom(PDF_BYTES), "invoice.pdf")))


async def in_children(paths: list[Path]) -> None:
    reader = ChildMailReader(Children())

    async def one(path: Path) -> None:
        async with reader.opened(path, name=path.name, bounds=MailBounds()) as mails:
            assert len(mails[0].parts) == 4

    await asyncio.gather(*map(one, paths))


def in_this_process(paths: list[Path]) -> None:
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            assert len(read_mails(path.read_bytes(), path.name, MailBounds(), Path(folder))[0].parts) == 4


def rate(paths: list[Path], work: Callable[[list[Path]], None]) -> float:
    begun = time.perf_counter()
    work(paths)
    return len(paths) / (time.perf_counter() - begun)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=200)
    count = parser.parse_args().mails
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.eml") for number in range(count)]
        for number, path in enumerate(paths):
            path.write_bytes(a_mail(number))
        few = rate(paths[: count // 10], lambda some: asyncio.run(in_children(some)))
        before = peak_mb()
        children = rate(paths, lambda some: asyncio.run(in_children(some)))
        after = peak_mb()
        here = rate(paths, in_this_process)
    print(
        f"in children        {children:8.1f} mails/s, {Children().bounds.at_once} at once (the first tenth: {few:.1f})"
    )
    print(f"in this process    {here:8.1f} mails/s")
    print(f"the child's price  {1000 / children - 1000 / here:8.1f} ms a mail")
    print(f"peak memory        {after:8.1f} MB, {after - before:+.1f} MB after ten times as many mails")


if __name__ == "__main__":
    main()
