"""What Mailroom puts on the disk is its user's alone, whatever the umask; a setting opens it to the group."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from llamacloud_sandbox.testing import start_sandbox
from tests.processes import TABLE, free_port, ran, running, until, working
from tests.servers import ROOT

LETTERS = ("invoice-harbour-freight.pdf", "contract-mutual-nda.pdf")
FOUND = {"mailroom.db", "mailroom.db-wal", "mailroom.db-shm", "spool", "out", "copy"}
"""What must be there to be looked at."""


@pytest.fixture
def careless() -> Iterator[None]:
    """A shell that lets everybody do everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The mode of each file and folder below, but for what the test itself put there."""
    ours = {"mailroom.yaml", "serve.log"}
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in folder.rglob("*")
        if path.name not in ours
    }


@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize(
    ("access", "file", "directory"), [("none", 0o600, 0o700), ("read", 0o640, 0o750), ("write", 0o660, 0o770)]
)
def test_everything_that_is_made_is_for_its_user_or_for_the_group_that_was_asked_for(
    access: str, file: int, directory: int, tmp_path: Path
) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    with start_sandbox("--instant") as sandbox:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        env = working(LLAMA_CLOUD_BASE_URL=sandbox.url, MAILROOM_PUBLIC_URL=address, MAILROOM_GROUP_ACCESS=access)
        with running(tmp_path, "serve", "--port", str(port), env=env):
            samples = [str(ROOT / "samples" / name) for name in LETTERS]
            submitted = ran(tmp_path, "submit", *samples, "--wait", env=env)
            assert submitted.code == 0, submitted.err
            until(lambda: len(list(tmp_path.glob("out/**/*.mailroom.json"))) == len(LETTERS), "both are filed")
            copied = ran(tmp_path, "backup", "copy", env=env)
            assert copied.code == 0, copied.err
            found = modes(tmp_path)
    assert {name.partition("/")[0] for name in found} >= FOUND
    wrong = {name: oct(mode) for name, mode in found.items() if mode not in (file, directory)}
    assert wrong == {}
    assert {mode for name, mode in found.items() if (tmp_path / name).is_file()} == {file}
    assert {mode for name, mode in found.items() if (tmp_path / name).is_dir()} == {directory}


def test_a_wrong_word_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    refused = ran(tmp_path, "documents", env=working(MAILROOM_GROUP_ACCESS="everybody"))
    assert refused.code == 2
    assert "MAILROOM_GROUP_ACCESS=everybody" in refused.err
