"""The receiver's real application, and the rules that each answer is held to."""

import json
from pathlib import Path
from typing import Any

from receiver.core.change import Write
from receiver.http.app import create_app
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
        self._app = create_app(an_app(folder, store=self._store, max_body=50_000, max_upload=50_000))

    async def try_(self, case: Case) -> tuple[int, str]:
        """The status that came (0 for none), and which rule was broken, "" for none."""
        before = self._store.changes
        status, headers, body = await self._ask(case)
        return status, self._wrong(case, status, headers, body, self._store.changes - before)

    def _wrong(self, case: Case, status: int, headers: list[tuple[bytes, bytes]], body: bytes, kept: int) -> str:
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

    async def _ask(self, case: Case) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        messages = iter(case.messages())
        answer: list[Any] = [0, [], b""]

        async def receive() -> dict[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer[0], answer[1] = message["status"], message["headers"]
            else:
                answer[2] += message.get("body", b"")

        await self._app(case.scope(), receive, send)
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
