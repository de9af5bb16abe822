"""Sends an event to the receivers as LlamaCloud does, to find out whether they accept its proofs.

A queue in front of the receivers (docs/deploy-aws.md) acknowledges everything; there only the stored event shows it.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass

from receiver.cli.trigger import send
from receiver.core.event import Event
from receiver.core.ids import event_key
from receiver.core.sample import Proofs, Sample, is_only_queued
from receiver.ports import Store

STORED_WITHIN = 60.0
"""Maximum seconds until a queued event is stored."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe; ``status`` is that of the response."""

    let_in: bool
    status: int
    queued: bool = False


async def probe(
    event_type: str, proofs: Proofs, url: str, store: Store, *, stored_within: float = STORED_WITHIN
) -> ProbeResult:
    """Sends one event of this type. Raises Misconfigured if there is no response, StoreBusy."""
    sample = Sample(event_id=str(uuid.uuid4()), type=event_type, job_id="", timestamp=time.time())
    (answer,) = await asyncio.to_thread(send, sample, proofs, url)
    if not is_only_queued(answer.status_code, answer.text):
        return ProbeResult(answer.is_success, answer.status_code)
    key = event_key(sample.event_id, proofs.document_id if proofs.token_secret else "")
    until = time.monotonic() + stored_within
    while await store.get(Event, key) is None:
        if time.monotonic() >= until:
            return ProbeResult(False, answer.status_code, queued=True)
        await asyncio.sleep(LOOK_SECONDS)
    return ProbeResult(True, answer.status_code, queued=True)
