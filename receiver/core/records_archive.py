"""The file that keeps the records of a document when they are removed: its name and its bytes."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

SCHEMA = "mailroom.records/1"


def archive_name(document_id: str, version: object) -> str:
    """Its path in the archive. Records that changed after they were archived are another version, in another file."""
    return f"{document_id[-2:]}/{document_id}.v{version}.json.gz"


def archive_file(records: Mapping[str, Any], *, at: float) -> bytes:
    """Gzipped JSON of these records, as the HTTP API shows them, and when they were archived (Unix seconds)."""
    said = {"schema": SCHEMA, "archived_at": at, **records}
    return gzip.compress(json.dumps(said, ensure_ascii=False).encode(), mtime=0)
