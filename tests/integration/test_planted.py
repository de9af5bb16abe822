"""Whoever may put files into a watched folder gets these taken in and no others, whatever they plant, and whenever."""

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from receiver.bootstrap import App
from receiver.cli import inbox as inbox_module
from receiver.cli import watch as watch_module
from receiver.cli.inbox import Inbox
from receiver.cli.paths import LINKED, files
from receiver.cli.submit import take_in_all, take_in_file
from receiver.cli.watch import keep_looking, look
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.pipeline import regular_file
from receiver.pipeline.ingest_file import IngestedFile
from receiver.pipeline.records import every_record
from receiver.pipeline.regular_file import ANOTHERS, open_beneath
from tests.receivers import an_app

pytestmark = pytest.mark.anyio
SECRET = b"%PDF-1.7 the secret of another"
NOBODY = 65534


class Place:
    """A watched folder that an outsider may write to, and one beside it that they may not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inbox = Inbox(root / "inbox", settle_seconds=0.0)
        self.outside = root / "outside"
        for folder in (self.inbox.folder, self.outside):
            folder.mkdir()
        (self.outside / "a.pdf").write_bytes(SECRET)
        self.app = an_app(root)
        self.number = 0
        self.owed: set[bytes] = set()
        """What was put here and not taken away again by who put it."""

    def put(self, name: str) -> None:
        self.number += 1
        letter = b"%%PDF-1.7 letter %d" % self.number
        path = self.inbox.folder / name
        if os.path.lexists(path.parent) and not self.may_write(path.parent):
            return
        self.take_away(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(letter)
        self.owed.add(letter)

    def may_write(self, folder: Path) -> bool:
        return folder.is_dir() and folder.resolve().is_relative_to(self.inbox.folder)

    def take_away(self, name: str) -> None:
        path = self.inbox.folder / name
        if not self.may_write(path.parent):
            return
        self.owed -= {item.read_bytes() for item in files_of(path)}
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()

    def plant(self, name: str, make: Callable[[Path], None]) -> None:
        self.take_away(name)
        path = self.inbox.folder / name
        if self.may_write(path.parent):
            make(path)

    async def look(self) -> None:
        for _ in range(2):
            await look(self.app, self.inbox, asyncio.Event())

    async def taken(self) -> set[bytes]:
        documents = [item async for item in every_record(Document, Query(), self.app.context.store)]
        return {await whole(item, self.app) for item in documents}


async def whole(document: Document, app: App) -> bytes:
    content = await app.context.content(document)
    return b"".join([chunk async for chunk in content.stream()])


def files_of(path: Path) -> list[Path]:
    """The regular files at or below this path, no link followed."""
    if path.is_symlink():
        return []
    found = path.rglob("*") if path.is_dir() else [path]
    return [item for item in found if item.is_file() and not item.is_symlink()]


@pytest.fixture(autouse=True)
def submitted_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def later(app: App, documents: list[Document]) -> None:
        """A worker elsewhere does it."""

    monkeypatch.setattr(watch_module, "submit_now", later)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextlib.contextmanager
def somebodys_place() -> Iterator[Place]:
    """A place of a user to whom a folder can be closed; root is nobody meanwhile."""
    me, root = os.geteuid(), tempfile.mkdtemp()
    if me == 0:
        os.chown(root, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield Place(Path(root))
    finally:
        os.seteuid(me)
        subprocess.run(["chmod", "-R", "u+rwx", root], check=True)
        subprocess.run(["rm", "-rf", root], check=True)


def told(caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """The names that a person was told of, and what."""
    facts = [item.facts for item in caplog.records if item.getMessage() == "watch.skipped"]  # type: ignore[attr-defined]
    return {Path(item["file"]).name: item["error"] for item in facts}


async def test_what_is_no_file_is_told_by_name_and_holds_nothing_up(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.inbox.folder
    (folder / "link.pdf").symlink_to(place.outside / "a.pdf")
    (folder / "folder").symlink_to(place.outside)
    (folder / "device.pdf").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.pdf")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.pdf")
        place.put("letter.pdf")
        await place.look()
    assert told(caplog) == {
        "link.pdf": LINKED,
        "folder": LINKED,
        "device.pdf": LINKED,
        "pipe.pdf": "it is not a file",
        "socket.pdf": "it cannot be read: No such device or address",
    }
    assert await place.taken() == place.owed


async def test_a_mail_is_read_as_it_was_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    mail, path = b"From: ann@a.example\nMessage-ID: <1@a.example>\n\nThe letter.\n", place.inbox.folder / "a.eml"
    path.write_bytes(mail)

    async def swapped(app: App, path: Path, file: BufferedReader, *, packet: bool) -> IngestedFile:
        place.plant("a.eml", lambda path: path.symlink_to(place.outside / "a.pdf"))
        return await take_in_file(app, path, file, packet=packet)

    monkeypatch.setattr(watch_module, "take_in_file", swapped)
    await place.look()
    taken = await place.taken()
    assert mail in taken
    assert SECRET not in taken


PLANTS: dict[str, Callable[["Place"], None]] = {
    "a link": lambda place: place.plant("a.pdf", lambda path: path.symlink_to(place.outside / "a.pdf")),
    "a pipe": lambda place: place.plant("a.pdf", os.mkfifo),
    "a folder": lambda place: place.plant("a.pdf", os.mkdir),
    "nothing": lambda place: place.take_away("a.pdf"),
}


@pytest.mark.parametrize("what", PLANTS)
async def test_a_file_that_becomes_something_else_before_it_is_opened_is_not_opened(
    what: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.inbox, "_is_being_written", lambda _: PLANTS[what](place))
    place.put("a.pdf")
    await place.look()
    assert await place.taken() == set()


async def test_a_folder_on_the_way_that_becomes_a_link_is_not_followed(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def swap(path: Path) -> bool:
        place.plant("sub", lambda path: path.symlink_to(place.outside))
        return False

    monkeypatch.setattr(place.inbox, "_is_being_written", swap)
    place.put("sub/a.pdf")
    await place.look()
    assert await place.taken() == set()
    assert told(caplog) == {"a.pdf": LINKED}


async def test_what_takes_the_place_of_a_file_while_it_is_taken_in_is_taken_in_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = place.inbox.put_away

    def replaced(path: Path, arrived: IngestedFile, was: os.stat_result) -> Path:
        monkeypatch.setattr(place.inbox, "put_away", original)
        place.owed.add(path.read_bytes())
        newer = path.with_name("newer")
        newer.write_bytes(b"%PDF-1.7 the newer one")
        newer.replace(path)
        return original(path, arrived, was)

    monkeypatch.setattr(place.inbox, "put_away", replaced)
    place.put("a.pdf")
    await place.look()
    assert [path.name for path in place.inbox.waiting()] == ["a.pdf"]
    place.inbox._troubles.clear()
    await place.look()
    assert await place.taken() == {*place.owed, b"%PDF-1.7 the newer one"}


@pytest.mark.parametrize("name", ["done", "failed"])
async def test_nothing_is_moved_or_written_where_a_planted_link_leads(
    name: str, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    before = sorted(place.outside.iterdir())
    (place.inbox.folder / name).symlink_to(place.outside)
    place.put("a.pdf")
    (place.inbox.folder / "b.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    await place.look()
    assert sorted(place.outside.iterdir()) == before
    (failed,) = [item.facts for item in caplog.records if item.getMessage() == "watch.failed"]  # type: ignore[attr-defined]
    assert "it is a symbolic link, which is not followed" in failed["error"]
    assert f"/inbox/{name}" in failed["error"]


async def test_a_second_name_for_somebody_elses_file_is_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = place.inbox.folder / "a.pdf", place.inbox.folder / "b.pdf"
    path.write_bytes(SECRET)
    os.link(path, other)
    open_beneath(place.inbox.folder, path).close()  # one's own

    def anothers(descriptor: int, real: Callable[[int], os.stat_result] = os.fstat) -> os.stat_result:
        found = list(real(descriptor))
        found[4] += os.path.isfile(f"/proc/self/fd/{descriptor}") or os.path.isfile(f"/dev/fd/{descriptor}")  # noqa: PTH113
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", anothers)
    with pytest.raises(OSError, match=ANOTHERS):
        open_beneath(place.inbox.folder, path)
    other.unlink()
    open_beneath(place.inbox.folder, path).close()  # theirs, put there by them


async def test_a_folder_that_is_submitted_is_read_without_following_what_lies_in_it(place: Place) -> None:
    folder = place.inbox.folder
    place.put("sub/letter.pdf")
    (folder / "sub" / "link.pdf").symlink_to(place.outside / "a.pdf")
    named = place.root / "named"
    named.symlink_to(folder)
    found = [named / "sub" / "letter.pdf", named / "sub" / "link.pdf"]
    taken, refused = await take_in_all(place.app, found, quiet=True, followed={named})
    assert (len(taken), [item.reason for item in refused]) == (1, [LINKED])
    assert await place.taken() == place.owed
    taken, refused = await take_in_all(place.app, found[1:], quiet=True, followed={found[1]})
    assert (len(taken), refused) == (1, []), "a link that the operator names is followed"


class Sabotaged:
    """The module ``os`` for the code under test: before each call the outsider does something."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in {"open", "rename", "link", "unlink", "mkdir", "stat", "fstat"}:
            return real

        def call(*arguments: Any, **more: Any) -> Any:
            self._act()
            return real(*arguments, **more)

        return call


