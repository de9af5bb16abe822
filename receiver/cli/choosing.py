"""Which documents a command is about: those that its words name, that a search finds, or of an incident."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from receiver.cli.document_list import documents_given, search_of
from receiver.cli.mending import nothing_found
from receiver.cli.operations import Mending

SEARCH = click.option("--search", metavar="QUERY", help="Instead of DOCUMENTS: those that this search finds.")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One of these. Raises click's UsageError for none or several."""

    documents: Sequence[str] = ()
    search: str | None = None
    cause: str | None = None
    failed_since: float | None = None
    """Only for commands that have --failed-since."""
    options: str = "DOCUMENTS, --search or --cause"

    def __post_init__(self) -> None:
        given = bool(self.documents), self.search is not None, bool(self.cause), self.failed_since is not None
        if sum(given) != 1:
            raise click.UsageError(f"give {self.options}")

    async def ids(self, operations: Mending, *, as_json: bool) -> list[str]:
        """The ids of the documents. Raises NotFound when there are none."""
        if self.documents:
            found = await documents_given(self.documents, operations, as_json=as_json)
            return [item["document_id"] for item in found]
        if self.search is not None:
            ids = await operations.found_ids(search_of(self.search))
        elif self.cause:
            ids = await operations.caused(self.cause)
        else:
            assert self.failed_since is not None
            ids = await operations.failed_since(self.failed_since)
        if not ids:
            raise nothing_found()
        return ids
