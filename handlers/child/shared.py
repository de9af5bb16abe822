"""One child for many short questions: it answers them in turn, and ends when none is waiting."""

import asyncio
import contextlib
from typing import Any

from handlers.child.process import Child, Children


class SharedChild:
    """Starts the child for the first question. After ``most`` questions a new child replaces it, which frees leaked
    memory."""

    def __init__(self, children: Children, module: str, *, most: int) -> None:
        self._children, self._module, self._most = children, module, most
        self._one_by_one = asyncio.Lock()
        self._child: Child | None = None
        self._running = contextlib.AsyncExitStack()
        self._answered = 0
        self.waiting = 0
        """Unanswered questions, including the one that the child is working on."""

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The child's answer. Raises ReaderDied, and Transient if it cannot be started."""
        self.waiting += 1
        try:
            async with self._one_by_one:
                return await self._ask(question)
        finally:
            self.waiting -= 1

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        goes_on = False
        try:
            if self._child is None:
                self._child = await self._running.enter_async_context(self._children.started(self._module))
                self._answered = 0
            answer = await self._child.ask(question)
            self._answered += 1
            goes_on = self.waiting > 1 and self._answered < self._most and "refused" not in answer
            return answer
        finally:
            if not goes_on:
                self._child = None
                await self._running.aclose()
