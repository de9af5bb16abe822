"""The file that keeps the records of a document when they are removed: its name and its bytes."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

from receiver.core.document import Document

SCHEMA = "mailroom.records/1"


def archive_name(document: Document) -> str:
    """Its path in the archive.

    Records that changed after they were archived are another version, in another file. A document that was removed and
    came again has the same id, and counts its versions from 0: the time of its arrival (milliseconds) tells its lives
    apart.
    """
    return _name(document.id, f"v{document.version}-{document.taken_in_at * 1000:.0f}")


def archive_pattern(document_id: str) -> str:
    """Which paths in the archive are of this document."""
    return _name(document_id, "v*")


def _name(document_id: str, version: str) -> str:
    return f"{document_id[-2:]}/{document_id}.{version}.json.gz"


def archive_file(records: Mapping[str, Any], *, at: float) -> bytes:
    """Gzipped JSON of these records, as the HTTP API shows them, and when they were archived (Unix seconds)."""
    content = {"schema": SCHEMA, "archived_at": at, **records}
    return gzip.compress(json.dumps(content, ensure_ascii=False).encode(), mtime=0)
