"""mailroom resubmit: resubmits documents whose job failed; shows the cost first."""

import click

from receiver.bootstrap import App
from receiver.cli.listing import MOMENT
from receiver.cli.mending import (
    CAUSE,
    JSON,
    WHO,
    chosen_documents,
    confirmed,
    nothing_found,
    outcome_text,
    report_mended,
)
from receiver.cli.output import print_json, table
from receiver.cli.running import with_app
from receiver.core.document import Document
from receiver.core.price import price_of
from receiver.operations.failed_documents import Skipped, failed_since, why_not
from receiver.operations.failed_documents import resubmit as resubmit_one


@click.command(short_help="Resubmit documents whose job failed.")
@click.argument("ids", nargs=-1)
@CAUSE
@click.option("--failed-since", type=MOMENT, help="All documents that failed since: 2026-11-22, 2h, 7d.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="List the documents and the cost, without resubmitting.")
@WHO
@JSON
def resubmit(
    ids: tuple[str, ...],
    cause: str | None,
    failed_since: float | None,
    yes: bool,
    dry_run: bool,
    who: str,
    as_json: bool,
) -> None:
    """Resubmit documents whose job failed: IDS, those of an incident, or all that failed since a date.

    It uploads the files again, and first shows the cost: each document costs its credits again. It skips documents
    that have a result; use `mailroom replay` for those.
    """
    if bool(ids) + bool(cause) + (failed_since is not None) != 1:
        raise click.UsageError("give ids, --cause or --failed-since")
    done = with_app(
        lambda app: _resubmit(app, ids, cause, failed_since, yes=yes, dry_run=dry_run, who=who, as_json=as_json),
        existing=True,
    )
    if done is not None:
        report_mended(done, "resubmitted", as_json=as_json)


async def _resubmit(
    app: App,
    ids: tuple[str, ...],
    cause: str | None,
    since: float | None,
    *,
    yes: bool,
    dry_run: bool,
    who: str,
    as_json: bool,
) -> list[Document | Skipped] | None:
    documents = [item async for item in chosen_documents(app, ids, cause)]
    if since is not None:
        documents = [item async for item in failed_since(since, app.context)]
    if not documents:
        raise nothing_found()
    wanted = [item for item in documents if not why_not(item)]
    price = price_of(wanted)
    if dry_run:
        _foretell(documents, str(price), as_json=as_json)
        return None
    if wanted:
        outcome_text(f"{len(wanted)} of {len(documents)} documents will be resubmitted: {price}", as_json=as_json)
        if not confirmed("Resubmit them?", yes=yes):
            raise click.Abort
    return [await resubmit_one(item.id, app.context, who=who) for item in documents]


def _foretell(documents: list[Document], price: str, *, as_json: bool) -> None:
    if as_json:
        rows = [{"document_id": item.id, "name": item.name, "why_not": why_not(item) or None} for item in documents]
        print_json({"documents": rows, "price": price, "dry_run": True})
        return
    rows_ = [
        (item.id, item.name, item.page_count or "?", why_not(item) or "would be resubmitted") for item in documents
    ]
    table(("document", "name", "pages", "what"), rows_)
    outcome_text(f"{price}; dry run: nothing was written", as_json=as_json)
