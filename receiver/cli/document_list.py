"""The documents that a search finds: the search of the given words and options, its table, and what is not shown."""

import re
import time
from typing import NoReturn

import click

from receiver import show
from receiver.cli import mending
from receiver.cli.listing import DOCUMENT_COLUMNS, document_row, when
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.suggestions import types_of_the_table
from receiver.core.document import Document
from receiver.core.errors import Malformed
from receiver.core.quantity import quantity
from receiver.core.search import FILTERS, Comparison, Criterion, Search, SearchPage, parse_search
from receiver.operations.document_search import AT_MOST, search_documents
from receiver.ports import Store

PAGE = 500
_EXCLUDES = re.compile("-({}):".format("|".join(FILTERS)))


class SearchCommand(click.Command):
    """A command that takes words like ``-state:open``, which exclude by a filter and are no options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args:
            before = ["", *args]
            excluding = [
                place for place, item in enumerate(args) if _EXCLUDES.match(item) and before[place] not in self._asking
            ]
            words = [args[place] for place in excluding]
            args = [item for place, item in enumerate(args) if place not in excluding]
            args = [*args, "--", *words] if words else args
        return super().parse_args(ctx, args)

    @property
    def _asking(self) -> set[str]:
        """The options after which a value follows."""
        options = [item for item in self.params if isinstance(item, click.Option) and not item.is_flag]
        return {name for item in options for name in item.opts}


def search_of(text: str, *, since: float | None = None, **filters: str | None) -> Search:
    """The search that words and options ask for. Raises click's UsageError."""
    try:
        search = parse_search(text, now=time.time())
    except Malformed as error:
        raise click.UsageError(str(error)) from error
    more = [Criterion(field=field, value=value) for field, value in filters.items() if value]
    if since is not None:
        more.append(Criterion(field="since", value=when(since), comparisons=(Comparison(">=", since),)))
    return Search((*search.criteria, *more))


def may_be_a_name(word: str) -> bool:
    """Whether the word has no filter, or is no valid search, so that it may be the name of a document."""
    try:
        search = parse_search(word, now=time.time())
    except Malformed:
        return True
    return bool(search.criteria) and not any(item.field or item.negated for item in search.criteria)


async def searched(search: Search, store: Store, *, limit: int, cursor: str | None) -> SearchPage:
    """The first ``limit`` documents. Raises click's UsageError for a type that nothing has, or a wrong cursor."""
    types = types_of_the_table()
    try:
        page = await search_documents(search, store, types=types, limit=min(limit, PAGE), cursor=cursor)
        found = list(page.records)
        while page.cursor and page.back_to is None and len(found) < limit:
            size = min(limit - len(found), PAGE)
            following = await search_documents(search, store, types=types, limit=size, cursor=page.cursor)
            found += following.records
            looked = page.looked_at + following.looked_at
            page = page._replace(cursor=following.cursor, back_to=following.back_to, looked_at=looked)
    except Malformed as error:
        raise click.UsageError(str(error)) from error
    return page._replace(records=show.in_page_order(found))


def print_page(page: SearchPage, *, as_json: bool) -> None:
    """Prints the documents; what is not among them is said on standard error."""
    if as_json:
        print_json({"documents": [show.document(item) for item in page.records], **show.search_page(page)})
    else:
        table(DOCUMENT_COLUMNS, [document_row(item) for item in page.records])
    if page.not_indexed:
        say(f"the search index is being built: {page.not_indexed:,} documents are not in it yet", err=True)
    if page.back_to is not None:
        looked = f"looked at {page.looked_at:,} documents, back to {when(page.back_to)}"
        say(f"{looked}; to look further: --cursor {page.cursor}", err=True)
    elif page.cursor:
        of = "" if page.total is None else f" of {page.total:,}" + ("" if page.total_is_exact else "+")
        say(f"shown: {len(page.records):,}{of}; for more: --limit, or the next ones: --cursor {page.cursor}", err=True)


def picked(word: str, fit: list[Document], *, as_json: bool) -> Document:
    """The document that the person at the terminal picks. Without a terminal, they are listed.

    Raises click's UsageError if none is picked.
    """
    if as_json:
        print_json({"documents": [show.document(item) for item in fit]})
        _refuse(word, fit)
    if not mending.at_a_terminal():
        table(DOCUMENT_COLUMNS, [document_row(item) for item in fit])
        _refuse(word, fit)
    table(("", *DOCUMENT_COLUMNS), [(str(place), *document_row(item)) for place, item in enumerate(fit, start=1)])
    answer = click.prompt(f"Which one? 1 to {len(fit)}", default="", show_default=False, err=True)
    if not answer.isascii() or not answer.isdigit() or not 1 <= int(answer) <= len(fit):
        _refuse(word, fit)
    return fit[int(answer) - 1]


def _refuse(word: str, fit: list[Document]) -> NoReturn:
    count = f"the newest {AT_MOST} that fit" if len(fit) == AT_MOST else quantity(len(fit), "document")
    raise click.UsageError(f"{one_line(word)!r} names several documents ({count}): give the id of one")
