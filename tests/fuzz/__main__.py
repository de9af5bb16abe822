"""Throws generated requests at the receiver's real application, in process, and prints how many there were.

What must hold for each: no 5xx; an error is JSON of our shape; nothing is kept from a refused request, and something
from every accepted one; a proven, well-formed event is never refused. A case that breaks a rule is printed whole.

    scripts/fuzz-door [--cases 100000] [--seed N]
"""

import argparse
import asyncio
import collections
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.cases import Case, case
from tests.fuzz.target import Target


async def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz-door", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None, help="repeats a run")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if asked.seed is None else asked.seed
    for name in ("mailroom", "python_multipart"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mailroom-fuzz-") as folder:
        statuses, broken = await run(asked.cases, seed, Target(Path(folder)))
    print(json.dumps({
        "cases": asked.cases, "seed": seed, "seconds": round(time.monotonic() - begun, 1),
        "statuses": dict(sorted(statuses.items())), "broken": len(broken),
    }))  # fmt: skip
    return 1 if broken else 0


async def run(cases: int, seed: int, target: Target) -> tuple[collections.Counter[int], list[Case]]:
    """How often each status came, and the cases that broke a rule."""
    chance = random.Random(seed)
    statuses: collections.Counter[int] = collections.Counter()
    broken: list[Case] = []
    for number in range(cases):
        made = case(chance)
        status, wrong = await target.try_(made)
        statuses[status] += 1
        if wrong:
            broken.append(made)
            print(f"case {number} of seed {seed}: {wrong}\n{made}", file=sys.stderr)
        if number % 10_000 == 9_999:
            print(f"{number + 1} cases, {len(broken)} broken", file=sys.stderr)
    return statuses, broken


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
