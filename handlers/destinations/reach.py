"""Access to an AWS destination: with a role of its own, or at another endpoint than AWS's, with keys for it.

Sources: STS API reference, AssumeRole (lengths and characters of RoleArn and ExternalId).
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from handlers.destinations import options as options_
from receiver.aws.boto import DestinationAccess
from receiver.aws.environment import endpoint_of, named_region
from receiver.aws.regions import is_partition
from receiver.core import forms
from receiver.core.env_references import resolve
from receiver.core.forms import Wrong
from receiver.read_settings import one_of

OPTIONS = ("role", "external_id", "endpoint", "access_key", "secret_key")
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::\d{12}:role(?P<path>/([!-.0-~]+/)*)(?P<name>[\w+=,.@-]+)", re.ASCII)
_ROLE_PATH, _ROLE_NAME = 512, 64
"""Maximum characters of a role's path, with its slashes, and of its name. Source: IAM API reference, Role."""
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


def access_of(given: Mapping[str, str]) -> DestinationAccess:
    """The access that these resolved options describe."""
    return DestinationAccess(
        role=given.get("role", ""),
        external_id=given.get("external_id", ""),
        endpoint=given.get("endpoint", "").rstrip("/"),
        key_id=given.get("access_key", ""),
        secret=given.get("secret_key", ""),
    )


def reach_faults(options: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """Faults of these options. Unset variables and empty options are reported elsewhere."""
    given = options_.given(options, environ)
    return [
        *_role_faults(given),
        *_key_faults(options),
        *_odd_keys(given),
        *_endpoint_faults(given.get("endpoint", ""), environ),
    ]


def _role_faults(given: Mapping[str, str]) -> Iterator[str]:
    role, external_id = given.get("role", ""), given.get("external_id", "")
    found = _ROLE.fullmatch(role)
    if role and not found:
        yield f"option role: {role!r} is not a role: write arn:aws:iam::ACCOUNT:role/NAME, the account in 12 digits"
    if found and not is_partition(found[1]):
        yield f"option role: {found[1]!r} is no partition of AWS: write arn:aws:iam::…"
    if found and (len(found["name"]) > _ROLE_NAME or len(found["path"]) > _ROLE_PATH):
        yield f"option role: the name of a role has {_ROLE_NAME} characters at most, and its path {_ROLE_PATH}"
    if external_id and not _EXTERNAL_ID.fullmatch(external_id):
        yield "option external_id: it has 2 to 1,224 letters, digits and + = , . @ : / - _"
    if external_id and not role:
        yield "option external_id requires a role"


def _key_faults(options: Mapping[str, str]) -> Iterator[str]:
    key, secret = options.get("access_key", ""), options.get("secret_key", "")
    if bool(key) != bool(secret):
        yield f"option {'access_key' if key else 'secret_key'} requires {'secret_key' if key else 'access_key'}"
    elif key and "endpoint" not in options:
        yield "option access_key requires an endpoint; on AWS use a role instead"
    elif key and "role" in options:
        yield "option access_key and a role are mutually exclusive: remove one of them"
    if secret and not secret.startswith("env:"):
        yield "option secret_key: write secret_key: env:NAME, because options are stored with the document"


def _odd_keys(given: Mapping[str, str]) -> Iterator[str]:
    """Faults of keys that cannot be sent in a header. No key is shown."""
    for name in ("access_key", "secret_key"):
        try:
            if key := given.get(name, ""):
                forms.refuse_careless(key)
                forms.TOKEN.check(key)
        except Wrong as wrong:
            yield f"option {name}: the key {wrong}{f'; {wrong.fix}' if wrong.fix else ''}"


def _endpoint_faults(endpoint: str, environ: Mapping[str, str]) -> Iterator[str]:
    if not endpoint:
        return
    try:
        forms.host_alone(endpoint, because="bucket and key, or the queue, stand in `to`")
        _refuse_in_clear(endpoint, environ)
    except Wrong as wrong:
        yield f"option endpoint: {endpoint} {wrong}; {wrong.fix}"


def _refuse_in_clear(endpoint: str, environ: Mapping[str, str]) -> None:
    allowed = one_of(environ, "allow_http").lower() in ("true", "1")
    forms.refuse_in_clear(endpoint, "documents and messages", "write https://", allowed=allowed)


def host_of(given: Mapping[str, str]) -> str:
    """The host of the endpoint; "" if there is none, or it is invalid."""
    try:
        return urlsplit(given.get("endpoint", "")).hostname or ""
    except ValueError:
        return ""


def location(url: str, given: Mapping[str, str]) -> str:
    """The location of the object at ``s3://bucket/key``: with its own endpoint ``https://host/bucket/key``."""
    endpoint = access_of(given).endpoint
    return f"{endpoint}/{url.removeprefix('s3://')}" if endpoint else url


def split_endpoint(location: str) -> tuple[str, str]:
    """The endpoint of a location, "" for AWS's own, and its ``s3://bucket/key``."""
    scheme, _, rest = location.partition("://")
    host, _, path = rest.partition("/")
    return ("", location) if scheme == "s3" else (f"{scheme}://{host}", f"s3://{path}")


def elsewhere(options: Mapping[str, str], service: str, environ: Mapping[str, str]) -> str:
    """The endpoint in its canonical form; "" if it is the one that is used without the option.

    The value of an unset variable is unknown, and counts as different from any other endpoint.
    """
    try:
        endpoint = resolve(options.get("endpoint", ""), environ)
    except Wrong:
        return options["endpoint"]
    usual = endpoint_of(service, named_region(environ) or "", environ)
    return "" if not endpoint or _spelled(endpoint) == _spelled(usual) else _spelled(endpoint)


def _spelled(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    try:
        port = parts.port
    except ValueError:
        return endpoint
    shown = "" if port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{parts.hostname}{shown}"
