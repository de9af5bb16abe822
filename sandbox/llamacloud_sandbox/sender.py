"""Sends a job's events: 3 attempts, 1 s and 2 s apart, 30 s each, any 2xx is success, and no redelivery after that.

Events of one job start in order (the next one waits until the one before was tried once); deliveries of different jobs
run side by side. The attempts are kept for `GET /_sandbox/deliveries`.
"""

import asyncio
import ipaddress
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from llamacloud_sandbox import envelope
from llamacloud_sandbox.faults import Faults
from llamacloud_sandbox.lanes import Lanes
from llamacloud_sandbox.options import Options
from llamacloud_sandbox.records import ClassifierJob, Hook, Job

KEPT_DELIVERIES = 10_000
CONNECTIONS = 100


@dataclass
class Delivery:
    """One event on its way to one target, with what came back."""

    event_id: str
    event_type: str
    job_id: str
    url: str
    raw: bytes
    headers: list[tuple[bytes, bytes]]
    faults: list[str] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    state: str = "waiting"  # delivered | failed | dropped | blocked
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    def shown(self) -> dict[str, Any]:
        """The delivery as JSON; the user's own header values (often tokens) are left out."""
        public = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers[:5]}
        ours = {n: v for n, v in public.items() if n.startswith(("Content-", "User-", "X-Webhook-", "LC-"))}
        return {
            "event_id": self.event_id,
            "event_type": self.event_type,
            "job_id": self.job_id,
            "url": self.url,
            "state": self.state,
            "faults": self.faults,
            "headers": ours,
            "custom_headers": [n.decode("latin-1") for n, _ in self.headers if n.decode("latin-1") not in ours],
            "body": self.raw.decode(),
            "attempts": self.attempts,
        }


class Sender:
    """The webhook service. Nothing connects before the first delivery; `close` stops all that is under way."""

    def __init__(self, options: Options, faults: Faults, clock: Callable[[], float] = time.time) -> None:
        self._options, self._faults, self._clock = options, faults, clock
        self._lanes = Lanes(CONNECTIONS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: dict[tuple[str, str], asyncio.Event] = {}
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT_DELIVERIES)
        self.counts = {"delivered": 0, "failed": 0, "dropped": 0, "blocked": 0}

    def announce(self, job: Job | ClassifierJob, happening: str) -> None:
        """Tell every subscribed target of the job that this happened; returns at once."""
        event_type = f"{job.product}.{happening}"
        for hook in job.hooks:
            if hook.url and hook.wants(event_type):
                self._send(hook, job.id, event_type)

    async def close(self) -> None:
        """Stop every delivery under way and close the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lanes.close()

    def reset(self) -> None:
        """Stop what is under way and forget what was sent."""
        for task in list(self._tasks):
            task.cancel()
        self._latest.clear()
        self.deliveries.clear()
        self.counts = dict.fromkeys(self.counts, 0)

    def _send(self, hook: Hook, job_id: str, event_type: str) -> None:
        content_faults = [kind for kind in ("data_id_only", "wrong_signature") if self._faults.strikes(kind)]
        delivery = self._composed(hook, job_id, event_type, content_faults)
        self.deliveries.append(delivery)
        if self._strikes("drop", delivery) is not None:
            self._settle(delivery, "dropped")
            return
        before = self._latest.get((job_id, hook.url))
        late, held = self._strikes("delay", delivery), self._strikes("reorder", delivery)
        if held is None:  # a held one is not waited for
            self._latest[job_id, hook.url] = delivery.tried
        self._start(self._deliver(delivery, before, (late or 0.0) + (held or 0.0)))
        for fault in ("duplicate", "new_event_id"):
            if self._strikes(fault, delivery) is not None:
                self._again(hook, delivery, fault)

    def _again(self, hook: Hook, first: Delivery, fault: str) -> None:
        """Send the same happening once more: the very same bytes, or under an event id of its own."""
        if fault == "duplicate":
            second = Delivery(
                first.event_id, first.event_type, first.job_id, hook.url, first.raw, first.headers, [fault]
            )
        else:
            second = self._composed(hook, first.job_id, first.event_type, [fault])
        self.deliveries.append(second)
        self._start(self._deliver(second, first.tried, 0.0))

    def _composed(self, hook: Hook, job_id: str, event_type: str, faults: list[str]) -> Delivery:
        event_id = str(uuid.uuid4())
        data = {"id": job_id} if "data_id_only" in faults else {"id": job_id, "job_id": job_id}
        raw = envelope.body(event_id, event_type, self._clock(), data, hook.output_format)
        secret = hook.secret
        if secret is not None and "wrong_signature" in faults:
            secret = f"not {secret}"
        headers = envelope.headers(event_id, event_type, raw, extra=hook.headers, secret=secret)
        return Delivery(event_id, event_type, job_id, hook.url, raw, headers, faults)

    def _strikes(self, kind: str, delivery: Delivery) -> float | None:
        strike = self._faults.strikes(kind)
        if strike is None:
            return None
        delivery.faults.append(kind)
        return strike.seconds

    def _start(self, delivering: Any) -> None:
        task = asyncio.get_running_loop().create_task(delivering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, before: asyncio.Event | None, wait_seconds: float) -> None:
        try:
            if before is not None:
                await before.wait()
            if wait_seconds:
                await asyncio.sleep(wait_seconds)
            for pause in (0.0, *self._options.retry_delays):
                if pause:
                    await asyncio.sleep(pause)
                if await self._attempt(delivery):
                    return
            self._settle(delivery, "failed")
        finally:
            delivery.tried.set()
            if self._latest.get((delivery.job_id, delivery.url)) is delivery.tried:
                del self._latest[delivery.job_id, delivery.url]

    async def _attempt(self, delivery: Delivery) -> bool:
        """Whether the delivery is over: accepted by the target, or blocked by the guard."""
        if not self._options.allow_loopback and not await _is_public(delivery.url):
            delivery.attempts.append({"at": self._clock(), "error": "target address is not public"})
            self._settle(delivery, "blocked")
            return True
        began = time.perf_counter()
        outcome: dict[str, Any] = {"at": self._clock()}
        try:
            async with self._lanes.one() as lane, asyncio.timeout(self._options.webhook_timeout_seconds):
                request = httpx.Request("POST", delivery.url, content=delivery.raw, headers=delivery.headers)
                response = await lane.handle_async_request(request)
                await response.aread()
            outcome["status"] = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            outcome["error"] = f"{type(error).__name__}: {error}"
        outcome["seconds"] = round(time.perf_counter() - began, 4)
        delivery.attempts.append(outcome)
        delivery.tried.set()
        if 200 <= outcome.get("status", 0) < 300:
            self._settle(delivery, "delivered")
            return True
        return False

    def _settle(self, delivery: Delivery, state: str) -> None:
        delivery.state = state
        delivery.tried.set()
        self.counts[state] += 1


async def _is_public(url: str) -> bool:
    """Whether every address of the URL's host is a public one; a host that has none is not."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return False
    return bool(found) and all(ipaddress.ip_address(each[4][0]).is_global for each in found)
