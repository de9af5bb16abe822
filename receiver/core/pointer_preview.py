"""What the messages of each row will point to, shown when the table is checked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from receiver.core.check import ways
from receiver.core.plan import Target
from receiver.core.problem import Problem
from receiver.core.route import RouteTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointing:
    """A row, or a named way, that sends messages."""

    where: str
    """Its place in the file: ``routes[2]``, ``no_match``."""
    route: str
    """Its name; "" for a named way."""
    state: str
    """stored, linked or none: ``pointer_state`` of its messages (PointerState)."""
    to: str = ""
    """The URL, with its fields, of the place that stores the document."""

    def __str__(self) -> str:
        """What the messages point to, in words."""
        texts = {"linked": "a link to Mailroom that expires", "none": "nothing"}
        return texts.get(self.state, self.to)


def pointings(table: RouteTable, holds: Callable[[Target], bool], *, linked: bool) -> Iterator[Pointing]:
    """What messages will point to. The first place of a row that stores the document is the one that is named.

    ``linked`` says that links to what only Mailroom holds are served.
    """
    for where, route, targets in ways(table):
        stored = next((to.url for to in targets if holds(to)), "")
        if all(holds(to) for to in targets):
            continue
        state = "stored" if stored else "linked" if linked else "none"
        yield Pointing(where=where, route=route, state=state, to=stored)


def warnings(found: list[Pointing]) -> list[Problem]:
    """Rows whose messages point to nothing."""
    message = "none of its destinations stores the document: its messages will have no pointer"
    fix = "add a bucket or a folder, or let Mailroom serve links: MAILROOM_DOCUMENTS_URL"
    return [
        Problem(severity="warning", where=item.where, message=message, fix=fix, route=item.route)
        for item in found
        if item.state == "none"
    ]
