"""Translates LlamaCloud's error responses into the errors of core/errors.py.

A pure function of the response and of what the request was about. No message contains a secret: of a validation error,
only place and message are shown, not the input that LlamaCloud echoes, and known secrets are masked.
"""

import json
import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import httpx

from receiver.cloud import refused_field
from receiver.core.errors import (
    CapReached,
    CloudBusy,
    CloudRefused,
    DocumentRefused,
    FileGone,
    JobGone,
    KeyRefused,
    MailroomError,
    NotServed,
    OutOfCredits,
)
from receiver.core.vendor_input import KEPT

TEXT_LIMIT = 500
"""Maximum characters of LlamaCloud's text."""
HINT_LIMIT = 3600.0
"""Maximum seconds of a ``Retry-After``; a longer one is cut to this."""
FILE_MISSING = re.compile(r"\bFile (ID )?\S+ (is not in|not found)\b", re.IGNORECASE)
"""How LlamaCloud says, with a 400 or 404, that there is no such file (reference 1.2, the vendor's error texts)."""
CAP = re.compile(r"\b(usage|credit|spending) (limit|cap)\b|\blimit reached\b", re.IGNORECASE)
"""How a 402 says that a cap is reached, and not that all credits are used up: "This project has reached its daily usage
limit." (self-hosting documentation, usage controls)."""
PARSE_JOB_MISSING = re.compile(r"\bParse job (ID )?\S+ (is not in|not found)\b", re.IGNORECASE)
"""The same for a parse job. Mailroom creates none, so a person named one that is wrong or deleted."""
NO_SUCH_PATH = "not found"
"""FastAPI's ``detail`` in a 404 for a path that it does not serve; that of a missing file is longer."""
SECRET_LENGTH = 4
"""Minimum characters of a header value that is masked: shorter ones are words, and masking them garbles messages."""


class About(Enum):
    """What a request is about, which decides what 404 and 400 mean."""

    JOB = "job"
    FILE = "file"
    UPLOAD = "upload"
    ORDER = "order"
    """The creation of a job. LlamaCloud may reject it, or an upload, because of the document or of our settings."""
    ACCOUNT = "account"
    """Lists, projects, saved webhook configurations: a 404 means that the base URL is wrong."""


class Refusal(Exception):
    """A response of LlamaCloud that is not a success. The body has been read."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


def passing(response: httpx.Response) -> bool:
    """Whether the same request may succeed a moment later.

    The rule of the vendor's own SDK: 408, 409, 429 and 5xx, unless ``x-should-retry`` says otherwise (reference 3.1).
    """
    should_retry: str = response.headers.get("x-should-retry", "").lower()
    if should_retry in {"true", "false"}:
        return should_retry == "true"
    return response.status_code in {408, 409, 429} or response.status_code >= 500


def retry_after(response: httpx.Response, *, now: float) -> float | None:
    """The seconds of ``Retry-After``, a number or a date; None if it is absent or invalid.

    LlamaCloud does not promise this header (reference 1.8); gateways before it send it.
    """
    value = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(value) if value[:1].isdigit() else parsedate_to_datetime(value).timestamp() - now
    except (TypeError, ValueError):
        return None
    return min(seconds, HINT_LIMIT) if seconds > 0 else None


def error(response: httpx.Response, about: About, *, now: float, hide: Sequence[str] = ()) -> MailroomError:
    """The error for this response, in a sentence that names the request and the vendor's reason."""
    status = response.status_code
    asked = f"{response.request.method} {response.request.url.path}"
    text = vendor_reason(response, hide)
    detail = f"(LlamaCloud returned {status} to {asked}{': ' + text if text else ''})"
    if status == 401 or (status == 403 and _the_vendors(response)):
        return KeyRefused(f"LLAMA_CLOUD_API_KEY is not accepted {detail}")
    if status in {403, 407}:
        return CloudRefused(f"a firewall or proxy in front of LlamaCloud refuses the request {detail}")
    if status == 402 and CAP.search(text):
        return CapReached(f"a usage limit at LlamaCloud is reached {detail}")
    if status == 402:
        return OutOfCredits(f"the LlamaCloud account is out of credits {detail}")
    if passing(response) or status in {408, 409, 429} or status >= 500:
        return CloudBusy(f"LlamaCloud is busy {detail}", retry_after=retry_after(response, now=now))
    return _final(response, about, detail)


