"""What a viewer tells of a file: its pages, and text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PageList:
    """A document's pages, with width and height of each of the first thousands; (0, 0) of a page that has none."""

    count: int
    sizes: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownText:
    """A text as it is shown; ``truncated`` when it goes on."""

    text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """A mail as it is shown: its header fields (from, to, cc, subject, date) and the text that its sender wrote."""

    fields: dict[str, str]
    text: str
    truncated: bool = False
