"""Hostile mail is read by a child with bounds: it ends in time, and takes nobody with it."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from handlers.child.process import Bounds, Children
from handlers.mail.child_reader import ChildMailReader
from receiver.core.errors import Unreadable
from receiver.core.mail import MailBounds, ReadMail
from tests.unit.mail.reading import HEADER, PDF, attached, mail, multi, text

pytestmark = pytest.mark.anyio

MANY = Bounds(memory_bytes=1024**3, at_once=2)
FIELDS = HEADER.partition(b"\r\n")[2]


def deep(levels: int, size: int) -> bytes:
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=B%d\r\n\r\n--B%d\r\n" % (n, n) for n in range(levels))
    return HEADER + heads + b"Content-Type: text/plain\r\n\r\n" + (b"x" * 76 + b"\n") * (size // 77)


async def read(tmp_path: Path, content: bytes, bounds: Bounds = MANY, name: str = "mail.eml") -> tuple[ReadMail, ...]:
    path = tmp_path / name
    path.write_bytes(content)
    async with ChildMailReader(Children(bounds)).opened(path, name=name, bounds=MailBounds()) as found:
        assert all(Path(part.file).read_bytes() for item in found for part in item.parts if part.file)  # noqa: ASYNC240
        return tuple(found)


async def test_a_mail_is_read_with_its_contents_in_files(tmp_path: Path) -> None:
    (found,) = await read(tmp_path, mail(multi("mixed", text("Hello"), attached(PDF, "a.pdf"))))
    assert [(part.name, part.fate.value) for part in found.parts] == [
        ("Our letter.txt", "document"), ("a.pdf", "document"),
    ]  # fmt: skip


HTML = b"Content-Type: text/html\r\n\r\n"
HOSTILE = {
    "quotes in To": HEADER + b"To: " + b'"' * 50_000 + b"\r\n\r\nHello",
    "commas in From": b"From: " + b"," * 80_000 + b"\r\n" + FIELDS + b"\r\nHello",
    "brackets in From": b"From: " + b"(" * 80_000 + b"\r\n" + FIELDS + b"\r\nHello",
    "parameters": HEADER + b"Content-Type: text/plain" + b"; a=b" * 20_000 + b"\r\n\r\nHello",
    "pieces of a parameter": HEADER + b"Content-Type: text/plain" + b"; a*0=b" * 15_000 + b"\r\n\r\nHello",
    "encoded words": HEADER + b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nHello",
    "comments": HEADER + HTML + b"<!--" * 200_000,
    "open tags": HEADER + HTML + b"<a " * 200_000,
    "scripts": HEADER + HTML + b"<script>" * 100_000,
    "sections": HEADER + HTML + b"<![CDATA[" * 100_000,
    "From lines": HEADER + b"\r\n" + b"From a\n\n" * 200_000,
}
TOO_MUCH = {
    "400 parts": HEADER + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n" + b"--B\r\n\r\nx\r\n" * 400 + b"--B--",
    "100,000 parts": HEADER + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n" + b"--B\r\n\r\nx\r\n" * 100_000,
    "99 levels": deep(99, 1_000_000),
    "3,000 mails in mails": HEADER + b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + b"x",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
async def test_what_is_made_to_take_long_is_read_all_the_same(tmp_path: Path, content: bytes) -> None:
    (found,) = await read(tmp_path, content)
    assert found.id == "<1@example.com>"


@pytest.mark.parametrize("content", TOO_MUCH.values(), ids=TOO_MUCH)
async def test_what_is_too_much_is_refused_with_the_reason(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unreadable, match=r"it has more than|nested"):
        await read(tmp_path, content)


async def test_what_takes_more_memory_than_a_child_may_use_is_refused(tmp_path: Path) -> None:
    small = Bounds(memory_bytes=200 * 1024**2, at_once=1)
    with pytest.raises(Unreadable, match="memory limit"):
        await read(tmp_path, mail(attached(bytes(60_000_000), "a.bin")), small)


async def test_an_answer_that_comes_too_late_is_none(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="it took longer than 0 seconds"):
        await read(tmp_path, mail(text("Hello")), Bounds(memory_bytes=1024**3, at_once=1, answer_seconds=0.0))


BUSY = """
import sys
from handlers.child.loop import ChildRefusal
from handlers.mail import __main__ as child

def busy(*arguments):
    while True:
        pass

child.read_mails, child.CPU_SECONDS = busy, 0
try:
    child.mails_in({"read": sys.argv[1], "name": "", "folder": "", "bounds": {}})
except ChildRefusal as refused:
    print(refused)
"""


async def test_what_takes_more_processor_time_than_a_mail_may_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(HEADER)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", BUSY, str(path), stdout=PIPE)
    said, _ = await child.communicate()
    assert said.decode().strip() == "reading it exceeds the CPU time limit for mail"


async def test_while_hostile_mail_is_read_others_get_a_thread_and_a_turn(tmp_path: Path) -> None:
    served = 0

    async def others() -> None:
        nonlocal served
        while True:
            await asyncio.to_thread(time.sleep, 0)
            served += 1

    async def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(Unreadable):
            await read(folder, deep(99, 1_000_000))

    watching = asyncio.create_task(others())
    await asyncio.gather(*map(one, range(8)))
    watching.cancel()
    assert served > 100, "eight mails that hold threads, or the loop, leave none for anybody else"