def _final(response: httpx.Response, about: About, detail: str) -> MailroomError:
    """The error of a response that a retry would not change."""
    status = response.status_code
    missing = status in {404, 410} and not _a_page(response)  # an HTML page does not come from the API
    if about is About.JOB and (missing or status == 422):  # 422: not in the format of LlamaCloud's ids
        return JobGone(f"LlamaCloud does not know this job {detail}")
    if about is About.FILE and (missing or status == 422):
        return FileGone(f"LlamaCloud no longer has this file {detail}")
    sending = about in {About.UPLOAD, About.ORDER}
    if sending and (status in {400, 413, 415, 422} or (missing and vendor_reason(response).casefold() != NO_SUCH_PATH)):
        return _refused(response, detail)
    if status in {404, 405, 410} or 300 <= status < 400:
        return NotServed(f"LlamaCloud has no such resource {detail}")
    blamed_error = _blamed(response, detail)
    return (
        CloudRefused(f"LlamaCloud rejects this {detail}") if isinstance(blamed_error, DocumentRefused) else blamed_error
    )


def _refused(response: httpx.Response, detail: str) -> MailroomError:
    """The error of a refused upload or creation."""
    status = response.status_code
    if PARSE_JOB_MISSING.search(detail):
        return FileGone(f"LlamaCloud has no such parse job, or has deleted it: {KEPT} {detail}")
    if FILE_MISSING.search(detail):  # it was found, or uploaded, a moment ago; the next attempt looks again
        return CloudBusy(f"LlamaCloud cannot find the uploaded file {detail}")
    if status in {413, 415}:
        return DocumentRefused(f"LlamaCloud rejects the document {detail}")
    return _blamed(response, detail)


def _blamed(response: httpx.Response, detail: str) -> MailroomError:
    places = [place for place, _ in _complaints(response)]
    return refused_field.blamed(response.request.url.path, places, "" if places else _detail(response), detail)


def _the_vendors(response: httpx.Response) -> bool:
    """Whether the API itself sent this error: its errors are JSON with a ``detail`` (reference 1.0)."""
    body = _body(response)
    return isinstance(body, dict) and "detail" in body


def _a_page(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith("text/html")


def vendor_reason(response: httpx.Response, hide: Sequence[str] = ()) -> str:
    """LlamaCloud's reason in one line: the text in ``detail``, the validation errors, or the start of the body."""
    complaints = _complaints(response)
    if complaints:
        text = "; ".join(f"{place}: {message}" if place else message for place, message in complaints)
    else:
        text = _detail(response)
    for secret in hide:
        text = text.replace(secret, "***") if len(secret) >= SECRET_LENGTH else text
    line = " ".join(text.split())
    return line if len(line) <= TEXT_LIMIT else f"{line[:TEXT_LIMIT]}…"


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _complaints(response: httpx.Response) -> list[tuple[str, str]]:
    """Place and message of each error of a FastAPI validation error; [] for any other body."""
    body = _body(response)
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, list):
        return []
    rows = [row for row in detail if isinstance(row, dict)]
    return [(".".join(map(str, row.get("loc") or ())), str(row.get("msg", "is not valid"))) for row in rows]


def _detail(response: httpx.Response) -> str:
    body = _body(response)
    if isinstance(body, dict):
        detail = body.get("detail", "")
        return detail if isinstance(detail, str) else json.dumps(detail)
    is_text = response.headers.get("content-type", "").startswith("text/plain")
    return response.text if is_text else ""
