"""Reads the body of an event: verifies it piece by piece, and holds it only while it can still prove authentic.

One limit for the process bounds the bytes that all requests hold together. Senders of large bodies get 503 with
``Retry-After``, and leave room for bodies as small as LlamaCloud's.
"""

from receiver.core.event import Inbound
from receiver.core.verify_webhook import Proving
from receiver.http.problems import ErrorReply
from receiver.http.reply import Receive

SMALL = 16 * 1024
"""Bytes up to which a body counts as small. LlamaCloud's have some hundred to two thousand."""

TOO_MANY = ErrorReply(503, "busy", "too many request bodies at once; retry later", ((b"retry-after", b"1"),))


class BodyRefused(Exception):
    """Refuses a request before its body is read."""

    def __init__(self, problem: ErrorReply) -> None:
        super().__init__(problem.code)
        self.problem = problem


class SenderGone(Exception):
    """The sender closed the connection: nobody waits for a response."""


class BodyBudget:
    """Counts the bytes of bodies that are arriving or not answered yet."""

    def __init__(self, limit: int, *, spare: int) -> None:
        """``limit`` is for all bodies together. Bodies over SMALL must leave ``spare`` bytes of it to smaller ones."""
        self._limit = limit
        self._spare = spare
        self.now = 0

    def take(self, size: int, *, of: int) -> bool:
        """Counts ``size`` more bytes of a body that has ``of`` bytes so far. False if there is no room for them."""
        if self.now + size > (self._limit if of <= SMALL else self._limit - self._spare):
            return False
        self.now += size
        return True

    def give_back(self, size: int) -> None:
        self.now -= size


class RequestBody:
    """One body. ``read`` reads it; ``let_go`` frees its bytes when the request is answered."""

    def __init__(self, proving: Proving, held: BodyBudget, *, limit: int, too_large: ErrorReply) -> None:
        self._proving = proving
        self._held = held
        self._limit = limit
        self._too_large = too_large
        self._wanted = not proving.hopeless
        self._pieces: list[bytes] = []
        self._holds = 0
        self.size = 0
        """Bytes that have arrived."""

    async def read(self, receive: Receive, inbound: Inbound) -> None:
        """Reads the whole body, and sets ``inbound.verified``. Raises NotAuthentic, BodyRefused, SenderGone."""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise SenderGone
            piece: bytes = message.get("body", b"")
            self._count(len(piece))
            if self._wanted:
                self._pieces.append(piece)
            self._proving.feed(piece)  # not in a thread: waiting for one would hold the pieces for longer
            more = message.get("more_body", False)
        inbound.verified = self._proving.verified(self._pieces)
        self._pieces.clear()

    def let_go(self) -> None:
        """Frees the bytes, because the request is answered."""
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
