"""The files and parse jobs at LlamaCloud that a command line names, with names and metadata."""

from collections.abc import Sequence
from typing import Any

import click

from receiver.cli.user import user_name
from receiver.core.errors import Malformed
from receiver.pipeline.ingest_vendor_file import IncomingVendorFile

BULK_FROM = 20
"""From this many files or ids in one command on, documents that come one by one go first."""


def vendor_files(
    file_ids: Sequence[str], parse_jobs: Sequence[str], metadata: Sequence[str], *, packet: bool
) -> list[IncomingVendorFile]:
    """What to ingest. Raises click.UsageError."""
    if metadata and not file_ids and not parse_jobs:
        raise click.UsageError("--metadata needs --file or --parse-job")
    facts = _facts(metadata)
    asked = [("file_id", item) for item in file_ids] + [("parse_job_id", item) for item in parse_jobs]
    try:
        return [_named(*item, packet=packet, bulk=len(asked) > BULK_FROM, metadata=facts) for item in asked]
    except Malformed as error:
        raise click.UsageError(f"{error}{'; ' + error.fix if error.fix else ''}") from None


def _named(option: str, text: str, **fields: Any) -> IncomingVendorFile:
    vendor_id, _, name = text.partition("=")
    given: dict[str, Any] = {option: vendor_id, "name": name, "sender": user_name(), **fields}
    return IncomingVendorFile(**given)


def _facts(metadata: Sequence[str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for key, value in (_pair("--metadata", item) for item in metadata):
        if facts.setdefault(key, value) != value:
            raise click.UsageError(f"--metadata {key} is given twice, with different values")
    return facts


def _pair(option: str, text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise click.UsageError(f"{option} {text}: write KEY=VALUE")
    return key, value
