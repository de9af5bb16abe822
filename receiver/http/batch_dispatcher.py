"""The events of one tick of the event loop are answered together: one task and one wait for the store for all."""

import asyncio
import logging
from collections.abc import Callable

from receiver.core.event import Inbound
from receiver.http.problems import INTERNAL
from receiver.http.reply import Reply
from receiver.http.webhook import WebhookEndpoint

log = logging.getLogger("mailroom.http")


class BatchDispatcher:
    """Collects what arrives until the loop has looked at every connection; nobody waits for a timer."""

    def __init__(self, webhook: WebhookEndpoint) -> None:
        self._webhook = webhook
        self._inbounds: list[Inbound] = []
        self._senders: list[Callable[[Reply], None]] = []
        self._answering: set[asyncio.Task[None]] = set()

    def dispatch(self, inbound: Inbound, sender: Callable[[Reply], None]) -> None:
        """``sender`` is called with the reply when this is kept, or refused; at once where nothing more can be held."""
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
            except Exception:  # this connection's; the others are still to be answered
                log.exception("unhandled_exception")
