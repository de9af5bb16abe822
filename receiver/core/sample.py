"""A sample event, built and proven as LlamaCloud would: for trying a receiver, and for the checks that we make of ours.

No public sample of a classify or split payload exists; the envelope's four fields are documented, that ``data`` holds
``id`` and ``job_id`` is inferred from other products (reference 2.1, 2.3). ``result`` is an addition of ours, for
receivers that look there; Mailroom does not.
"""

import json
from dataclasses import dataclass
from typing import Any

from receiver.core import token
from receiver.core.verify_webhook import SIGNATURE_HEADER, TOKEN_HEADER, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What to say."""

    event_id: str
    type: str
    job_id: str
    timestamp: float
    result: dict[str, Any] | None = None
    as_string: bool = False
    id_only: bool = False
    """Name the job in ``data.id`` only."""

    def body(self) -> bytes:
        """The request's body, byte for byte."""
        data: dict[str, Any] = {"id": self.job_id} if self.id_only else {"id": self.job_id, "job_id": self.job_id}
        if self.result is not None:
            data["result"] = self.result
        envelope = {
            "event_id": self.event_id,
            "event_type": self.type,
            "timestamp": self.timestamp,
            "data": data,
        }
        text = json.dumps(envelope, separators=(",", ":"))
        return (json.dumps(text) if self.as_string else text).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """The secrets to prove it by; "" leaves a proof out."""

    headers: dict[str, str]
    token_secret: bytes = b""
    signing_secret: bytes = b""
    document_id: str = "sample"
    wrong_signature: bool = False


def proof_headers(sample: Sample, body: bytes, proofs: Proofs) -> dict[str, str]:
    """The request's headers as the webhooks page documents them, with our proofs."""
    given = {
        "Content-Type": "application/json",
        "User-Agent": "llamaindex-webhook-service/1.0",
        "X-Webhook-Event-ID": sample.event_id,
        "X-Webhook-Event-Type": sample.type,
        **proofs.headers,
    }
    if proofs.token_secret:
        expires_at = sample.timestamp + 3600
        given[TOKEN_HEADER] = token.make_token(proofs.document_id, proofs.token_secret, expires_at=expires_at)
    if proofs.signing_secret:
        signature = sign(body + b" " if proofs.wrong_signature else body, proofs.signing_secret)
        given[SIGNATURE_HEADER.decode().title().replace("Lc-", "LC-")] = signature.decode()
    return given


def is_only_queued(status: int, text: str) -> bool:
    """Whether a queue in front of the receivers answered (infra/webhook_queue.yml), which verifies nothing."""
    return status == 200 and '"queued"' in text
