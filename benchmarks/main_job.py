"""The main job against the script that most teams would write: documents a second, and processor time for each.

A folder of text invoices goes to LlamaCloud, and each to a bucket and a queue by its type. Three ways, in interleaved
rounds, at one stand-in and one local AWS: the script (benchmarks/peers/script.py, which keeps nothing),
``mailroom submit`` beside ``mailroom serve``, and one ``mailroom serve`` that is fed by HTTP, both on SQLite.

Usage: python -m benchmarks.main_job --script-python .venv-script/bin/python [--documents 400] [--rounds 5]
       [--latency 40] [--json]
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.line import Line
from handlers.demo.local_aws import LocalAws, local_aws
from llamacloud_sandbox.testing import start_sandbox
from receiver.config import parse

ROOT = Path(__file__).parents[1]
TABLE = """\
classify: {rules: [{type: invoice, description: "an invoice with line items and a total amount due"}]}
routes: [{type: invoice, to: ["s3://main-job/invoices/", "sqs://main-job"]}]
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
"""
LETTER = "INVOICE\nInvoice number {n}\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
TOKEN = "a-token-for-the-main-job"
AT_ONCE = 16
WARM_UP = 20
"""Documents of the round that does not count."""
LONGEST_ROUND = 120.0
STAGES = ("received", "submitted", "decided", "delivered")
"""What the timeline of a document says, in this order; the last one counts where there are several."""


@dataclass
class Measured:
    """A round: how fast it was, what it cost, and by when half of the documents had come so far."""

    seconds: float
    cpu_seconds: float
    documents: int
    resident_mb: float
    stages: dict[str, float] = field(default_factory=dict)
    """Documents a second from the round's beginning to the last one of the stage."""

    @property
    def rate(self) -> float:
        return self.documents / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds / self.documents * 1000


@dataclass
class Way:
    """One of the ways, running."""

    name: str
    run: Callable[[Path], Measured]
    rounds: list[Measured] = field(default_factory=list)


def main() -> None:
    asked = _arguments()
    with contextlib.ExitStack() as up:
        folder = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="mailroom-main-job-", dir=asked.folder)))
        aws = up.enter_context(local_aws())
        sandbox = up.enter_context(start_sandbox("--instant", "--no-limits"))
        aws.make(parse(TABLE, {}).table.targets())
        Path(folder, "mailroom.yaml").write_text(TABLE)
        seconds = asked.latency / 1000
        cloud, endpoint = ((Line(url, seconds).url if seconds else url) for url in (sandbox.url, aws.endpoint))
        env = _environment(aws, endpoint, cloud)
        ways = [Way("submit beside serve", up.enter_context(beside(folder, env)))]
        ways.append(Way("serve fed by HTTP", up.enter_context(fed(folder, env))))
        if asked.script_python:
            ways.insert(0, Way("script", up.enter_context(script(asked.script_python, env))))
        for number in range(-1, asked.rounds):
            for way in ways:
                mail = _letters(folder, f"{way.name} {number}", asked.documents if number >= 0 else WARM_UP)
                measured = way.run(mail)
                print(f"round {number}, {way.name}: {measured.rate:.1f} documents/s", file=sys.stderr)
                if number >= 0:
                    way.rounds.append(measured)
    shown = _compared(ways)
    print(json.dumps(shown, indent=2) if asked.json else _table(shown))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=400, help="in each round (400)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; one of 20 documents does not (5)")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds that each request takes longer (0)")
    parser.add_argument("--script-python", default="", help="a Python that has what the script needs; else it is out")
    parser.add_argument("--folder", default=".", help="where the files are made, so that it is a real disk")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _letters(folder: Path, name: str, count: int) -> Path:
    name = name.replace(" ", "-")
    mail = folder / name
    mail.mkdir()
    for number in range(count):
        (mail / f"{name}-{number:04}.txt").write_text(LETTER.format(n=f"{name}-{number}"))
    return mail


