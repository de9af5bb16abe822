"""The list of documents that a search finds: what is asked, its table, and what it says about those not shown."""

import re
import time
from collections.abc import Sequence
from typing import NoReturn

import click

from receiver.cli import mending
from receiver.cli.listing import DOCUMENT_COLUMNS, document_row, moment_text, when
from receiver.cli.operations import Operations, Shown
from receiver.cli.output import one_line, print_json, say, table
from receiver.core.errors import Malformed
from receiver.core.quantity import quantity
from receiver.core.search import FILTERS, Comparison, Criterion, Search, parse_search
from receiver.operations.document_search import AT_MOST

_EXCLUDES = re.compile("-({}):".format("|".join(FILTERS)))


class SearchCommand(click.Command):
    """A command whose words may exclude by a filter, as ``-state:open`` does, which is no option."""

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
    """Whether the word has no filter, so that a document may be called that; also if it is no search at all."""
    try:
        search = parse_search(word, now=time.time())
    except Malformed:
        return True
    return bool(search.criteria) and not any(item.field or item.negated for item in search.criteria)


def print_page(page: Shown, *, as_json: bool) -> None:
    """Prints the documents of a search; what is not among them is said on standard error."""
    shown = page["documents"]
    if as_json:
        print_json(page)
    else:
        table(DOCUMENT_COLUMNS, [document_row(item) for item in shown])
    if page["not_indexed"]:
        say(f"the search index is being built: {page['not_indexed']:,} documents are not in it yet", err=True)
    if page["looked_back_to"] is not None:
        looked = f"looked at {page['looked_at']:,} documents, back to {moment_text(page['looked_back_to'])}"
        say(f"{looked}; to look further: --cursor {page['cursor']}", err=True)
    elif page["cursor"]:
        of = "" if page["total"] is None else f" of {page['total']:,}" + ("" if page["total_is_exact"] else "+")
        say(f"shown: {len(shown):,}{of}; for more: --limit, or the next ones: --cursor {page['cursor']}", err=True)


async def document_called(word: str, operations: Operations, *, as_json: bool = False) -> Shown:
    """The document that this word names: an id or its beginning, a name, or a job's id. Of several a person picks one.

    Raises NotFound, and click's UsageError when several fit and nobody picks.
    """
    fit = await operations.called(word)
    return fit[0] if len(fit) == 1 else picked(word, fit, as_json=as_json)


async def documents_given(words: Sequence[str], operations: Operations, *, as_json: bool = False) -> list[Shown]:
    """The documents that these words name, each once. Raises as ``document_called`` does."""
    found = [await document_called(word, operations, as_json=as_json) for word in dict.fromkeys(words)]
    return list({item["document_id"]: item for item in found}.values())


def picked(word: str, fit: Sequence[Shown], *, as_json: bool) -> Shown:
    """The one of these that a person at the terminal picks; without one they are listed.

    Raises click's UsageError when none is picked: which one is meant is the person's to say.
    """
    if as_json:
        print_json({"documents": list(fit)})
        _refuse(word, fit)
    if not mending.at_a_terminal():
        table(DOCUMENT_COLUMNS, [document_row(item) for item in fit])
        _refuse(word, fit)
    table(("", *DOCUMENT_COLUMNS), [(str(place), *document_row(item)) for place, item in enumerate(fit, start=1)])
    answer = click.prompt(f"Which one? 1 to {len(fit)}", default="", show_default=False, err=True)
    if not answer.isascii() or not answer.isdigit() or not 1 <= int(answer) <= len(fit):
        _refuse(word, fit)
    return fit[int(answer) - 1]


def _refuse(word: str, fit: Sequence[Shown]) -> NoReturn:
    count = f"the newest {AT_MOST} that fit" if len(fit) == AT_MOST else quantity(len(fit), "document")
    raise click.UsageError(f"{one_line(word)!r} names several documents ({count}): give the id of one")
