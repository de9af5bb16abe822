"""AWS Signature Version 4 for a POST to ``/``. Source: IAM User Guide, "Create a signed AWS API request".

A test compares it with botocore's signer.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple


class Credentials(NamedTuple):
    """An access key; a role's has a ``token``."""

    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key})"


class Scope(NamedTuple):
    """The region and service for which a signature is valid."""

    region: str
    service: str


def signed(
    headers: Mapping[str, str], body: bytes, *, credentials: Credentials, scope: Scope, now: float
) -> dict[str, str]:
    """The headers (lower-case names, ``host`` included) with date, token and signature added."""
    at = datetime.fromtimestamp(now, UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    token = {"x-amz-security-token": credentials.token} if credentials.token else {}
    full = {**headers, "x-amz-date": stamp, **token}
    names = ";".join(sorted(full))
    lines = "".join(f"{name}:{full[name].strip()}\n" for name in sorted(full))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    place = f"{day}/{scope.region}/{scope.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{place}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(_key(credentials.secret_key, day, scope), text.encode(), "sha256").hexdigest()
    full["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{place}, SignedHeaders={names}, Signature={signature}"
    )
    return full


@lru_cache(maxsize=16)
def _key(secret_key: str, day: str, scope: Scope) -> bytes:
    """The signing key, which is the same for all requests of a day."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
