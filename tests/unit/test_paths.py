"""The files that a user's PATHs name."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.cli.paths import files, unreadable

NOBODY = 65534


def test_a_folder_is_walked_in_order_and_what_file_managers_leave_is_not_mail(tmp_path: Path) -> None:
    for name in ("b.pdf", "a/deep/c.pdf", ".DS_Store", "a/Thumbs.db", ".hidden.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mail")
    found = [str(path.relative_to(tmp_path)) for path in files((tmp_path,))]
    assert found == [".hidden.pdf", "a/deep/c.pdf", "b.pdf"]


def test_what_cannot_be_read_is_found_too_so_that_somebody_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.pdf").symlink_to("/nowhere")
    os.mkfifo(tmp_path / "pipe")
    reasons = {path.name: unreadable(path) for path in files((tmp_path, Path("no/such.pdf"), Path("x" * 5000)))}
    assert reasons["gone.pdf"] == reasons["such.pdf"] == "it cannot be read: No such file or directory"
    assert reasons["pipe"] == "it is not a file"
    assert reasons["x" * 5000] == "it cannot be read: File name too long"
    assert unreadable(Path("a\0b")) == "it cannot be read: embedded null byte"
    assert unreadable(Path("/dev/zero")) == "it is not a file"


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that we may not read; root may, so root is nobody meanwhile."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(me)
    folder.chmod(0o700)


def test_a_folder_that_may_not_be_read_is_named(closed: Path) -> None:
    assert list(files((closed,))) == [closed]
    assert unreadable(closed) == "it cannot be read: Permission denied"


def test_a_file_that_is_fine_has_no_reason(tmp_path: Path) -> None:
    (tmp_path / "fine.pdf").write_text("mail")
    assert unreadable(tmp_path / "fine.pdf") == ""
