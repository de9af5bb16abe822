"""Answers all events of one event loop iteration together, with a single task and a single wait for the store."""

import asyncio
import logging
from collections.abc import Callable

from receiver.core.event import Inbound
from receiver.http.problems import INTERNAL
from receiver.http.reply import Reply
from receiver.http.webhook import WebhookEndpoint

log = logging.getLogger("mailroom.http")


class BatchDispatcher:
    """Collects events until the loop has read every connection; no event waits for a timer."""

    def __init__(self, webhook: WebhookEndpoint) -> None:
        self._webhook = webhook
        self._inbounds: list[Inbound] = []
        self._senders: list[Callable[[Reply], None]] = []
        self._answering: set[asyncio.Task[None]] = set()

    def dispatch(self, inbound: Inbound, sender: Callable[[Reply], None]) -> None:
        """Calls ``sender`` with the reply once the event is stored or refused; at once if its body has no room."""
        size = len(inbound.body)
        if not self._webhook.held.take(size, of=size):
            sender(self._webhook.busy(inbound))
            return
        if not self._inbounds:
            asyncio.get_running_loop().call_soon(self._end)
        self._inbounds.append(inbound)
        self._senders.append(sender)

    def _end(self) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(self._inbounds, self._senders))
        self._inbounds, self._senders = [], []
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, inbounds: list[Inbound], senders: list[Callable[[Reply], None]]) -> None:
        try:
            replies = await self._webhook.answer(inbounds)
        except Exception:
            log.exception("unhandled_exception")
            replies = [Reply.of(INTERNAL)] * len(senders)
        self._webhook.held.give_back(sum(len(item.body) for item in inbounds))
        for sender, reply in zip(senders, replies, strict=True):
            try:
                sender(reply)
            except Exception:  # one connection's fault; the others still get their replies
                log.exception("unhandled_exception")
