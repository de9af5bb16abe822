"""What a LlamaCloud job can read: a file by its id, or a parse job by its id, for what was parsed already.

Source: reference 1.0 (prefixes of ids; older files have a bare UUID), 1.2 (``file_input``).
"""

import re

from receiver.core.errors import Malformed

SCHEME = "llamacloud"
"""Of ``Document.content`` where the bytes are at LlamaCloud, and the way in of documents that are submitted by id."""
PARSE_JOB = "pjb-"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FILE = re.compile(rf"dfl-[A-Za-z0-9_-]{{1,190}}|{_UUID.pattern}")
_PARSE_JOB = re.compile(r"pjb-[A-Za-z0-9_-]{1,190}")
KEPT = "LlamaCloud keeps the source of a parse job for 48 hours"
"""Source: its page on data retention (reference 1.1)."""


def is_parse_job(vendor_id: str) -> bool:
    return vendor_id.startswith(PARSE_JOB)


def one_spelling(vendor_id: str) -> str:
    """The id as it is stored: a bare UUID is the same in capitals; all others are LlamaCloud's own, and opaque."""
    return vendor_id.lower() if _UUID.fullmatch(vendor_id) else vendor_id


def refuse_no_file(text: str) -> None:
    """Raises Malformed for what is no file's id."""
    if not _FILE.fullmatch(text):
        raise Malformed(f"{text!r:.220} is not a file id of LlamaCloud's", fix="write it like dfl-…")


def refuse_no_parse_job(text: str) -> None:
    """Raises Malformed for what is no parse job's id."""
    if not _PARSE_JOB.fullmatch(text):
        raise Malformed(f"{text!r:.220} is not a parse job id of LlamaCloud's", fix="write it like pjb-…")
