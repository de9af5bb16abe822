"""Links to documents that only Mailroom has: signed, for one document, and for a limited time.

``{base}/documents/{id}/content?token=…`` and ``…/manifest?token=…``. The token is that of core/token.py with a secret
that is derived from ours, so that no per-job token, which LlamaCloud sees, opens a document.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote

from receiver.core import token
from receiver.core.errors import NotAuthentic
from receiver.core.retention import DAY

_PURPOSE = b"mailroom link to a document"


@dataclass(slots=True, kw_only=True)
class ContentLinks:
    """Makes and checks links. Its secrets are replaced when secrets rotate."""

    base: str
    """The base URL for consumers: ``https://documents.example.com``."""
    days: float
    secrets: tuple[bytes, ...] = field(repr=False)
    """Used by Mailroom alone, and sent nowhere; the first one signs, all are accepted."""

    def take(self, secrets: tuple[bytes, ...]) -> None:
        """Signs with the first of these from now on."""
        self.secrets = secrets

    def made(self, document_id: str, *, now: float) -> tuple[str, str]:
        """The links to the document and to its manifest."""
        signed = token.make_token(document_id, _derived(self.secrets[0]), expires_at=now + self.days * DAY)
        at = f"{self.base.rstrip('/')}/documents/{quote(document_id, safe='')}"
        return f"{at}/content?token={signed}", f"{at}/manifest?token={signed}"

    def proves(self, given: str, document_id: str, *, now: float) -> bool:
        """Whether this token opens this document now."""
        try:
            named, _ = token.read_token(given.encode(), tuple(map(_derived, self.secrets)), now=now)
        except (NotAuthentic, ValueError):
            return False
        return hmac.compare_digest(named.encode(), document_id.encode())


def _derived(secret: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE, hashlib.sha256)
