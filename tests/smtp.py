"""A small SMTP server for tests (RFC 5321, RFC 4954): it keeps the mails it takes, and refuses what it is told to."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """``login`` is user and password that must be given; ``answers`` replaces the answer to a verb."""

    port: int = 0
    login: tuple[str, str] | None = None
    answers: dict[str, str] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    """Address -> the answer to RCPT for it."""
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    silent: bool = False
    """It takes a mail, and goes away without a word."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        try:
            await self._say(writer, "220 ready")
            while line := (await reader.readline()).decode().strip():
                verb = line.split(" ")[0].split(":")[0].upper()
                await self._say(writer, await self._answer(verb, line, reader, writer))
                if verb == "QUIT":
                    return
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _answer(self, verb: str, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        if verb in self.answers:
            return self.answers[verb]
        if verb == "EHLO":
            return "250-here\r\n250 AUTH PLAIN" if self.login else "250 here"
        if verb == "AUTH":
            _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            return "235 in" if (user, password) == self.login else "535 wrong user or password"
        if verb == "RCPT":
            address = line.partition("<")[2].partition(">")[0]
            if address in self.refuses:
                return self.refuses[address]
            self.recipients.append(address)
        if verb == "DATA":
            await self._say(writer, "354 go on")
            mail = await reader.readuntil(b"\r\n.\r\n")
            self.mails.append(mail.removesuffix(b"\r\n.\r\n"))
            if self.silent:
                raise ConnectionResetError
        return "221 bye" if verb == "QUIT" else "250 taken"

    async def _say(self, writer: asyncio.StreamWriter, answer: str) -> None:
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def a_mailbox() -> AsyncIterator[Mailbox]:
    """A running SMTP server on a free port."""
    mailbox = Mailbox()
    server = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mailbox
