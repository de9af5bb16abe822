"""The key of a document at a destination: the S3 key or the path in a folder, from the row's template.

The same document always gets the same key, so that a repeated delivery is the same delivery.
"""

import hashlib
import re
import string
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from receiver.core.document import Classification, Delivery, Document
from receiver.core.pages import spans
from receiver.core.plan import Target
from receiver.core.safe_names import NAME_BYTES, cleaned, safe_file, safe_word

UNTYPED = "untyped"
"""The value of ``{type}`` and ``{category}`` for a document without one."""
NOBODY = "unknown"
"""The value of ``{sender}`` for a document without one."""
TYPE_BYTES = 50
"""LlamaCloud's limit for a rule's type (reference 1.2)."""
EXTENSION_BYTES = 12
"""The longest extension, with its dot, that is kept where a name is shortened or marked."""
WORD_BYTES = 60
"""The limit of values that are usually short: sources, ids, pages."""
FIELDS = frozenset(
    {
        "document_id",
        "filename",
        "stem",
        "ext",
        "type",
        "yyyy",
        "mm",
        "dd",
        "source",
        "sender",
        "batch",
        "category",
        "pages",
    }
)
"""The fields that a destination's path may use."""


def path_fields(document: Document, classification: Classification | None = None) -> dict[str, str]:
    """The values of a template's fields. Dates are those of the intake, in UTC: a repeat yields the same key."""
    found = classification or document.effective
    received = datetime.fromtimestamp(document.taken_in_at, UTC)
    dates = {"yyyy": f"{received:%Y}", "mm": f"{received:%m}", "dd": f"{received:%d}"}
    type_ = found.type if found and found.type else ""
    return {"document_id": document.id, **dates, **(_distinct if document.naming > 1 else _as_before)(document, type_)}


def _distinct(document: Document, type_: str) -> dict[str, str]:
    """Different values give different parts."""
    name = safe_file(document.name)
    path, origin, pages = PurePosixPath(name), document.origin, spans(document.pages).replace(", ", "_")
    return {
        "filename": name,
        "stem": path.stem,
        "ext": path.suffix.lstrip("."),
        "type": safe_word(type_, most=TYPE_BYTES, taken=[UNTYPED]) if type_ else UNTYPED,
        "source": safe_word(origin.kind, most=WORD_BYTES),
        "sender": safe_word(origin.sender, taken=[NOBODY]) if origin.sender else NOBODY,
        "batch": safe_word(document.batch_id or document.id, most=WORD_BYTES),
        "category": safe_word(document.category, taken=[UNTYPED]) if document.category else UNTYPED,
        "pages": safe_word(pages, most=WORD_BYTES) if pages else "all",
    }


def _as_before(document: Document, type_: str) -> dict[str, str]:
    """A value as it was written before documents had a ``naming``: old keys must not change."""
    name = safe_name(document.name)
    path = PurePosixPath(name)
    return {
        "filename": name,
        "stem": path.stem,
        "ext": path.suffix.lstrip("."),
        "type": safe_part(type_) if type_ else UNTYPED,
        "source": safe_part(document.origin.kind),
        "sender": safe_part(document.origin.sender) if document.origin.sender else NOBODY,
        "batch": safe_part(document.batch_id or document.id),
        "category": safe_part(document.category) if document.category else UNTYPED,
        "pages": spans(document.pages).replace(", ", "_") if document.pages else "all",
    }


def safe_name(name: str) -> str:
    """A safe name as it was made before ``safe_file``."""
    clean = cleaned(re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1])
    return _shortened(clean) or "document"


def attachment(name: str) -> str:
    """The header ``Content-Disposition`` of a file that is downloaded under this name. Source: RFC 6266, RFC 8187."""
    return f"attachment; filename*=UTF-8''{quote(safe_name(name), safe='')}"


def _shortened(name: str) -> str:
    if len(name.encode()) <= NAME_BYTES:
        return name
    path = PurePosixPath(name)
    suffix = path.suffix if len(path.suffix.encode()) <= EXTENSION_BYTES else ""
    stem = name[: len(name) - len(suffix)].encode()[: NAME_BYTES - len(suffix.encode()) - 9].decode(errors="ignore")
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{stem.rstrip(' .')}-{mark}{suffix}"


def safe_part(value: str) -> str:
    """A part of a path as it was made before ``safe_word``."""
    return re.sub(r"[. ]+", "_", safe_name(value)).strip("_") or "_"


def render(template: str, values: Mapping[str, str]) -> str:
    """The path that a template gives; one that ends in ``/`` gets ``{document_id}/{filename}``.

    The values are safe parts, so the result can't leave the template's own literal prefix.
    """
    return (template + "{document_id}/{filename}" if template.endswith("/") else template).format_map(values)


def rendered_address(document: Document, target: Target) -> str:
    """The address of the target for this document: its URL with its fields filled in, behind the endpoint if it has
    one.

    So the same bucket and key at two endpoints are two places, with a delivery for each.
    """
    fixed = not (target.url.endswith("/") or "{" in target.url or "}" in target.url)
    url = target.url if fixed else render(target.url, path_fields(document))
    return f"{target.endpoint} {url}" if target.endpoint else url


def url_at(place: str, scheme: str) -> str:
    """The URL in an address that ``rendered_address`` made of a target with this scheme, without the endpoint."""
    return place if place.startswith(f"{scheme}:") else place.partition(" ")[2]


def stored_url(delivery: Delivery) -> str:
    """The URL of a delivery: a delivered document goes to its present place, even if new names would be made
    differently.
    """
    location = delivery.receipt.location if delivery.receipt and not delivery.is_message else ""
    return location if location.startswith(f"{delivery.to.scheme}://") else url_at(delivery.place, delivery.to.scheme)


def place_beside(place: str, sha256: str) -> str:
    """A place next to this one, for other bytes: its last part is marked with the beginning of their checksum."""
    folder, slash, name = place.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) >= EXTENSION_BYTES:
        stem, dot, extension = name, "", ""
    return f"{folder}{slash}{stem}-{sha256[:8]}{dot}{extension}"


def template_faults(template: str) -> list[str]:
    """What is wrong with a path template, in words; empty when it is fine.

    A template must not be able to leave its prefix, and must give each document its own key.
    """
    faults = field_faults(template)
    if not faults and not template.endswith("/") and "document_id" not in {name for name, _ in _parsed(template)}:
        faults.append("two documents could get the same key: use {document_id}, or end the path with /")
    return faults


def field_faults(template: str) -> list[str]:
    """What is wrong with the fields and parts of any template, path or not; empty when it is fine."""
    try:
        found = _parsed(template)
    except ValueError:
        return ["a { without its }, or a } without its {: write fields like {document_id}"]
    known = ", ".join(sorted(FIELDS))
    faults = [f"unknown field {{{name}}}; known fields: {known}" for name, _ in found if name not in FIELDS]
    faults += [f"{{{name}}} takes no format" for name, formatted in found if name in FIELDS and formatted]
    # {ext} may be empty, so `..{ext}` could leave the prefix, too.
    if any(part in {".", ".."} for part in template.replace("{ext}", "").split("/")):
        faults.append("`.` and `..` in the path could leave the prefix")
    return faults


def _parsed(template: str) -> list[tuple[str, bool]]:
    """Each field, and whether it carries a format or conversion. Raises ValueError."""
    parsed = string.Formatter().parse(template)
    return [(name, bool(spec or conversion)) for _, name, spec, conversion in parsed if name is not None]
