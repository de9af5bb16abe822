"""The demo's processes: sandbox, local AWS and receiver, on free ports and in a temporary folder, which is removed."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from handlers.app import build
from handlers.demo.install import INSTALL
from handlers.demo.local_aws import LocalAws, local_aws
from handlers.demo.samples import TABLE
from receiver.bootstrap import App
from receiver.cli.listeners import Listeners, address_of, listening
from receiver.cli.serve import serve_until
from receiver.config import Config, load
from receiver.core.errors import Misconfigured
from receiver.log import set_up
from receiver.read_settings import from_environ, refuse_unknown
from receiver.settings import Settings
from receiver.stopping import Stopping

ROOT = Path(__file__).parents[2]
SECRETS = {
    "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["a-header-value-of-the-demo"]}',
    "MAILROOM_TOKEN_SECRETS": "a-token-secret-of-the-demo",
    "MAILROOM_SIGNING_SECRETS": "whsec_of-the-demo",
    "MAILROOM_ADMIN_TOKEN": "token-of-the-demo",
    "LLAMA_CLOUD_API_KEY": "llx-demo",
}
"""All three proofs are required. These secrets need not be secret: only this machine can reach the demo."""
EXTRA = {"llamacloud-sandbox": "llamacloud_sandbox", "ministack": "ministack"}
"""Distributions of the extra `demo`, and the module of each."""
DEADLINE_SECONDS = 30.0
"""Seconds until the sweep asks about a job whose event did not come; the default would be too long for a demo."""


@dataclass(frozen=True, kw_only=True)
class DemoEnvironment:
    """The running demo."""

    app: App
    aws: LocalAws
    sandbox: str
    address: str
    page: str
    """Where the operator's side listens."""
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which another ``mailroom`` command uses this demo."""
        settings = self.app.settings
        return {
            **self.aws.env,
            **SECRETS,
            "LLAMA_CLOUD_BASE_URL": self.sandbox,
            "MAILROOM_CONFIG": str(Path(settings.config).absolute()),
            "MAILROOM_PUBLIC_URL": self.address,
            "MAILROOM_DOCUMENTS_URL": self.page,
            "MAILROOM_STORE": settings.store,
        }


@asynccontextmanager
async def demo_environment(port: int) -> AsyncIterator[DemoEnvironment]:
    """Sandbox, local AWS and receiver, started and connected. Raises Misconfigured for a wrong table, port or name."""
    config = _config()
    places = ("127.0.0.1", port), ("127.0.0.1", 0)
    with listening(*places) as listeners, start_sandbox() as ready, local_aws() as aws:
        address, log = address_of(listeners.public), aws.folder / "mailroom.log"
        page = address_of(listeners.operator) if listeners.operator else ""
        with log.open("w", encoding="utf-8") as lines:
            set_up("info", lines)
            settings = _settings(aws.folder, address, page, ready())
            app = build(settings, config=_in_local_aws(config, aws), aws=aws.aws)
            async with app.opened(), _serving(app, listeners):
                yield DemoEnvironment(
                    app=app,
                    aws=aws,
                    sandbox=settings.llama_cloud_base_url,
                    address=address,
                    page=page,
                    log=log,
                )


def require_extra() -> None:
    """Raises Misconfigured if the distributions of the extra `demo` are not installed."""
    if missing := [name for name, module in EXTRA.items() if find_spec(module) is None]:
        raise Misconfigured(
            f"the demo needs {' and '.join(missing)}, not installed",
            fix=INSTALL,
        )


def _config() -> Config:
    """The user's own table, or that of the samples. A misspelt MAILROOM_CONFIG must not show the wrong one."""
    refuse_unknown(os.environ)
    return load(os.environ.get("MAILROOM_CONFIG") or TABLE, os.environ)


def _settings(folder: Path, address: str, page: str, sandbox: str) -> Settings:
    """The demo's settings. They override the environment's, so that nothing leaves this machine."""
    return from_environ(
        {
            **SECRETS,
            "LLAMA_CLOUD_BASE_URL": sandbox,
            "MAILROOM_CONFIG": os.environ.get("MAILROOM_CONFIG") or str(TABLE),
            "MAILROOM_PUBLIC_URL": address,
            "MAILROOM_DOCUMENTS_URL": page,
            "MAILROOM_STORE": f"sqlite:///{folder}/mailroom.db",
            "MAILROOM_SWEEP_SECONDS": "5",
        }
    )


def _in_local_aws(config: Config, aws: LocalAws) -> Config:
    """The table with its topics' ARNs in the local AWS, where all that it names is created."""
    made = aws.make(config.table.targets(), [rule.channel for rule in config.alerts])
    alerts = tuple(replace(rule, channel=made.get(rule.channel, rule.channel)) for rule in config.alerts)
    at_once = replace(config.alerting, wait_seconds=0.0)
    return replace(config, alerts=alerts, alerting=at_once, deadline_seconds=DEADLINE_SECONDS)


@asynccontextmanager
async def _serving(app: App, listeners: Listeners) -> AsyncIterator[None]:
    """Receiver, worker and sweep, ready; they stop as ``mailroom serve`` does."""
    stop, ready = Stopping(), asyncio.Event()
    serving = asyncio.create_task(serve_until(stop, app, listeners, announce=ready.set))
    try:
        await _first(ready.wait(), serving)
        yield
    finally:
        stop.begin()
        await serving


async def _first(waiting: Awaitable[object], serving: "asyncio.Task[None]") -> None:
    """Waits until the server is ready; raises what it raised."""
    ready = asyncio.ensure_future(waiting)
    await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if serving.done():
        await serving


@contextmanager
def start_sandbox() -> Iterator[Callable[[], str]]:
    """Starts the sandbox in a process that stops when we do. The yielded function waits for its address."""
    command = [sys.executable, "-m", "handlers.demo.child", EXTRA["llamacloud-sandbox"]]
    command += ["--json", "--think", "0.2", "--no-limits"]
    command += ["--ocr"] if reads_scans() else []
    with (
        tempfile.TemporaryFile() as errors,
        # Ctrl-C goes to us only: we stop the sandbox.
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, start_new_session=True
        ) as child,
    ):
        try:
            yield lambda: _address(child, errors)
        finally:
            child.terminate()
            _end(child)


def _address(child: "subprocess.Popen[bytes]", errors: IO[bytes]) -> str:
    assert child.stdout is not None
    if not (ready := child.stdout.readline()):
        errors.seek(0)
        raise Misconfigured(f"the sandbox did not start: {errors.read().decode(errors='replace')[-500:]}")
    url: str = json.loads(ready)["url"]
    return url


def _end(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()


def reads_scans() -> bool:
    """Whether a program that reads scanned pages is installed."""
    return shutil.which("tesseract") is not None
