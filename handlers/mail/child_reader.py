"""The mail reader: each mail is read by a child process (``python -m handlers.mail``), bounded in memory and time."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from handlers.child.process import Children
from receiver.core.errors import ReaderDied, Unreadable
from receiver.core.mail import MailBounds, ReadMail
from receiver.pipeline.scratch import scratch
from receiver.ports import MailReader


class ChildMailReader:
    """Reads mails in child processes, one for each mail."""

    def __init__(self, children: Children) -> None:
        self._children = children

    @contextlib.asynccontextmanager
    async def opened(self, path: Path, *, name: str, bounds: MailBounds) -> AsyncIterator[Sequence[ReadMail]]:
        with scratch() as folder:
            asked = {"read": str(path), "name": name, "folder": str(folder), "bounds": msgspec.to_builtins(bounds)}
            answer = await self._answer(asked)
            if "refused" in answer:
                raise Unreadable(answer["refused"])
            yield msgspec.convert(answer["mails"], type=tuple[ReadMail, ...])

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One crash may be the fault of another process. A second one with the same mail is the mail's."""
        with contextlib.suppress(ReaderDied):
            return await self._ask(asked)
        try:
            return await self._ask(asked)
        except ReaderDied as error:
            raise Unreadable(str(error)) from error

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        async with self._children.started("handlers.mail") as child:
            return await child.ask(asked)


_: type[MailReader] = ChildMailReader