def _environment(aws: LocalAws, endpoint: str, cloud: str) -> dict[str, str]:
    """No settings of this shell; and bytecode is kept, as an installation has it."""
    left_out = ("MAILROOM_", "AWS_", "LLAMA_", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return kept | aws.env | {
        "AWS_ENDPOINT_URL": endpoint,
        "LLAMA_CLOUD_API_KEY": "llx-main-job",
        "LLAMA_CLOUD_BASE_URL": cloud,
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


@contextlib.contextmanager
def _process(python: str, *arguments: str, env: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen([python, "-m", *arguments], cwd=ROOT, env=env)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


@contextlib.contextmanager
def script(python: str, env: dict[str, str]) -> Iterator[Callable[[Path], Measured]]:
    port = _free_port()
    with (
        _process(python, "benchmarks.peers.script", str(port), "main-job", "main-job", env=env) as pid,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        _until(lambda: client.get("/counts").is_success)

        def run(mail: Path) -> Measured:
            count, before = len(list(mail.iterdir())), client.get("/counts").json()["delivered"]
            begun, cpu, submitted = time.perf_counter(), _cpu_seconds(pid), 0.0
            client.post("/run", json={"folder": str(mail)})
            while (counts := client.get("/counts").json())["delivered"] - before < count and not counts["failed"]:
                if not submitted and counts["submitted"] - before >= count:
                    submitted = time.perf_counter() - begun
                _within(begun, str(counts))
                time.sleep(0.05)
            seconds = time.perf_counter() - begun
            stages = {"submitted": count / (submitted or seconds), "delivered": count / seconds}
            return Measured(seconds, _cpu_seconds(pid) - cpu, count, _resident_mb(pid), stages)

        yield run


@contextlib.contextmanager
def beside(folder: Path, env: dict[str, str]) -> Iterator[Callable[[Path], Measured]]:
    """``mailroom submit`` of a folder, while ``mailroom serve`` runs on the same store."""
    with _serving(folder / "beside.db", env) as server:

        def submit(mail: Path) -> float:
            """Its processor time, the start of Python included."""
            process = subprocess.Popen(
                [sys.executable, "-m", "receiver", "submit", "--json", str(mail)],
                cwd=ROOT, env=server.env, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            return used.ru_utime + used.ru_stime

        yield lambda mail: server.measured(mail, submit)


@contextlib.contextmanager
def fed(folder: Path, env: dict[str, str]) -> Iterator[Callable[[Path], Measured]]:
    """One ``mailroom serve``; the files are uploaded one a request, 16 at a time."""
    with _serving(folder / "fed.db", env) as server, ThreadPoolExecutor(AT_ONCE) as pool:

        def upload(mail: Path) -> float:
            with httpx.Client(base_url=server.operator, headers=_bearer(), trust_env=False, timeout=60) as client:

                def one(path: Path) -> None:
                    client.post("/documents", files={"file": (path.name, path.read_bytes())}).raise_for_status()

                list(pool.map(one, sorted(mail.iterdir())))
            return 0.0

        yield lambda mail: server.measured(mail, upload)


@dataclass
class Serving:
    """A running ``mailroom serve``, and its store to look into."""

    pid: int
    store: Path
    operator: str
    env: dict[str, str]

    def measured(self, mail: Path, send: Callable[[Path], float]) -> Measured:
        """``send`` says how much processor time a process of its own has used."""
        count, before = len(list(mail.iterdir())), self._routed()
        begun, cpu, since = time.perf_counter(), _cpu_seconds(self.pid), time.time()
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(send, mail)
            while (came := self._routed() - before) < count or not sent.done():
                _within(begun, f"{came} of {count} documents are routed")
                time.sleep(0.05)
        seconds = self._last(since) - since
        used = _cpu_seconds(self.pid) - cpu + sent.result()
        return Measured(seconds, used, count, _resident_mb(self.pid), self._stages(since, count))

    def _routed(self) -> int:
        with self._looked() as db:
            return int(db.execute("select documents from tally where what = 'routed'").fetchone()[0])

    def _last(self, since: float) -> float:
        return max(max(marks.values()) for marks in self._marks(since))

    def _stages(self, since: float, count: int) -> dict[str, float]:
        marks = self._marks(since)
        ends = {stage: max(item[stage] for item in marks) for stage in STAGES if all(stage in item for item in marks)}
        return {stage: count / (end - since) for stage, end in ends.items()}

    def _marks(self, since: float) -> list[dict[str, float]]:
        with self._looked() as db:
            rows = db.execute("select json_extract(body, '$.history') from document where taken_in_at >= ?", (since,))
            return [{entry["what"]: entry["at"] for entry in json.loads(row[0])} for row in rows]

    @contextlib.contextmanager
    def _looked(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            yield db


@contextlib.contextmanager
def _serving(store: Path, env: dict[str, str]) -> Iterator[Serving]:
    port, operator = _free_port(), _free_port()
    home = store.with_suffix("")
    home.mkdir()
    store = home / store.name
    whole = env | {
        "MAILROOM_ADMIN_TOKEN": TOKEN,
        "MAILROOM_CONFIG": str(home.parent / "mailroom.yaml"),
        "MAILROOM_JOB_LIMIT": "0",
        "MAILROOM_LOG_LEVEL": "error",
        "MAILROOM_OPERATOR_ADDRESS": f"127.0.0.1:{operator}",
        "MAILROOM_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MAILROOM_STORE": f"sqlite:////{str(store.absolute()).lstrip('/')}",
        "MAILROOM_TOKEN_SECRETS": "a-secret-for-the-main-job",
        "MAILROOM_UPLOAD_LIMIT": "0",
    }
    address = f"http://127.0.0.1:{operator}"
    with _process(sys.executable, "receiver", "serve", "--port", str(port), env=whole) as pid:
        _until(lambda: httpx.get(f"{address}/readyz", trust_env=False).is_success)
        yield Serving(pid, store, address, whole)


def _bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


def _until(up: Callable[[], bool]) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if up():
                return
        time.sleep(0.1)
    raise RuntimeError("it did not start")


def _within(begun: float, so_far: str) -> None:
    if time.perf_counter() - begun > LONGEST_ROUND:
        raise TimeoutError(f"a round took longer than {LONGEST_ROUND:.0f} s: {so_far}")


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process, its threads and the children that it has waited for."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, told[11:15])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _compared(ways: list[Way]) -> list[dict[str, Any]]:
    """Medians, and the medians over the rounds of the ratios to the script in the same round."""
    base = ways[0].rounds
    shown: list[dict[str, Any]] = []
    for way in ways:
        pairs = list(zip(way.rounds, base, strict=True))
        rates = [mine.rate / its.rate for mine, its in pairs]
        costs = [mine.cpu_ms / its.cpu_ms for mine, its in pairs]
        shown.append(
            {
                "way": way.name,
                "documents_per_second": round(statistics.median(item.rate for item in way.rounds), 1),
                "rate_ratio": round(statistics.median(rates), 2),
                "rate_from": round(min(rates), 2),
                "rate_to": round(max(rates), 2),
                "cpu_ms": round(statistics.median(item.cpu_ms for item in way.rounds), 1),
                "cpu_ratio": round(statistics.median(costs), 2),
                "stages": {
                    stage: round(statistics.median(item.stages[stage] for item in way.rounds), 1)
                    for stage in STAGES
                    if all(stage in item.stages for item in way.rounds)
                },
                "resident_mb": [round(item.resident_mb) for item in way.rounds],
            }
        )
    return shown


def _table(shown: list[dict[str, Any]]) -> str:
    lines = [f"{'way':20} {'docs/s':>7} {'ratio':>6} {'from-to':>12} {'cpu ms':>7} {'ratio':>6}  stages, docs/s; MB"]
    for row in shown:
        spread = f"{row['rate_from']}-{row['rate_to']}"
        stages = " ".join(f"{name} {rate}" for name, rate in row["stages"].items())
        lines.append(
            f"{row['way']:20} {row['documents_per_second']:>7} {row['rate_ratio']:>6} {spread:>12} "
            f"{row['cpu_ms']:>7} {row['cpu_ratio']:>6}  {stages}; {row['resident_mb']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
