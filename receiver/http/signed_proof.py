"""Checks the JWT with which a proxy proves whom it signed in. Needs the extra ``sso`` (PyJWT).

The algorithm is that of the proxy, whatever the JWT says: neither ``none`` nor a public key taken for an HMAC's secret
is accepted.
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt

from receiver.core.errors import NotAuthentic
from receiver.core.proxy_proof import SignedByAlb, SignedByCloudflare
from receiver.http.public_keys import PublicKeys, fetch

LEEWAY = 30
"""Seconds that the clocks may differ."""
LONGEST = 16 * 1024
"""Characters of a JWT."""
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
Check = Callable[[str], Awaitable[str]]
"""The name that a JWT proves. Raises NotAuthentic, KeysUnavailable."""


def checker_of(proof: SignedByAlb | SignedByCloudflare) -> Check:
    """What checks the JWTs of this proxy."""
    return _alb(proof) if isinstance(proof, SignedByAlb) else _cloudflare(proof)


def _alb(proof: SignedByAlb) -> Check:
    """AWS signs with ES256, names the load balancer in ``signer``, and puts ``exp`` into the JWT's header, too."""

    async def load(key_id: str) -> Mapping[str, Any]:
        found = await fetch(f"{proof.keys_url}/{key_id}")
        return {key_id: found.decode("ascii")} if found else {}

    keys = PublicKeys(load)

    async def name(assertion: str) -> str:
        header = _header(assertion)
        if header.get("signer") != proof.arn:
            raise NotAuthentic("signer")
        claims = _claims(assertion, await _key(header, keys), "ES256", require=[])
        expires = header.get("exp", claims.get("exp"))
        if not isinstance(expires, int | float) or expires < time.time() - LEEWAY:
            raise NotAuthentic("expired")
        return _name(claims, "email", "sub")

    return name


def _cloudflare(proof: SignedByCloudflare) -> Check:
    """Cloudflare signs with RS256. A service token has no ``email``, but a ``common_name``."""

    async def load(key_id: str) -> Mapping[str, Any]:
        found = json.loads(await fetch(proof.keys_url) or b"{}")
        rsa = [item for item in found.get("keys", []) if item.get("kty") == "RSA"]
        return {item["kid"]: jwt.PyJWK.from_dict(item, algorithm="RS256").key for item in rsa if "kid" in item}

    keys = PublicKeys(load)

    async def name(assertion: str) -> str:
        key = await _key(_header(assertion), keys)
        required = ["exp", "iat", "iss", "aud"]
        claims = _claims(assertion, key, "RS256", require=required, audience=proof.audience, issuer=proof.issuer)
        return _name(claims, "email", "common_name")

    return name


def _header(assertion: str) -> Mapping[str, Any]:
    if len(assertion) > LONGEST:
        raise NotAuthentic("too_long")
    try:
        return jwt.get_unverified_header(assertion)
    except jwt.PyJWTError as error:
        raise NotAuthentic("malformed") from error


async def _key(header: Mapping[str, Any], keys: PublicKeys) -> Any:
    """The key that the JWT names. Its id becomes part of a URL, so it has nothing but letters, digits, - and _."""
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise NotAuthentic("key_id")
    if (key := await keys.get(key_id)) is None:
        raise NotAuthentic("key_unknown")
    return key


def _claims(assertion: str, key: Any, algorithm: str, *, require: list[str], **expected: Any) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion, key, algorithms=[algorithm], leeway=LEEWAY, options={"require": require}, **expected
        )
    except jwt.PyJWTError as error:
        raise NotAuthentic(type(error).__name__) from error
    return claims


def _name(claims: Mapping[str, Any], *fields: str) -> str:
    """The first of these that the claims have. An address that the identity provider did not verify proves nobody.

    Nor does one in another field than ``email``: where people choose their ``sub``, it may be somebody else's.
    """
    if str(claims.get("email_verified", True)).lower() != "true":
        raise NotAuthentic("email_not_verified")
    field = next((field for field in fields if claims.get(field)), "")
    found = claims.get(field)
    if not isinstance(found, str):
        raise NotAuthentic("no_name")
    if field != "email" and "@" in found:
        raise NotAuthentic("address_not_proven")
    return found
