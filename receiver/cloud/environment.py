"""Checks the variables that the HTTP clients read besides our settings, before a request would fail because of them.

Source: httpx 0.28 (proxies, SSL_CERT_FILE, SSL_CERT_DIR), Python's ssl (SSLKEYLOGFILE), botocore (the AWS_* ones).
"""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from ipaddress import AddressValueError, IPv6Address
from pathlib import Path

import httpx

from receiver.core import forms
from receiver.core.forms import Wrong, misconfigured


def refuse_environment(environ: Mapping[str, str]) -> None:
    """Raises Misconfigured, naming each variable with which no request could be made."""
    if faults := list(_faults(environ)):
        raise misconfigured(faults)


def _faults(environ: Mapping[str, str]) -> Iterator[Wrong]:
    for name, text in environ.items():
        check = next((check for pattern, check in _CHECKS.items() if re.fullmatch(pattern, name)), None)
        if name == "SSL_CERT_DIR" and environ.get("SSL_CERT_FILE"):
            check = _folder  # then httpx uses the file
        if check is not None and text:
            try:
                check(text)
            except Wrong as wrong:
                yield Wrong(f"{name} {wrong}", wrong.fix)


def _proxy(text: str) -> None:
    try:
        _made(proxy=text if "://" in text else f"http://{text}")
    except ImportError:
        raise Wrong(
            "names a SOCKS proxy, for which a package is missing", "pip install 'httpx[socks]', or use an HTTP proxy"
        ) from None
    except (httpx.InvalidURL, ValueError):
        raise Wrong("is not a usable proxy", "write it like http://proxy.example.com:3128") from None


def _no_proxy(text: str) -> None:
    for host in filter(None, (part.strip() for part in text.split(","))):
        try:
            _made(mounts={_pattern(host): None})
        except (httpx.InvalidURL, ValueError):
            raise Wrong(f"holds {host!r}, which httpx cannot read", "use host names or single addresses") from None


def _pattern(host: str) -> str:
    """The host as a pattern, as httpx builds it."""
    if host == "*" or "://" in host:
        return "all://" if host == "*" else host
    try:
        IPv6Address(host.partition("/")[0])
    except AddressValueError:
        return f"all://*{host}"
    return f"all://[{host}]"


def _made(**arguments: object) -> None:
    """Creates a client and closes it: httpx itself decides what it accepts."""
    httpx.Client(trust_env=False, verify=False, **arguments).close()  # type: ignore[arg-type]  # noqa: S501  asks nobody


def _certificates(text: str) -> None:
    try:
        # Not create_default_context: it also opens SSLKEYLOGFILE, whose fault is not this variable's.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = "does not exist" if isinstance(error, FileNotFoundError) else "has no readable certificates"
        raise Wrong(
            f"names a file that {reason}", "set it to a PEM file with the certificates to trust, or unset it"
        ) from None


def _folder(text: str) -> None:
    if not Path(text).is_dir():
        raise Wrong(
            "names a folder that does not exist", "set it to the folder of the certificates to trust, or unset it"
        )


def _hashed(text: str) -> None:
    """OpenSSL finds a certificate in a folder by the hash of its subject, and by no other name."""
    _folder(text)
    try:
        found = any(re.fullmatch(r"[0-9a-f]{8}\.\d+", path.name) for path in Path(text).iterdir())
    except OSError:
        raise Wrong("names a folder that cannot be read", "give this user permission, or unset it") from None
    if not found:
        raise Wrong("names a folder without certificates that OpenSSL can find", f"openssl rehash {text}, or unset it")


def _key_log(text: str) -> None:
    if not Path(text).absolute().parent.is_dir() or Path(text).is_dir():
        raise Wrong("names a file that cannot be written", "unset it")


def _endpoint(text: str) -> None:
    forms.refuse_decorated(forms.url(text, example="https://s3.example.com"), text)


def _collector(text: str) -> None:
    forms.url(text, example="http://127.0.0.1:4318")


def _region(text: str) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise Wrong("is not a region", "write it like eu-central-1")


_CHECKS: dict[str, Callable[[str], None]] = {
    r"(?i:https?|all)_(?i:proxy)": _proxy,
    r"(?i:no_proxy)": _no_proxy,
    r"SSL_CERT_FILE|AWS_CA_BUNDLE|REQUESTS_CA_BUNDLE": _certificates,
    r"SSL_CERT_DIR": _hashed,
    r"SSLKEYLOGFILE": _key_log,
    r"AWS_ENDPOINT_URL(_\w+)?": _endpoint,
    r"AWS_(DEFAULT_)?REGION": _region,
    r"OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT": _collector,
}
"""Pattern of a variable's name -> what its value must be."""
