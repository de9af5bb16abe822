"""The mail of a chaos run: small PDFs, and for each the truth: a script to the sandbox, and known to nobody else."""

import hashlib
import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf

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
alerts:
  - {on: ["*"], to: "sns:arn:aws:sns:us-east-1:000000000000:chaos-alerts", at_most: 1 per 2 seconds}
deadline: 4 seconds
stuck_after: 12 seconds
resubmit: {times: 8}
"""
BUCKETS = ("chaos-mail", "chaos-archive")
STANDARD = "chaos-invoices"
FIFO = ("chaos-contracts.fifo", "chaos-letters.fifo")


@dataclass(frozen=True, slots=True)
class Way:
    """Where a document belongs: its end state, the prefixes that hold its bytes, the queues that point to it."""

    state: str
    prefixes: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


WAYS = {
    "invoice": Way("routed", ("chaos-mail/invoices/",), (STANDARD,)),
    "contract": Way("routed", ("chaos-mail/contracts/",), ("chaos-contracts.fifo",)),
    "letter": Way("routed", ("chaos-mail/letters/", "chaos-archive/"), ("chaos-letters.fifo",)),
    "no_match": Way("review", ("chaos-mail/unsorted/",)),
    "low_confidence": Way("review"),
    "failed": Way("failed", ("chaos-mail/failed/",)),
}
_SHARES = {"invoice": 40, "contract": 20, "letter": 20, "no_match": 8, "low_confidence": 7, "failed": 5}
_ANSWERS = {
    "invoice": ("invoice", 0.97),
    "contract": ("contract", 0.8),
    "letter": ("letter", 0.31),
    "no_match": (None, 0.9),
    "low_confidence": ("invoice", 0.79),
}
_NAMES = ("letter {n}.pdf", "Überweisung {n}.pdf", "../../{n}.pdf", "scan-{n}.pdf", "mail {n} (final).pdf")


@dataclass(frozen=True, slots=True)
class Letter:
    """One document of the run."""

    name: str
    content: bytes
    way: str
    """The key of WAYS that it belongs to, if its job ends well."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def mail(count: int, rng: random.Random) -> list[Letter]:
    """So many letters, all different, of all ways."""
    ways = rng.choices(list(_SHARES), list(_SHARES.values()), k=count)
    return [Letter(rng.choice(_NAMES).format(n=n), _pdf(n, way), way) for n, way in enumerate(ways)]


def _pdf(number: int, way: str) -> bytes:
    """A small page of its own; what should fail is locked with a password."""
    with pikepdf.new() as pdf, io.BytesIO() as written:
        pdf.add_blank_page(page_size=(72, 72))
        pdf.docinfo["/Title"] = f"Chaos {number}"
        lock = pikepdf.Encryption(user="nobody", owner="knows") if way == "failed" else None
        pdf.save(written, **({"encryption": lock} if lock else {"deterministic_id": True}))
        return written.getvalue()


def script(letters: Sequence[Letter], path: Path) -> None:
    """Writes what the sandbox's judge says of each letter."""
    answers = {one.sha256: _ANSWERS[one.way] for one in letters if one.way in _ANSWERS}
    path.write_text(json.dumps({key: {"type": type_, "confidence": sure} for key, (type_, sure) in answers.items()}))
