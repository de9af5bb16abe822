"""The fault schedule of a run: which faults LlamaCloud and AWS have now. They change every few seconds, by its seed."""

import asyncio
import random
from collections import Counter
from typing import Any

import httpx

from tests.chaos.line import CALM, Line, Trouble

SECONDS = 5.0
FAIR_LLAMACLOUD: dict[str, Any] = {
    "duplicate": 0.1,
    "new_event_id": 0.1,
    "reorder": {"probability": 0.1, "seconds": 0.5},
    "delay": {"probability": 0.05, "seconds": 2},
    "drop": 0.15,
    "early_event": {"probability": 0.1, "seconds": 1},
    "data_id_only": 0.1,
    "wrong_signature": 0.03,
    "rate_limit": 0.04,
    "server_error": 0.04,
    "slow": {"probability": 0.02, "seconds": 4},
    "cut": 0.04,
    "stuck_job": 0.02,
    "failed_job": {"probability": 0.03, "message": "Service temporarily unavailable"},
    "expired_file": 0.01,
}
FAIR_AWS = Trouble(refused=0.04, cut_before=0.03, cut_after=0.03, late=0.01)
SPELLS: dict[str, tuple[dict[str, Any], Trouble]] = {
    "mixed": (FAIR_LLAMACLOUD, FAIR_AWS),
    "no event arrives": (FAIR_LLAMACLOUD | {"drop": 1}, FAIR_AWS),
    "out of credits": (FAIR_LLAMACLOUD | {"payment_required": {"next": 3, "method": "POST"}}, FAIR_AWS),
    "a firewall and a refused key": (
        FAIR_LLAMACLOUD | {"forbidden": {"next": 5}, "unauthorized": {"next": 5, "path": "/api/v2/classify"}},
        FAIR_AWS,
    ),
    "LlamaCloud is failing": (
        FAIR_LLAMACLOUD | {"server_error": {"probability": 0.4, "status": 503}, "rate_limit": 0.2},
        FAIR_AWS,
    ),
    "a bad line to LlamaCloud": (FAIR_LLAMACLOUD | {"cut": 0.3}, FAIR_AWS),
    "AWS is failing": (FAIR_LLAMACLOUD, Trouble(refused=0.5)),
    "a bad line to AWS": (FAIR_LLAMACLOUD, Trouble(cut_before=0.15, cut_after=0.25, late=0.03)),
}


class FaultSchedule:
    """Changes the faults of the sandbox at ``sandbox`` and of the line to AWS."""

    def __init__(self, sandbox: str, line: Line, rng: random.Random, *, webhooks: bool) -> None:
        self._sandbox = sandbox
        self._line = line
        self._rng = rng
        self._webhooks = webhooks
        self.seen: list[str] = []
        self.struck: Counter[str] = Counter()

    async def change(self) -> None:
        """Changes for ever, every spell once before one comes again."""
        while True:
            for spell in self._rng.sample(list(SPELLS), len(SPELLS)):
                self.seen.append(spell)
                await self._set(*SPELLS[spell])
                await asyncio.sleep(SECONDS)

    async def clear(self) -> dict[str, int]:
        """No faults from now on, but for the webhooks, when there are none in this run; how often each struck."""
        await self._set({}, CALM)
        return dict(self.struck)

    async def _set(self, llamacloud: dict[str, Any], aws: Trouble) -> None:
        faults = llamacloud if self._webhooks else {**llamacloud, "drop": 1}
        self._line.trouble = aws
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{self._sandbox}/_sandbox/faults"
            before = (await client.get(url)).raise_for_status().json()["faults"]
            (await client.put(url, json=faults)).raise_for_status()
        self.struck.update({name: item["struck"] for name, item in before.items() if item["struck"]})
