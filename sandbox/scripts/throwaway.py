"""What scripts that bring their own tools share: a virtual environment outside git, and a sandbox to test."""

import os
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


def environment(folder: Path, *packages: str) -> Path:
    """The interpreter of a virtual environment in the folder that has these packages; made once."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "complete"
    if not done.exists() or done.read_text() != "\n".join(packages):
        print(f"installing {packages[0]}", flush=True)
        venv.EnvBuilder(with_pip=True, clear=True).create(folder)
        quiet(str(python), "-m", "pip", "install", "-q", *packages)
        done.write_text("\n".join(packages))
    return python


@contextmanager
def sandbox(folder: Path, *arguments: str) -> Iterator[str]:
    """The base URL of a sandbox that runs with these arguments for as long as the block lasts."""
    port_file = folder / f"port-{os.getpid()}"
    command = [our_python(), "-m", "llamacloud_sandbox", "--port-file", str(port_file), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{_port(port_file, process)}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        port_file.unlink(missing_ok=True)


def our_python() -> str:
    """The interpreter that has the sandbox: of a virtual environment here or of the repository, or else this one."""
    ours = (folder / ".venv" / "bin" / "python" for folder in (ROOT, ROOT.parent))
    return next((str(python) for python in ours if python.exists()), sys.executable)


def quiet(*command: str) -> None:
    """Run a command; its output is shown only if it fails, and ends the script then."""
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{outcome.stdout}{outcome.stderr}")


def _port(port_file: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the sandbox stopped with exit code {process.returncode}")
        text = port_file.read_text() if port_file.exists() else ""
        if text.endswith("\n"):
            return int(text)
        time.sleep(0.05)
    raise SystemExit(f"the sandbox was not ready within {START_SECONDS} seconds")
