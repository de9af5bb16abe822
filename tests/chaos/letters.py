"""The letters of a chaos run: small PDFs, and for each the truth: where it belongs, known to nobody else."""

import hashlib
import io
import random
from dataclasses import dataclass

import pikepdf

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
    "packet": Way("routed", ("chaos-mail/packets/",)),
    "held": Way("review"),
}
"""The last two are those of packets: cut, and waiting for a person."""
SHARES = {"invoice": 40, "contract": 20, "letter": 20, "no_match": 8, "low_confidence": 7, "failed": 5}
ANSWERS: dict[str, tuple[str | None, float]] = {
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
    def judged(self) -> bool:
        """Whether LlamaCloud is asked about it."""
        return True

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def letter(number: int, rng: random.Random) -> Letter:
    """The letter of this number: of any way, and with any name."""
    (way,) = rng.choices(list(SHARES), list(SHARES.values()))
    return Letter(rng.choice(_NAMES).format(n=number), _pdf(number, way), way)


def _pdf(number: int, way: str) -> bytes:
    """A small page of its own; what should fail is locked with a password."""
    with pikepdf.new() as pdf, io.BytesIO() as written:
        pdf.add_blank_page(page_size=(72, 72))
        pdf.docinfo["/Title"] = f"Chaos {number}"
        lock = pikepdf.Encryption(user="nobody", owner="knows") if way == "failed" else None
        pdf.save(written, **({"encryption": lock} if lock else {"deterministic_id": True}))
        return written.getvalue()
