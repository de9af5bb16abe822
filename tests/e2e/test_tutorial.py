"""The tutorial, run as it is written: every command of docs/tutorial.md, one shell, in order."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

WAIT = """
until_up() {
    for _ in $(seq 600); do
        python3 -c "import socket; socket.create_connection(('127.0.0.1', $1)).close()" 2>/dev/null && return
        sleep 0.1
    done
    exit 9
}
"""


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"), re.DOTALL)


def script(sandbox_port: int, port: int, operator: int) -> str:
    """The blocks as one script, on free ports; a server that was started is waited for, and stopped at the end."""
    text = "\n".join(f"{block}\n{waits(block, sandbox_port, port)}" for block in blocks())
    text = text.replace("8090", str(sandbox_port)).replace("8080", str(port))
    text = f"export MAILROOM_OPERATOR_ADDRESS=127.0.0.1:{operator}\n{text.replace('8081', str(operator))}"
    return f"set -eu\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{WAIT}\n{text}\necho; mailroom balance --json"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def waits(block: str, sandbox_port: int, port: int) -> str:
    if "mailroom sandbox" in block:
        return f"until_up {sandbox_port}"
    return f"until_up {port}" if "mailroom serve" in block else ""


def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    ours = ("MAILROOM_", "AWS_", "LLAMA_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script(free_port(), free_port(), free_port())],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    filed = {path.relative_to(tmp_path / "filed").parts[0] for path in (tmp_path / "filed").rglob("*.pdf")}
    assert filed == {"invoice", "unsorted", "contract"}
    assert '"review": 0' in done.stdout
