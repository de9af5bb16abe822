"""How many small files a second are taken in, all synced, by how many at a time; ratios to one after another.

Usage: python -m benchmarks.take_in [--files 1000] [--rounds 3] [--folder DIR]
"""

import argparse
import asyncio
import contextlib
import io
import os
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

from receiver.cli import submit
from receiver.load_app import load_app
from receiver.read_settings import from_environ

AT_ONCE = (1, 4, 16)
LETTER = "INVOICE\nInvoice number {n}\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"


async def files_a_second(folder: Path, count: int, at_once: int) -> float:
    mail = folder / "mail"
    mail.mkdir()
    for number in range(count):
        (mail / f"{number}.txt").write_text(LETTER.format(n=f"{folder.name}-{number}"))
    environment = {
        "LLAMA_CLOUD_API_KEY": "llx-not-asked",
        "MAILROOM_CONFIG": str(Path(__file__).parents[1] / "samples" / "mailroom.yaml"),
        "MAILROOM_PUBLIC_URL": "https://mail.example.com",
        "MAILROOM_STORE": f"sqlite:////{str((folder / 'mailroom.db').absolute()).lstrip('/')}",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-take-in",
    }
    with mock.patch.dict(os.environ, environment), mock.patch.object(submit, "AT_ONCE", at_once):
        async with load_app(from_environ()).opened() as app:
            found = sorted(mail.iterdir())
            begun = time.perf_counter()
            taken, refused = await submit.take_in_all(app, found, quiet=True)
            seconds = time.perf_counter() - begun
    assert (len(taken), refused) == (count, [])
    return count / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="in each round (1000)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--folder", default=".", help="where the files are made, so that it is a real disk")
    asked = parser.parse_args()
    rates: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
    with contextlib.redirect_stderr(io.StringIO()):
        for _ in range(asked.rounds):
            for at_once, found in rates.items():
                with tempfile.TemporaryDirectory(prefix="mailroom-take-in-", dir=asked.folder) as folder:
                    found.append(asyncio.run(files_a_second(Path(folder), asked.files, at_once)))
    first = statistics.median(rates[1])
    for at_once, found in rates.items():
        middle = statistics.median(found)
        spread = f"{min(found):.0f} to {max(found):.0f}"
        print(f"{at_once:3} at a time  {middle:7.0f} files/s ({spread})  {middle / first:.2f}x")


if __name__ == "__main__":
    main()
