"""The mail of a chaos run: letters and packets, the table that routes them, and the script of the sandbox's judge."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos import packets
from tests.chaos.letters import ANSWERS, Letter, letter
from tests.chaos.packets import Packet

TABLE = """\
classify:
  rules:
    - {type: invoice, description: "an invoice with a number and a total amount due"}
    - {type: contract, description: "a legal agreement between two parties"}
    - {type: letter, description: "personal correspondence"}
routes:
  - {type: invoice, min_confidence: 0.8, to: ["s3://chaos-mail/invoices/{yyyy}/{document_id}/{filename}", sqs://chaos-invoices]}
  - {type: contract, min_confidence: 0.8, to: [s3://chaos-mail/contracts/, sqs://chaos-contracts.fifo]}
  - {type: letter, to: [s3://chaos-mail/letters/, s3://chaos-archive/, {to: sqs://chaos-letters.fifo, group: type}]}
no_match: {to: [s3://chaos-mail/unsorted/], review: true}
low_confidence: {review: true}
failed: {to: [s3://chaos-mail/failed/]}
packet: {to: [s3://chaos-mail/packets/]}
alerts:
  - {on: ["*"], to: "sns:arn:aws:sns:us-east-1:000000000000:chaos-alerts", at_most: 1 per 2 seconds}
alerting: {wait: 1 second}
deadline: 3 seconds
stuck_after: 6 seconds
resubmit: {times: 8}
"""
ALERTS = "sns:arn:aws:sns:us-east-1:000000000000:chaos-alerts"
PACKETS = 0.12
"""The share of packets in the mail."""


def mail(count: int, rng: random.Random, *, share: float = PACKETS) -> list[Letter]:
    """So many letters and packets, all different, of all kinds."""
    kinds = packets.dealt(rng)
    return [packets.packet(n, next(kinds), rng) if rng.random() < share else letter(n, rng) for n in range(count)]


def script(letters: Sequence[Letter], path: Path) -> None:
    """Writes what the sandbox's judge says of each."""
    written: dict[str, Any] = packets.answers([item for item in letters if isinstance(item, Packet)])
    for item in letters:
        if item.way in ANSWERS:
            type_, sure = ANSWERS[item.way]
            written[item.sha256] = {"type": type_, "confidence": sure}
    path.write_text(json.dumps(written))
