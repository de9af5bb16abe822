"""Forms: the valid values of a setting, defined once for the checks and for the docs.

A form has a description and a check. The check raises Wrong with the fault and the fix, which never contain the value.
"""

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from receiver.core.errors import Misconfigured


class Wrong(ValueError):
    """An invalid value: what is wrong with it, and the fix."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


def misconfigured(faults: Sequence[Wrong]) -> Misconfigured:
    """The error with all faults and their fixes."""
    if len(faults) == 1:
        return Misconfigured(str(faults[0]), fix=faults[0].fix)
    return Misconfigured("\n".join(f"{fault}; {fault.fix}" if fault.fix else str(fault) for fault in faults))


def read_json(text: str, once: Callable[[list[tuple[str, Any]]], dict[str, Any]], *, example: str) -> Any:
    """The JSON in this text. ``once`` makes its objects, and raises Wrong for a name that is there twice.

    Raises Wrong.
    """
    try:
        return json.loads(text, object_pairs_hook=once)
    except Wrong:
        raise
    except (ValueError, RecursionError):  # Python does not parse numbers of more than 4,300 digits
        raise Wrong("is not JSON", f"write it like {example}") from None


@dataclass(frozen=True, slots=True)
class Form:
    """``says`` completes "must be …"."""

    says: str
    check: Callable[[str], None]
    optional: bool = False
    """Whether it may be empty although its default is not."""
    lines: bool = False
    """Whether it may have several lines."""


LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1|[\w.-]+\.localhost", re.IGNORECASE)
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*\.?")
_DOTTED = re.compile(r"[\d.]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,80}(\.fifo)?")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def refuse_careless(text: str, *, lines: bool = False) -> None:
    """Raises Wrong for careless values: empty, quoted, multi-line, not text, with white space at an end or controls."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Wrong("is not UTF-8 text") from None
    if not text:
        raise Wrong("is empty", "give it a value, or leave it out")
    if text != text.strip():
        raise Wrong("has white space at its beginning or end", "remove it; check for a trailing line break")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        raise Wrong("is in quotes, which count as part of the value", "take them out")
    if not all(character.isprintable() or (lines and character in "\r\n\t") for character in text):
        raise Wrong("has a line break or another control character", "write it in one line of plain text")


def number(least: float, most: float, *, whole: bool = False) -> Form:
    """A plain decimal number within these bounds."""
    pattern = re.compile(r"\d+" if whole else r"\d+(\.\d+)?", re.ASCII)

    def check(text: str) -> None:
        if not pattern.fullmatch(text) or not least <= float(text) <= most:
            raise Wrong(f"is not {says}")

    says = f"a {'whole ' if whole else ''}number from {least:.15g} to {most:.15g}"
    return Form(says, check)


def choice(*words: str) -> Form:
    """One of these words."""
    says = f"{', '.join(f'`{word}`' for word in words[:-1])} or `{words[-1]}`"

    def check(text: str) -> None:
        if text not in words:
            raise Wrong(f"is not {says.replace('`', '')}")

    return Form(says, check)


def some_of(words: Collection[str], *, alone: str) -> Form:
    """``alone``, or some of the words with commas between them."""

    def check(text: str) -> None:
        parts = [part.strip() for part in text.split(",")]
        if text != alone and (unknown := [part for part in parts if part not in words]):
            raise Wrong(f"names {unknown[0]!r}, which is not one of {', '.join(words)}")

    return Form(f"`{alone}`, or some of {', '.join(f'`{word}`' for word in words)}, with commas between them", check)


def _boolean(text: str) -> None:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise Wrong("is neither true nor false")


def _token(text: str) -> None:
    if not all("!" <= character <= "~" for character in text):
        raise Wrong(
            "holds a space or a character outside ASCII",
            "copy it again; check for a line break at the end of its file",
        )


def split_list(text: str) -> tuple[str, ...]:
    """The secrets in a comma-separated list. Raises Wrong with the position of an invalid one."""
    parts = tuple(part.strip() for part in text.split(","))
    for place, part in enumerate(parts, 1):
        if not part:
            raise Wrong(
                f"has an empty item: item {place} of {len(parts)} is empty",
                "write the secrets with one comma between two",
            )
        try:
            refuse_careless(part)
        except Wrong as wrong:
            raise Wrong(f"has an item, {place} of {len(parts)}, that {wrong}", wrong.fix) from None
    return parts


def _items(text: str) -> None:
    split_list(text)


TOKEN = Form("printable ASCII without spaces", _token)
SECRETS = Form("comma-separated secrets, none empty, none in quotes", _items)


