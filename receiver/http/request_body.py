"""The body of an event while it arrives: it is verified piece by piece, and held only while it may still be proven.

One limit for the process bounds the bytes that all requests hold together. Whoever sends much, in however many
requests, gets 503 with ``Retry-After``, and takes no room from those who send as little as LlamaCloud does.
"""

from receiver.core.event import Inbound
from receiver.core.verify import Proving
from receiver.http.problems import ErrorReply
from receiver.http.reply import Receive

SMALL = 16 * 1024
"""Bytes of a body such as LlamaCloud sends, which is some hundred to two thousand, with room to grow."""

TOO_MANY = ErrorReply(503, "busy", "too many request bodies at once; retry later", ((b"retry-after", b"1"),))


class BodyRefused(Exception):
    """A request that is refused before its body is read."""

    def __init__(self, problem: ErrorReply) -> None:
        super().__init__(problem.code)
        self.problem = problem


class SenderGone(Exception):
    """The sender closed the connection: nobody waits for a response."""


class BodyBudget:
    """The bytes of bodies that are held: arriving, or there and not answered yet."""

    def __init__(self, limit: int, *, spare: int) -> None:
        """``limit`` for all together, of which bodies over SMALL leave ``spare`` to the others."""
        self._limit = limit
        self._spare = spare
        self.now = 0

    def take(self, size: int, *, of: int) -> bool:
        """Counts ``size`` more bytes of a body that has ``of`` by now, unless there is no room for them."""
        if self.now + size > (self._limit if of <= SMALL else self._limit - self._spare):
            return False
        self.now += size
        return True

    def give_back(self, size: int) -> None:
        self.now -= size


class RequestBody:
    """One body: ``read`` it, and ``let_go`` of it when the request is answered."""

    def __init__(self, proving: Proving, held: BodyBudget, *, limit: int, too_large: ErrorReply) -> None:
        self._proving = proving
        self._held = held
        self._limit = limit
        self._too_large = too_large
        self._wanted = not proving.hopeless
        self._pieces: list[bytes] = []
        self._holds = 0
        self.size = 0
        """Bytes that have come."""

    async def read(self, receive: Receive, inbound: Inbound) -> None:
        """Reads it to its end, and sets ``inbound.verified``. Raises NotAuthentic, Refused, Gone."""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise SenderGone
            piece: bytes = message.get("body", b"")
            self._count(len(piece))
            if self._wanted:
                self._pieces.append(piece)
            self._proving.feed(piece)  # at once: pieces that waited for a thread would be held meanwhile
            more = message.get("more_body", False)
        inbound.verified = self._proving.verified(self._pieces)
        self._pieces.clear()

    def let_go(self) -> None:
        """It is answered."""
        self._pieces.clear()
        self._held.give_back(self._holds)
        self._holds = 0

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self._limit:
            raise BodyRefused(self._too_large)
        if self._wanted:
            if not self._held.take(size, of=self.size):
                raise BodyRefused(TOO_MANY)
            self._holds += size
