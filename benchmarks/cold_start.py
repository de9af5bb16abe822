"""From the start of a process to its first answer, under AWS's runtime client: `python -m benchmarks.cold_start`.

Our `receive`, as scripts/package makes it, against a hand-written Starlette and a receiver by the book, each with its
bytecode, on the interpreter that runs this (or --python), interleaved. The ratios are what holds elsewhere: Lambda
gives a processor in proportion to memory, so that its absolute times are several times these. docs/benchmarks.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cold.aws import yes
from tests.lambda_runtime import ROOT, running

HERE = Path(__file__).parent / "cold"
EVENT: dict[str, Any] = json.loads((ROOT / "tests" / "events" / "http_api.json").read_text())
HEADERS = '{"X-Mailroom-Key": ["the-right-header-value"]}'
RECEIVE = {
    "MAILROOM_STORE": "dynamodb://events",
    "MAILROOM_QUEUE": "sqs://doorbell",
    "MAILROOM_WEBHOOK_HEADERS": HEADERS,
}


@dataclass
class Peer:
    """What is started, and what was measured."""

    name: str
    handler: str
    code: Path
    env: dict[str, str]
    zipped: int = 0
    milliseconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory(prefix="mailroom-cold-") as folder:
        place = Path(folder)
        python = runtime(asked.python, place)
        peers = [*ours(place, python), *others(place, python)]
        with yes(place) as aws:
            for _ in range(asked.rounds):
                for peer in peers:
                    measure(peer, aws, place, python)
    print(json.dumps(compared(peers), indent=2) if asked.json else table(peers, python))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter to start; its minor version is Lambda's"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def runtime(python: str, place: Path) -> str:
    """An interpreter with what Lambda's has: boto3 and the runtime client, and nothing of ours."""
    uv("venv", "--python", python, str(place / "runtime"))
    ours = str(place / "runtime" / "bin" / "python")
    uv("pip", "install", "--compile-bytecode", "--python", ours, "boto3", "awslambdaric")
    return ours


def ours(place: Path, python: str) -> list[Peer]:
    """Mailroom's receive, unpacked from its zip; once more with its secrets in Secrets Manager."""
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    arch = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    path = f"{place / 'runtime' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    package = [str(ROOT / "scripts" / "package"), "--stage", "bench", "--arch", arch, "--python", version, "receive"]
    quietly(*package, env={**os.environ, "PATH": path})
    made = ROOT / "build" / "lambda" / f"bench-{version}-{arch}" / "receive.zip"
    code = place / "receive"
    zipfile.ZipFile(made).extractall(code)
    pointed = {**RECEIVE, "MAILROOM_WEBHOOK_HEADERS": "secretsmanager:door#MAILROOM_WEBHOOK_HEADERS"}
    handler = "handlers.functions.receive.handler"
    return [
        Peer("mailroom", handler, code, RECEIVE, made.stat().st_size),
        Peer("mailroom, secrets in AWS", handler, code, pointed, made.stat().st_size),
    ]


def others(place: Path, python: str) -> list[Peer]:
    """The two that it is compared with."""
    wanted = {
        "slim": ["starlette", "mangum"],
        "book": ["fastapi", "mangum", "pydantic", "llama-cloud"],
    }
    return [other(name, packages, place, python) for name, packages in wanted.items()]


def other(name: str, packages: list[str], place: Path, python: str) -> Peer:
    code = place / name
    uv("pip", "install", "--python", python, "--target", str(code), *packages)
    shutil.copyfile(HERE / f"{name}.py", code / "peer.py")
    quietly(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(code))
    made = shutil.make_archive(str(place / f"{name}-zip"), "zip", code)
    return Peer(name, "peer.handler", code, {"KEY": "the-right-header-value"}, Path(made).stat().st_size)


def measure(peer: Peer, aws: dict[str, str], place: Path, python: str) -> None:
    """One start, one event, one answer."""
    before = time.perf_counter()
    with running("bench", {**aws, **peer.env}, place, code=peer.code, python=python, handler=peer.handler) as function:
        answer = function.invoke(EVENT)
        peer.milliseconds.append((time.perf_counter() - before) * 1000)
        assert answer["statusCode"] == 202, answer
        status = Path(f"/proc/{function.process.pid}/status").read_text()
    peak = next(text for text in status.splitlines() if text.startswith("VmHWM"))
    peer.megabytes.append(int(peak.split()[1]) * 1024 / 1e6)


def compared(peers: list[Peer]) -> list[dict[str, Any]]:
    return [
        {
            "name": peer.name,
            "best_ms": round(min(peer.milliseconds), 1),
            "median_ms": round(statistics.median(peer.milliseconds), 1),
            "peak_mb": round(statistics.median(peer.megabytes), 1),
            "zip_mb": round(peer.zipped / 1e6, 2),
            **{
                f"x_{base.name}": [ratio(min, peers[0], base), ratio(statistics.median, peers[0], base)]
                for base in peers[2:]
                if peer is peers[0]
            },
        }
        for peer in peers
    ]


def ratio(of: Any, peer: Peer, base: Peer) -> float:
    return round(float(of(peer.milliseconds) / of(base.milliseconds)), 2)


def table(peers: list[Peer], python: str) -> str:
    """The figures for reading; and no bounds."""
    rows = [f"{'':26} {'best ms':>8} {'median':>8} {'peak MB':>8} {'zip MB':>8}"]
    rows += [
        f"{item['name']:26} {item['best_ms']:8.0f} {item['median_ms']:8.0f}"
        f" {item['peak_mb']:8.1f} {item['zip_mb']:8.2f}"
        for item in compared(peers)
    ]
    for base, bound in zip(peers[2:], (1.10, 0.55), strict=True):
        best, median = ratio(min, peers[0], base), ratio(statistics.median, peers[0], base)
        rows.append(f"mailroom / {base.name}: best {best:.2f}, median {median:.2f} (at most {bound:.2f})")
    return "\n".join(rows)


def uv(*command: str) -> None:
    found = shutil.which("uv", path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    quietly(str(found), *command)


def quietly(*command: str, env: dict[str, str] | None = None) -> None:
    """Runs it; what it says is shown only when it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stderr[-3000:]}")


if __name__ == "__main__":
    main()
