"""What resubmitting documents would cost, as far as that is known before.

LlamaCloud bills by the page: classify 1 credit, split 4. Source: its pricing page as known in 2026 (reference 1.8).
What a plan, or a cached parse, makes of that, only the bill says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.core.document import Document
from receiver.core.quantity import quantity
from receiver.core.vendor_input import is_parse_job

CREDITS_PER_PAGE = {"classify": 1, "split": 4}


@dataclass(frozen=True, slots=True)
class Price:
    """``unknown`` documents have pages that nobody has counted; their price is on top."""

    documents: int
    pages: int
    credits: int
    unknown: int
    parsed: int = 0
    """Documents that are classified without a price: they were submitted as a parse job."""
    rates: tuple[int, ...] = ()
    """Credits a page of the unknown ones, ascending."""

    def __str__(self) -> str:
        known = f"{quantity(self.pages, 'page')}, about {quantity(self.credits, 'credit')}"
        if self.parsed == self.documents > 0:
            return "0 credits: LlamaCloud has parsed it already"
        if not self.unknown:
            return known
        uncounted = f"{quantity(self.unknown, 'document')} whose pages are not counted"
        if self.pages:
            return f"{known}, and {uncounted}"
        return f"the credits of {uncounted}, {' to '.join(map(str, self.rates))} a page"


def price_of(documents: Sequence[Document]) -> Price:
    """The price of one job for each of these; a packet is split, and its pieces are classified."""
    billed = [item for item in documents if _per_page(item)]
    counted = [(item.page_count, _per_page(item)) for item in billed if item.page_count is not None]
    rates = sorted({_per_page(item) for item in billed if item.page_count is None})
    return Price(
        documents=len(documents),
        pages=sum(pages for pages, _ in counted),
        credits=sum(pages * rate for pages, rate in counted),
        unknown=len(billed) - len(counted),
        parsed=len(documents) - len(billed),
        rates=tuple(rates),
    )


def price_of_pages(pages: int) -> Price:
    """The price of classifying this many pages of a new document."""
    return Price(documents=1, pages=pages, credits=pages * CREDITS_PER_PAGE["classify"], unknown=0)


def _per_page(document: Document) -> int:
    """A parse job is classified without a price: classify bills only the parse that it starts (reference 1.2). Pieces
    of a packet have one, as they are uploaded.
    """
    if document.packet:
        return sum(CREDITS_PER_PAGE.values())
    return 0 if is_parse_job(document.at_llamacloud) else CREDITS_PER_PAGE["classify"]
