"""What a person holds against the table: a classify job's JSON, or just a type and a confidence."""

import json
from typing import Any

from receiver.core.document import Classification, Document, Origin
from receiver.core.job import JobStatus
from receiver.core.naming import document_id


def read_result(text: str, *, now: float) -> tuple[Classification | str, Document]:
    """The result, or why there is none (the job failed), and an example document.

    The document is named like the one in the text where there is one; the rest is made up. Raises ValueError, saying
    what is wrong with the text.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ValueError('this is not a result: a JSON object like {"type": "invoice", "confidence": 0.9} is wanted')  # noqa: TRY004  one class for all that is wrong with a text
    return _result(data), _document(data, now=now)


def _result(data: dict[str, Any]) -> Classification | str:
    status = str(data.get("status", "completed")).lower()
    if status in {JobStatus.FAILED, JobStatus.CANCELLED}:
        return str(data.get("error_message") or f"the job is {status}")
    found = data.get("result", data)
    if found is None:
        raise ValueError(f"this job is {status}: it has no result yet")
    if not isinstance(found, dict) or "type" not in found:
        split = isinstance(found, dict) and "segments" in found
        raise ValueError('a split job has no type: give {"type": CATEGORY, …}' if split else 'there is no "type" in it')
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
    name = str(data.get("name") or "example.pdf")
    source = Origin(
        kind=str(data.get("source") or origin.get("kind") or "upload"),
        locator=str(origin.get("locator") or name),
        sender=str(data.get("sender") or origin.get("sender") or ""),
    )
    count, pages = _pages(data)
    identity = str(data.get("document_id") or document_id(source, ""))
    return Document(
        id=identity, name=name, sha256="", size=0, media_type="", origin=source, content="", taken_in_at=now,
        batch_id=str(data.get("batch_id") or identity), category=str(data.get("category") or ""),
        page_count=count, pages=pages, metadata={"subject": str(data.get("subject") or "")},
    )  # fmt: skip


def _pages(data: dict[str, Any]) -> tuple[int | None, tuple[int, ...]]:
    """A count, or the list of a piece's pages."""
    given = data.get("pages", data.get("page_count"))
    if isinstance(given, list) and all(type(page) is int for page in given):
        return len(given) or None, tuple(given)
    if given is None or (type(given) is int and given > 0):
        return given, ()
    raise ValueError(f'"pages" must be a number or a list of page numbers, not {given!r}')