NAMES = ("a.pdf", "b.zip", "sub/a.pdf", "sub", "done", "failed", "done/a.pdf")
ACTS = st.lists(
    st.none() | st.tuples(st.sampled_from(["put", "away", "link", "folder", "pipe"]), st.sampled_from(NAMES)),
    max_size=60,
)


@settings(max_examples=60)
@example(begin=["a.pdf"], acts=[*[None] * 17, ("put", "a.pdf"), None, None, ("put", "a.pdf")])
@example(begin=["a.pdf"], acts=[*[None] * 18, ("put", "a.pdf"), None, None, ("put", "a.pdf")])
@example(begin=["a.pdf"], acts=[*[None] * 19, ("put", "a.pdf"), None, None, ("put", "a.pdf")])
@given(begin=st.lists(st.sampled_from(["a.pdf", "sub/a.pdf", "b.zip"]), unique=True), acts=ACTS)
async def test_whatever_is_swapped_at_any_moment_nothing_of_others_is_read_or_written_and_no_letter_is_lost(
    begin: list[str], acts: list[tuple[str, str] | None]
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        place, left = Place(Path(folder)), iter(acts)

        def act() -> None:
            if found := next(left, None):
                what, name = found
                if what == "put":
                    place.put(name)
                elif what == "away":
                    place.take_away(name)
                else:
                    to = {"link": place.outside / "a.pdf", "folder": place.outside}
                    plant = os.mkfifo if what == "pipe" else lambda path: path.symlink_to(to[what])
                    place.plant(name, plant)

        for name in begin:
            place.put(name)
        sabotaged = Sabotaged(act)
        for module in (regular_file, inbox_module):
            patch.setattr(module, "os", sabotaged)
        for _ in range(3):
            place.inbox._troubles.clear()
            await place.look()
        patch.undo()
        taken = await place.taken()
        assert SECRET not in taken
        assert {item.name: item.read_bytes() for item in place.outside.iterdir()} == {"a.pdf": SECRET}
        there = {item.read_bytes() for item in files_of(place.inbox.folder)}
        assert place.owed <= taken | there
        if not any(item and item[1].startswith("done") for item in acts):
            assert {item.read_bytes() for item in files_of(place.inbox.folder / "done")} <= taken


def plant(kind: str, path: Path) -> None:
    """Something of this kind, under a name that anybody can give it."""
    match kind:
        case "letter":
            path.write_bytes(b"%PDF-1.7 letter " + os.fsencode(path.name))
        case "empty":
            path.touch()
        case "link":
            path.symlink_to("/")
        case "loop":
            path.symlink_to(path.name)
        case "pipe":
            os.mkfifo(path)
        case "closed":
            path.mkdir(mode=0)
        case "closed file":
            path.touch(mode=0)
        case "list without look":
            path.mkdir()
            (path / "a.pdf").write_bytes(b"%PDF-1.7 letter")
            path.chmod(0o600)
        case "deep":
            with contextlib.ExitStack() as opened:
                here = opened.enter_context(open_folder(path.parent))
                for name in [path.name, *["a" * 250] * 30]:
                    os.mkdir(name, dir_fd=here)
                    here = opened.enter_context(open_folder(name, here))


@contextlib.contextmanager
def open_folder(name: str | Path, beside: int | None = None) -> Iterator[int]:
    opened = os.open(name, os.O_RDONLY, dir_fd=beside)
    try:
        yield opened
    finally:
        os.close(opened)


KINDS = ("letter", "empty", "link", "loop", "pipe", "closed", "closed file", "list without look", "deep")
ANY_NAMES = (
    st.sampled_from([b"\xfe.pdf", b"dir\xff\n", b"\n", b"a\\b.pdf", b"x" * 255, b" ", b"-rf", b"\x1b[2J.pdf"])
    | st.binary(min_size=1, max_size=30).map(lambda name: b"n" + name.replace(b"/", b"").replace(b"\0", b""))
)  # fmt: skip
PLANTED = st.dictionaries(ANY_NAMES, st.sampled_from(KINDS), max_size=5)


@settings(max_examples=25)
@given(planted=PLANTED)
async def test_whatever_lies_there_the_letters_are_taken_in_and_the_rest_is_named(planted: dict[bytes, str]) -> None:
    with somebodys_place() as place, logged() as named:
        place.inbox.ignore = ()
        for name, kind in planted.items():
            plant(kind, place.inbox.folder / os.fsdecode(name))
        place.put("letter.pdf")
        for _ in range(2):
            await place.look()
        left = {item.name for item in place.inbox.folder.iterdir()} - {"done", "failed"}
        assert left == {os.fsdecode(name) for name, kind in planted.items() if kind not in ("letter", "empty")}
        assert left == {item.relative_to(place.inbox.folder).parts[0] for item in named}
        assert place.owed <= await place.taken()
        await take_in_all(place.app, list(files((place.inbox.folder,))), quiet=True, followed={place.inbox.folder})


@contextlib.contextmanager
def logged() -> Iterator[list[Path]]:
    """The files that a person is told of in the log."""
    found: list[Path] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "watch.skipped":
                found.append(Path(record.facts["file"]))  # type: ignore[attr-defined]

    handler = Kept()
    logging.getLogger("mailroom.watch").addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger("mailroom.watch").removeHandler(handler)


async def test_a_watched_folder_that_is_away_for_a_while_is_watched_when_it_is_back(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    away, stop = place.root / "away", asyncio.Event()
    place.inbox.folder.rename(away)
    watching = asyncio.create_task(keep_looking(place.app, place.inbox, stop))
    while "watch.interrupted" not in caplog.messages:  # noqa: ASYNC110 - until a look has failed
        await asyncio.sleep(0.01)
    away.rename(place.inbox.folder)
    place.put("letter.pdf")
    while await place.taken() != place.owed:
        assert not watching.done()
        await asyncio.sleep(0.01)
    stop.set()
    await watching
