"""The files that a user's PATHs name."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.cli.paths import DEPTH, LINKED, TOO_DEEP, NotTaken, files, opened
from receiver.pipeline.regular_file import open_regular

NOBODY = 65534


def unreadable(path: Path, *, root: Path | None = None) -> str:
    """Why the file is not taken in; "" when it is."""
    try:
        opened(path, root=root).close()
    except NotTaken as why:
        return str(why)
    return ""


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


def test_a_pipe_where_a_manifest_could_lie_is_not_waited_for(tmp_path: Path) -> None:
    """It held up a watched folder for ever, and the end of the process too."""
    (tmp_path / "a.pdf").write_text("mail")
    os.mkfifo(tmp_path / "a.pdf.mailroom.json")
    said: list[str] = []
    looking = threading.Thread(target=lambda: said.append(unreadable(tmp_path / "a.pdf")), daemon=True)
    looking.start()
    looking.join(10)
    assert said == [""]


@pytest.mark.parametrize("name", ["pipe", "folder", "socket", "gone"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    os.mkfifo("pipe")
    Path("folder").mkdir()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(OSError, match=name):
            open_regular(Path(name))


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


def test_links_in_a_folder_are_named_and_not_followed_unless_told(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "mail"
    for path in (outside, folder):
        path.mkdir()
    (outside / "secret.pdf").write_text("secret")
    (folder / "file.pdf").symlink_to(outside / "secret.pdf")
    (folder / "linked").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    listed = list(files((folder,)))
    assert [path.name for path in listed] == ["file.pdf", "linked", "loop"]
    assert {unreadable(path, root=folder) for path in listed} == {LINKED}
    followed = files((folder,), follow_symlinks=True)
    assert [str(path.relative_to(folder)) for path in followed if not unreadable(path)] == [
        "file.pdf",
        "linked/secret.pdf",
    ]
    assert list(files((folder / "file.pdf",))) == [folder / "file.pdf"]


@pytest.mark.parametrize("name", ["@eaDir/a.pdf", "#recycle/b.pdf", "c.pdf.part", "d.pdf~", "E.PDF.Download"])
def test_what_is_nobodys_mail_is_left_out_unless_it_is_named_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mail")
    assert list(files((tmp_path,))) == []
    assert list(files((tmp_path,), ignore=("other",))) == [path]
    assert list(files((path,))) == [path]


def test_what_mailroom_wrote_itself_is_nobodys_mail(tmp_path: Path) -> None:
    delivered, manifest = tmp_path / "a.pdf", tmp_path / "a.pdf.mailroom.json"
    delivered.write_text("mail")
    manifest.write_text('{"delivery_id": "dlv_1", "mailroom": 1}')
    assert unreadable(delivered) == "Mailroom delivered it: a.pdf.mailroom.json is beside it"
    assert unreadable(manifest).startswith("Mailroom wrote it")
    manifest.write_text('{"of": "somebody else"}')
    assert (unreadable(delivered), unreadable(manifest)) == ("", "")


def test_folders_without_end_are_named_and_end_no_walk(tmp_path: Path) -> None:
    """A thousand levels, which cost whoever may make folders nothing, ended the watcher."""
    level, here = tmp_path, os.open(tmp_path, os.O_RDONLY)
    for number in range(1100):
        if number in (DEPTH, DEPTH + 1):
            (level / f"{number}.pdf").write_text("mail")
        os.mkdir("a", dir_fd=here)
        level, above = level / "a", here
        here = os.open("a", os.O_RDONLY, dir_fd=above)
        os.close(above)
    os.close(here)
    reasons = {path.name: unreadable(path, root=tmp_path) for path in files((tmp_path,))}
    assert reasons == {f"{DEPTH}.pdf": "", "a": TOO_DEEP}
    (deeper,) = [path for path in files((tmp_path,)) if path.name == "a"]
    assert next(iter(files((deeper,)))).name == f"{DEPTH + 1}.pdf"
    subprocess.run(["rm", "-rf", tmp_path / "a"], check=True)  # Python's own walk does not go so deep


def test_paths_without_end_are_named_and_end_no_walk(tmp_path: Path) -> None:
    """Thirty folders with long names have a path that no system call takes."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("a" * 250, dir_fd=here)
        above, here = here, os.open("a" * 250, os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)
    (tmp_path / "letter.pdf").write_text("mail")
    reasons = {path.name: unreadable(path, root=tmp_path) for path in files((tmp_path,))}
    assert reasons == {"letter.pdf": "", "a" * 250: TOO_DEEP}
    assert all(len(os.fsencode(path)) < 4096 for path in files((tmp_path,)))
    subprocess.run(["rm", "-rf", tmp_path / ("a" * 250)], check=True)