def url(text: str, *, schemes: Collection[str] = ("http", "https"), example: str) -> SplitResult:
    """The parts of a URL with a host and nothing unexpected. Raises Wrong."""
    if "://" not in text:
        raise Wrong("has no scheme", f"write it like {example}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Wrong("is not a URL", f"write it like {example}") from None
    if parts.scheme not in schemes:
        begins = " or ".join(f"{scheme}://" for scheme in schemes)
        raise Wrong(f"does not begin with {begins}", f"write it like {example}")
    if not _is_host(host, bracketed="[" in parts.netloc) or port == 0 or parts.netloc.endswith(":"):
        raise Wrong("has an invalid host name or port", f"write it like {example}")
    if any(not "!" <= character <= "~" or character in '\\"<>^`{|}' for character in text):
        raise Wrong("has a character that is invalid in a URL", f"write it like {example}")
    return parts


def refuse_in_clear(url: str, what: str, instead: str, *, allowed: bool) -> None:
    """Raises Wrong for an address that would send ``what`` unencrypted over a network, unless that is allowed."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not allowed and not LOOPBACK.fullmatch(parts.hostname or ""):
        raise Wrong(f"sends {what} unencrypted", f"{instead}; inside a network of your own: MAILROOM_ALLOW_HTTP=true")


def _is_host(host: str, *, bracketed: bool) -> bool:
    from ipaddress import AddressValueError, IPv4Address, IPv6Address

    try:
        if bracketed:
            return bool(IPv6Address(host))
        return bool(IPv4Address(host)) if _DOTTED.fullmatch(host) else bool(_HOST.fullmatch(host))
    except AddressValueError:
        return False


def refuse_decorated(parts: SplitResult, text: str) -> None:
    """Raises Wrong if the URL has a user, a query or a fragment."""
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise Wrong("holds a user, a query or a fragment", "remove them; the key has its own setting")


def _api_url(text: str) -> None:
    refuse_decorated(url(text, example="https://api.cloud.eu.llamaindex.ai"), text)


def _site(text: str) -> None:
    host_alone(text, because="LlamaCloud calls /webhooks/llamacloud at this host")


def host_alone(text: str, *, because: str) -> None:
    """Raises Wrong for anything but ``https://host``; ``because`` says why a path is not allowed."""
    parts = url(text, example="https://mail.example.com")
    refuse_decorated(parts, text)
    if parts.path not in ("", "/"):
        raise Wrong("has a path", f"leave {parts.path} out: {because}")
    if parts.hostname in ("0.0.0.0", "::"):  # noqa: S104  refused, not bound
        raise Wrong("is a listen address, not one that clients can call", "use the host name that clients connect to")


NO_WEBHOOKS = "none"
"""The public URL of a machine that LlamaCloud cannot reach."""


def _public_site(text: str) -> None:
    if text != NO_WEBHOOKS:
        _site(text)


API_URL = Form("`https://host`, with an optional port and path; no user, query or fragment", _api_url)
SITE = Form("`https://host` or `https://host:port`; no path, user, query or fragment", _site)
PUBLIC_SITE = Form(f"{SITE.says}; or `{NO_WEBHOOKS}`", _public_site)


def checked_address(text: str) -> tuple[str, int]:
    """Host and port of ``host:port``; an IPv6 address may be in brackets. Raises Wrong."""
    host, _, port = text.rpartition(":")
    bare_host = host.removeprefix("[").removesuffix("]")
    numbered = re.fullmatch(r"\d{1,5}", port, re.ASCII) and int(port) < 65536
    if not numbered or not _is_host(bare_host, bracketed=":" in bare_host):
        raise Wrong("is not host:port", "write it like 127.0.0.1:8081 or [::1]:8081")
    return bare_host, int(port)


def _address(text: str) -> None:
    checked_address(text)


def _queue_name(text: str, *, example: str) -> None:
    scheme, _, rest = text.partition("://")
    if scheme != "sqs":
        raise Wrong("is not known", f"use {example}")
    if rest.startswith(("https://", "http://")):
        refuse_decorated(url(rest, example="sqs://https://sqs.eu-central-1.amazonaws.com/123456789012/name"), rest)
    elif not _QUEUE.fullmatch(rest):
        raise Wrong("does not name an SQS queue", "a name has up to 80 letters, digits, - and _")


def _task_queue(text: str) -> None:
    if text != "local://":
        _queue_name(text, example="local:// or sqs://name")
        if text.endswith(".fifo"):
            raise Wrong("is a FIFO queue, which cannot delay single messages", "use a standard queue")


def _inbox(text: str) -> None:
    _queue_name(text, example="sqs://name")


def _store(text: str) -> None:
    scheme, found, rest = text.partition("://")
    known = "sqlite:///mailroom.db, dynamodb://table or memory://"
    if not found:
        raise Wrong("is not a URL", f"use {known}")
    if scheme == "sqlite":
        _sqlite(rest)
    elif scheme == "dynamodb":
        if not _TABLE.fullmatch(rest):
            raise Wrong("does not name a DynamoDB table", "a name has 3 to 255 letters, digits, - _ and .")
    elif scheme != "memory" or rest:
        raise Wrong("is not a known store", f"use {known}")


def _sqlite(rest: str) -> None:
    fix = "three slashes for a path from here, sqlite:///mailroom.db; four for /var/lib/mailroom.db"
    if not rest.startswith("/"):
        raise Wrong("has a host where its path should be", fix)
    if rest.endswith("/") and rest != "/":
        raise Wrong("names a folder", "name a file in it: sqlite:///mailroom.db")
    if rest == "/:memory:" or "?" in rest or "#" in rest:
        raise Wrong("takes no options", f"{fix}; for none at all memory://")


def _spool(text: str) -> None:
    scheme, _, rest = text.partition("://")
    if scheme == "folder":
        if not rest.startswith(("/", "./")):
            raise Wrong("is not a folder", "write folder:///var/lib/mailroom/spool, or folder://./spool from here")
    elif scheme == "s3":
        if not _BUCKET.fullmatch(rest.partition("/")[0]):
            raise Wrong("does not name a bucket", "write it like s3://bucket/documents/")
        if "{" in rest or "?" in rest:
            raise Wrong("takes no fields and no options", "write it like s3://bucket/documents/")
    else:
        raise Wrong("is not known", "use folder:///path or s3://bucket/prefix/")


def _buckets(text: str) -> None:
    for place in text.split(","):
        name, slash, prefix = place.strip().partition("/")
        if not _BUCKET.fullmatch(name) or (slash and prefix and not prefix.endswith("/")):
            raise Wrong(f"names {place.strip()!r}, which is not a bucket", "write it like mail-in, or mail-in/scans/")


def _folders(text: str) -> None:
    if not all(part.strip() for part in text.split(",")):
        raise Wrong("has an empty item", "write the folders with one comma between two")


def _import_string(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", text, re.ASCII):
        raise Wrong("is not module:function", "for example my_mailroom.app:build")


def _smtp(text: str) -> None:
    example = "smtp://user:password@mail.example.com:587"
    server, _, query = text.partition("?")
    parts = url(server, schemes=("smtp", "smtps"), example=example)
    if parts.path not in ("", "/") or "#" in text or (query and not re.fullmatch(r"from=[^&@\s]+@[^&@\s]+", query)):
        raise Wrong("has more than a server", f"write it like {example}?from=mailroom@example.com")


def _watchdog(text: str) -> None:
    parts = url(text, example="https://hc-ping.com/…")
    if parts.scheme != "https" and not LOOPBACK.fullmatch(parts.hostname or ""):
        raise Wrong("uses http://, which exposes its key to the network", "write it with https://")


def _vendor_id(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._~:@=+-]{1,255}", text) or text in {".", ".."}:
        raise Wrong("is not an id as LlamaCloud shows it", "copy it from LlamaCloud, or from: mailroom doctor --no-job")


def _path(text: str) -> None:
    if text.endswith("/"):
        raise Wrong("names a folder", "name the file in it")


ADDRESS = Form("`host:port`, or empty", _address, optional=True)
TASK_QUEUE = Form("`local://`, or `sqs://` and the name or address of a standard queue", _task_queue)
INBOX = Form("`sqs://` and the name or address of a queue", _inbox)
STORE = Form("`sqlite:///file`, `dynamodb://table` or `memory://`", _store)
SPOOL = Form("`folder:///path`, `folder://./path` or `s3://bucket/prefix/`", _spool)
BUCKETS = Form("comma-separated buckets, each with an optional prefix, `bucket/prefix/`", _buckets)
FOLDERS = Form("comma-separated paths of folders", _folders)
IMPORT = Form("`module:function`", _import_string)
SMTP = Form("`smtp://` or `smtps://`, optional user and password, host, optional port and `?from=address`", _smtp)
WATCHDOG = Form("the watchdog's `https://…` URL", _watchdog)
VENDOR_ID = Form("an id of LlamaCloud's: 1 to 255 letters, digits and `. _ ~ : @ = + -`", _vendor_id)
PATH = Form("the path of a file", _path)
BOOLEAN = Form("`true` or `false`", _boolean)
