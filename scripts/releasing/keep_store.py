"""Keeps a store that this version wrote, for the tests of later ones: python -m scripts.releasing.keep_store FILE.db.gz

It runs the version against the stand-in: one document delivered, one in review, one whose job is still open.
"""

import gzip
import sys
import tempfile
from pathlib import Path

import httpx

from llamacloud_sandbox.testing import start_sandbox
from tests.command_line import mailroom
from tests.processes import TABLE, free_port, running, until, working

LETTERS = {
    "invoice.txt": "Invoice number 4711\n2 line items\nTotal amount due: 120 EUR\n",
    "recipe.txt": "Knead the flour with butter, and bake the cake for an hour.\n",
}
OPEN = {"contract.txt": "This agreement between the parties is signed below.\n"}


def keep_store(file: Path) -> None:
    """Writes the store to this file, packed."""
    with tempfile.TemporaryDirectory() as made, start_sandbox("--instant") as sandbox:
        folder = Path(made)
        (folder / "mailroom.yaml").write_text(TABLE.replace("deadline: 20 seconds", "deadline: 1 hour"))
        port = free_port()
        env = working(LLAMA_CLOUD_BASE_URL=sandbox.url, MAILROOM_PUBLIC_URL=f"http://127.0.0.1:{port}")
        with running(folder, "serve", "--port", str(port), env=env) as serving:
            _submit(folder, LETTERS, env)
            until(lambda: len(serving.said("event.accepted")) == len(LETTERS), "both events are there")
            until(lambda: _open(folder, env) == 0, "both are settled")
            httpx.put(f"{sandbox.url}/_sandbox/faults", json={"stuck_job": 1}, trust_env=False).raise_for_status()
            _submit(folder, OPEN, env)
            until(lambda: _has_job(folder, env), "the third has a job")
        file.write_bytes(gzip.compress((folder / "mailroom.db").read_bytes(), mtime=0))


def _submit(folder: Path, letters: dict[str, str], env: dict[str, str]) -> None:
    for name, text in letters.items():
        (folder / name).write_text(text)
    done = mailroom(folder, "submit", *letters, env=env)
    assert done.code == 0, done


def _open(folder: Path, env: dict[str, str]) -> int:
    return mailroom(folder, "documents", "state:open", "--json", env=env).out.count('"document_id"')


def _has_job(folder: Path, env: dict[str, str]) -> bool:
    return '"job_id": "cls-' in mailroom(folder, "documents", "contract.txt", "--json", env=env).out


if __name__ == "__main__":
    keep_store(Path(sys.argv[1]))
