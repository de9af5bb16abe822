"""Short documents to judge, each with what it is and its language."""

from dataclasses import dataclass

NONE = "none"  # a document of no kind that a business has rules for
KINDS = (
    "invoice",
    "receipt",
    "contract",
    "resume",
    "bank_statement",
    "letter",
    "purchase_order",
    "payslip",
    "medical",
    "insurance",
    "research_paper",
)


@dataclass(frozen=True)
class Document:
    """What it is (of `KINDS`, or `NONE`), its language, its text."""

    kind: str
    language: str
    text: str


def documents(written: str) -> tuple[Document, ...]:
    """The documents in a text where a line `== kind language` begins each."""
    return tuple(_document(each) for each in written.split("== ")[1:])


def _document(written: str) -> Document:
    head, text = written.split("\n", 1)
    kind, language = head.split()
    return Document(kind, language, text.strip())
