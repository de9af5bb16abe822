"""The post: hands letters in at ``POST /documents`` until each is acknowledged, some of them twice, in any order."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from typing import Any

import httpx

from tests.chaos.evidence import KEY
from tests.chaos.letters import Letter
from tests.chaos.packets import Packet

LANES = 4
TWICE = 0.1
"""The share of letters that are handed in twice, at about the same time."""


class Post:
    """``acknowledged`` maps the id that a 202 gave to the letter that it was given for; ``handed_in`` has checksums."""

    def __init__(self, url: str, token: str, rng: random.Random, *, sandbox: str = "", by_id: float = 0.0) -> None:
        self._sandbox = sandbox
        self._by_id = by_id
        self.vendor_ids: dict[str, str] = {}
        """Checksum of a letter that somebody gave LlamaCloud before -> its id there."""
        self._url = f"{url}/documents"
        self._rng = rng
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False)
        self.handed_in: set[str] = set()
        self.acknowledged: dict[str, Letter] = {}
        self.acknowledged_at: dict[str, float] = {}
        """Document id -> when it was first acknowledged, on the monotonic clock."""
        self.refused: list[str] = []

    async def hand_in(self, letters: Sequence[Letter], *, seconds: float, until: float) -> None:
        """Hands them in, spread over about so many seconds; begins with none after ``until`` on the monotonic clock."""
        for item in letters:
            if not isinstance(item, Packet) and self._rng.random() < self._by_id:
                self.vendor_ids[item.sha256] = await self._given_to_llamacloud(item)
        twice = [item for item in letters if self._rng.random() < TWICE]
        every = self._rng.sample([*letters, *twice], len(letters) + len(twice))
        lanes = [every[lane::LANES] for lane in range(LANES)]
        pause = seconds / max(1, len(every) // LANES)
        await asyncio.gather(*(self._lane(lane, pause, until) for lane in lanes))

    async def _lane(self, letters: Sequence[Letter], pause: float, until: float) -> None:
        for letter in letters:
            if time.monotonic() > until:
                return
            await self._insist(letter)
            await asyncio.sleep(pause * 2 * self._rng.random())

    async def _insist(self, letter: Letter) -> None:
        """Until it is acknowledged: whoever is not answered hands in again, as anybody would."""
        self.handed_in.add(letter.sha256)
        url = f"{self._url}?packet=true" if isinstance(letter, Packet) else self._url
        vendor_id = self.vendor_ids.get(letter.sha256)
        by_bytes: dict[str, Any] = {"files": {"file": (letter.name, letter.content)}}
        given = {"json": {"file_id": vendor_id, "name": letter.name}} if vendor_id else by_bytes
        while True:
            try:
                answer = await self._client.post(url, **given)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 202:
                (document,) = answer.json()["documents"]
                self.acknowledged[document["document_id"]] = letter
                self.acknowledged_at.setdefault(document["document_id"], time.monotonic())
                return
            if answer.status_code < 500:
                self.refused.append(f"{letter.name} was answered {answer.status_code}: {answer.text}")
                return
            await asyncio.sleep(0.2)

    async def _given_to_llamacloud(self, letter: Letter) -> str:
        """The id of the letter's file at LlamaCloud, uploaded by somebody who is no part of Mailroom."""
        url, key = f"{self._sandbox}/api/v1/files", {"Authorization": f"Bearer {KEY}"}
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                answer = await self._client.post(url, headers=key, files={"file": (letter.name, letter.content)})
                return str(answer.raise_for_status().json()["id"])
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        await self._client.aclose()
