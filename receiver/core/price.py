"""What submitting documents anew would cost, as far as anybody can know before.

LlamaCloud bills by the page: classify 1 credit, split 4. Source: its pricing page as known in 2026 (reference 1.8).
What a plan, or a cached parse, makes of that, only the bill says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.core.document import Document
from receiver.core.quantity import quantity

CREDITS_PER_PAGE = {"classify": 1, "split": 4}


@dataclass(frozen=True, slots=True)
class Price:
    """``unknown`` documents have pages that nobody has counted; their price is on top."""

    documents: int
    pages: int
    credits: int
    unknown: int

    def __str__(self) -> str:
        known = f"{quantity(self.pages, 'page')}, about {self.credits} credits"
        if not self.unknown:
            return known
        uncounted = f"{quantity(self.unknown, 'document')} whose pages are not counted"
        return f"{known}, and {uncounted}" if self.pages else f"the credits of {uncounted}, one a page"


def price_of(documents: Sequence[Document]) -> Price:
    """The price of one job for each of these; a packet is split, and its pieces are classified."""
    counted = [item for item in documents if item.page_count is not None]
    pages = sum(item.page_count or 0 for item in counted)
    billed = sum((item.page_count or 0) * _per_page(item) for item in counted)
    return Price(len(documents), pages, billed, len(documents) - len(counted))


def _per_page(document: Document) -> int:
    return sum(CREDITS_PER_PAGE.values()) if document.packet else CREDITS_PER_PAGE["classify"]
