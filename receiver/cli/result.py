"""Reads the input of ``routes explain``: a classify job's JSON, or just a type and a confidence."""

import difflib
import json
import mimetypes
from typing import Any

from receiver.core.document import NAMING, Classification, Document, Origin
from receiver.core.ids import document_id
from receiver.core.job import JobStatus
from receiver.core.media import ONE_PAGE
from receiver.core.possible_facts import SOURCES

KEYS = (
    "type", "confidence", "reasoning", "name", "source", "sender", "recipients", "subject", "media_type", "size",
    "pages", "page_count", "category", "duplicate", "metadata", "origin", "document_id", "batch_id",
)  # fmt: skip
"""The known keys."""
_RECORDS = ("status", "result", "state")
"""Keys that show that the text is a job, or a document of ``mailroom documents``; these may have unknown keys, too."""
_TEXTS = ("name", "source", "sender", "subject", "media_type", "category", "document_id", "batch_id")
READ = "read"
"""Stands in for a checksum: the bytes of the example count as known, as for every document that is not adopted."""


def read_result(text: str, *, now: float) -> tuple[Classification | str, Document]:
    """The result, or why there is none (the job failed), and an example document.

    The document has the name and other facts in the text; the rest is made up. Raises ValueError, saying what is wrong
    with the text.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: line {error.lineno}, column {error.colno} cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("this is not JSON that can be read: too many digits, or nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError('this is not a result: give a JSON object like {"type": "invoice", "confidence": 0.9}')  # noqa: TRY004  one class for all that is wrong with a text
    _refuse_unknown(data)
    return _result(data), _document(data, now=now)


def _refuse_unknown(data: dict[str, Any]) -> None:
    """Refuses an unknown key: ignoring a misspelt one would silently change where the result goes."""
    record = any(key in data for key in _RECORDS)
    for key in data:
        near = difflib.get_close_matches(key.lower(), KEYS, n=1, cutoff=0.85 if record else 0.6)
        if key in KEYS or (record and not near):
            continue
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(KEYS)}"
        raise ValueError(f"{key!r} is not a known key; {hint}")
    for key in _TEXTS:
        if not isinstance(data.get(key) or "", str):
            raise ValueError(f'"{key}" must be text, not {data[key]!r}')  # noqa: TRY004  one class for all
    if not isinstance(data.get("duplicate") or False, bool):
        raise ValueError(f'"duplicate" must be true or false, not {data["duplicate"]!r}')  # noqa: TRY004  the same


def _result(data: dict[str, Any]) -> Classification | str:
    status = str(data.get("status", "completed")).lower()
    if status in {JobStatus.FAILED, JobStatus.CANCELLED}:
        return str(data.get("error_message") or f"the job is {status}")
    found = data.get("result", data)
    if found is None:
        raise ValueError(f"this job is {status}: it has no result yet")
    if not isinstance(found, dict) or "type" not in found:
        split = isinstance(found, dict) and "segments" in found
        raise ValueError('a split job has no type: give {"type": CATEGORY, …}' if split else '"type" is missing')
    return _classification(found)


def _classification(found: dict[str, Any]) -> Classification:
    name, confidence = found["type"], found.get("confidence", 0.0 if found["type"] is None else None)
    if name is not None and not isinstance(name, str):
        raise ValueError(f'"type" must be text or null, not {name!r}')
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise ValueError(f'"confidence" must be a number between 0 and 1, not {confidence!r}')
    return Classification(type=name, confidence=float(confidence), reasoning=str(found.get("reasoning") or ""))


def _document(data: dict[str, Any], *, now: float) -> Document:
    origin = data.get("origin") or {}
    if not isinstance(origin, dict):
        raise ValueError(f'"origin" must be an object, not {origin!r}')  # noqa: TRY004  one class for all
    name = str(data.get("name") or "example.pdf")
    kind = str(data.get("source") or origin.get("kind") or "upload")
    if kind not in SOURCES:
        raise ValueError(f"{kind!r} is not a source; the sources are {', '.join(SOURCES)}")
    source = Origin(
        kind=kind,
        locator=str(origin.get("locator") or name),
        sender=str(data.get("sender") or origin.get("sender") or ""),
    )
    count, pages = _pages(data)
    media_type = str(data.get("media_type") or mimetypes.guess_type(name)[0] or "")
    identity = str(data.get("document_id") or document_id(source, ""))
    return Document(
        id=identity, name=name, sha256=READ, size=_size(data), media_type=media_type, origin=source, content="",
        taken_in_at=now, naming=NAMING, batch_id=str(data.get("batch_id") or identity), pages=pages,
        page_count=count or (1 if media_type in ONE_PAGE else None), category=str(data.get("category") or ""),
        metadata=_metadata(data), duplicate_of="another document" if data.get("duplicate") is True else "",
    )  # fmt: skip


def _size(data: dict[str, Any]) -> int:
    """Bytes; 0 if absent."""
    size = data.get("size", 0)
    if type(size) is not int or size < 0:
        raise ValueError(f'"size" must be a number of bytes, not {size!r}')
    return size


def _metadata(data: dict[str, Any]) -> dict[str, str]:
    given = data.get("metadata") or {}
    if not isinstance(given, dict):
        raise ValueError(f'"metadata" must be an object, not {given!r}')  # noqa: TRY004  one class for all
    recipients = data.get("recipients") or []
    if not isinstance(recipients, list):
        raise ValueError(f'"recipients" must be a list of addresses, not {recipients!r}')  # noqa: TRY004  the same
    fields = {"to": ", ".join(map(str, recipients)), "subject": str(data.get("subject") or "")}
    return {name: value for name, value in fields.items() if value} | {str(k): str(v) for k, v in given.items()}


def _pages(data: dict[str, Any]) -> tuple[int | None, tuple[int, ...]]:
    """A count, or the list of a piece's pages."""
    given = data.get("pages", data.get("page_count"))
    if isinstance(given, list) and all(type(page) is int for page in given):
        return len(given) or None, tuple(given)
    if given is None or (type(given) is int and given > 0):
        return given, ()
    raise ValueError(f'"pages" must be a number or a list of page numbers, not {given!r}')
