"""The receiver's real application, and the rules that each answer is held to."""

import json
from pathlib import Path
from typing import Any

from receiver.core.change import Write
from receiver.http.operator import operator_app
from receiver.http.public import public_app
from receiver.http.stream import ChangeStreams
from receiver.store.memory import MemoryStore
from tests.builders import NOW
from tests.fuzz.cases import Case
from tests.receivers import SECRETS, an_app

GOOD = (200, 202)


class Counting(MemoryStore):
    """A store that knows how many changes it has taken."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.changes = 0

    async def apply(self, *writes: Write) -> None:
        await super().apply(*writes)
        self.changes += 1


class Target:
    """Takes one case after the other."""

    def __init__(self, folder: Path) -> None:
        self._store = Counting()
        app = an_app(folder, store=self._store, max_body=50_000, max_upload=50_000)
        self._asked = 0
        self._public, self._operator = public_app(app), operator_app(app, streams=ChangeStreams(app.context, seconds=0))

    async def try_(self, case: Case) -> tuple[int, str]:
        """The status that came (0 for none), and which rule was broken, "" for none.

        What is not an event is asked of both sides: the public one knows nothing of it.
        """
        before = self._store.changes
        status, _, body = await self._ask(self._public, case)
        wrong = self._wrong(case, status, body, self._store.changes - before)
        if case.is_event or wrong:
            return status, wrong
        if status in GOOD and case.path not in ("/livez", "/readyz"):
            return status, "the public side answers what is the operator's"
        status, _, body = await self._ask(self._operator, case)
        return status, self._wrong(case, status, body, self._store.changes - before)

    def _wrong(self, case: Case, status: int, body: bytes, kept: int) -> str:
        if status == 0:
            return "" if case.hangs_up and not kept else "no answer"
        if status >= 500:
            return f"status {status}"
        if status not in GOOD and kept != len(_told(body).get("documents", [])):
            return f"{kept} changes kept from a request that got {status}"
        if status == 202 and case.is_event and kept != 1:
            return f"{kept} changes kept from an accepted event"
        if case.must_be_kept and status not in GOOD:
            return f"a proven event got {status}: {body!r}"
        if any(secret.encode() in body for secret in SECRETS):
            return "a secret in the answer"
        if status >= 400 and not (case.method == "HEAD" and not body) and not _is_problem(body):
            return f"not an error of our shape: {body[:200]!r}"
        return ""

    async def _ask(self, app: Any, case: Case) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        messages = iter(case.messages())
        answer: list[Any] = [0, [], b""]

        async def receive() -> dict[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer[0], answer[1] = message["status"], message["headers"]
            else:
                answer[2] += message.get("body", b"")

        self._asked += 1
        client = (f"2001:db8:{self._asked >> 16:x}:{self._asked & 0xFFFF:x}::1", 1)  # who guesses tokens is slowed
        await app({**case.scope(), "client": client}, receive, send)
        return answer[0], answer[1], answer[2]


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _is_problem(body: bytes) -> bool:
    error = _told(body).get("error")
    return isinstance(error, dict) and set(error) == {"code", "message"} and all(error.values())
