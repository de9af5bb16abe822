"""The names under which a document is submitted to LlamaCloud: its file's, and the idempotency key of each job.

    file       mailroom-<installation>-<document>
    job        mailroom-<installation>-<classify|split>-<document>-<submission>-<fingerprint of the order>
    self-test  mailroom-self-test-<installation>-<random>

LlamaCloud answers a used ``transaction_id`` with the first job and ignores the body (reference 1.2). So the key covers
everything that the answer depends on: which installation asks (two of them may share a project and take in the same
file), for which document and submission, and what is asked.

Documents that were taken in before installations had ids keep the names of that release: ``mailroom-<document>`` and
``mailroom-<classify|split>-<document>-<submission>``.
"""

import hashlib
import json
import re
from base64 import b32encode
from collections.abc import Mapping
from typing import Any

from receiver.core.document import Document

SELF_TEST = "mailroom-self-test-"
"""Jobs of ``mailroom doctor``: their events are stored, and nothing else happens."""
_FORM = re.compile(r"mailroom-[0-9a-f]{16}-(?:classify|split)-(?P<document>.+)-(?P<number>[0-9]+)-[a-z2-7]{16}")
_EARLIER = re.compile(r"mailroom-(?:classify|split)-(?P<document>.+)-(?P<number>[0-9]+)")


def external_file_id(document: Document) -> str:
    """The ``external_file_id`` of the document's file; another one when its bytes are uploaded again."""
    again = f"again{document.uploads}" if document.uploads else ""
    return "-".join(part for part in ("mailroom", document.installation, document.id, again) if part)


def transaction_id(document: Document, kind: str, order: str) -> str:
    """The idempotency key of the document's present submission; ``order`` is the fingerprint of what is asked.

    At most 255 characters, as LlamaCloud takes them (reference 1.2).
    """
    if not document.installation:
        return f"mailroom-{kind}-{document.id}-{document.submissions}"
    return f"mailroom-{document.installation}-{kind}-{document.id}-{document.submissions}-{order}"


def configuration_hash(kind: str, file_id: str, configuration: Mapping[str, Any]) -> str:
    """The request to LlamaCloud as 16 characters: another file, rule or option gives another one."""
    asked = json.dumps([kind, file_id, configuration], sort_keys=True, ensure_ascii=False)
    return b32encode(hashlib.sha256(asked.encode(errors="surrogatepass")).digest()[:10]).decode().lower()


def is_submission_of(document: Document, transaction_id: str) -> bool:
    """Whether the document was submitted under this id, now or before: the one proof that a job is ours.

    Ids are written on the document before LlamaCloud is asked, so an id that is not on it is somebody else's: another
    installation's, or that of a store which was lost. Only documents of the earlier release have none on them.
    """
    if transaction_id in document.transactions:
        return True
    found = _EARLIER.fullmatch(transaction_id) if not document.installation else None
    return found is not None and found["document"] == document.id and int(found["number"]) <= document.submissions


def current(document: Document) -> str:
    """The stored id of the document's present submission; "" before the first attempt."""
    return next((item for item in document.transactions if number_in(item) == document.submissions), "")


def document_named_by(transaction_id: str) -> str:
    """The document that an id of our form names; "" for any other. It is a claim: ask ``is_submission_of``."""
    found = _parsed(transaction_id)
    return found["document"] if found else ""


def number_in(transaction_id: str) -> int | None:
    """Which submission of its document an id of our form names, from 0; None for any other."""
    found = _parsed(transaction_id)
    return int(found["number"]) if found else None


def _parsed(transaction_id: str) -> re.Match[str] | None:
    return _FORM.fullmatch(transaction_id) or _EARLIER.fullmatch(transaction_id)
