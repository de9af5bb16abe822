"""Requests for load: each one whole as it goes over the wire, with an event, job and document of its own."""

import hashlib
import itertools
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

from receiver.core import token
from receiver.core.verify_webhook import TOKEN_HEADER, sign

HEADER, HEADER_SECRET = "X-Mailroom-Key", "a-static-header-value-of-usual-length"
TOKEN_SECRET, SIGNING_SECRET = "a-secret-for-per-job-tokens", "whsec_a-secret-for-signatures"
BODY_BYTES = 1300
LIFETIME = 7 * 86400.0

_numbers = itertools.count(1)


def body(number: int) -> bytes:
    """An event of about BODY_BYTES as LlamaCloud writes it: the envelope, the two ids, and some result."""
    job = f"clf-{uuid.uuid4()}"
    envelope = {
        "event_id": str(uuid.uuid4()),
        "event_type": "classify.success",
        "timestamp": 1753985275.1154444 + number,
        "data": {"id": job, "job_id": job, "status": "COMPLETED", "reasoning": ""},
    }
    filler = "The page shows an invoice number, line items and a total amount due. "
    missing = BODY_BYTES - len(json.dumps(envelope))
    envelope["data"]["reasoning"] = (filler * 20)[: max(missing, 0)]  # type: ignore[index]
    return json.dumps(envelope).encode()


def event(*, now: float) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one event, verified by headers, token and signature."""
    number = next(_numbers)
    content = body(number)
    document = "doc_" + hashlib.sha256(str(number).encode()).hexdigest()[:24]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "llamaindex-webhook-service/1.0",
        HEADER: HEADER_SECRET,
        TOKEN_HEADER: token.make_token(document, TOKEN_SECRET.encode(), expires_at=now + LIFETIME),
        "LC-Signature": sign(content, SIGNING_SECRET.encode()).decode(),
    }
    return headers, content


def request(path: str, *, now: float) -> bytes:
    """One request as it goes over the wire."""
    headers, content = event(now=now)
    head = {"Host": "127.0.0.1", "Content-Length": str(len(content)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


def write(folder: Path, path: str, *, count: int, threads: int, now: float) -> list[Path]:
    """``count`` requests, dealt out to one file for each thread of wrk: length, newline, request, and so on."""
    files = [folder / f"requests.{thread}" for thread in range(threads)]
    for file in files:
        with file.open("wb") as out:
            for made in itertools.islice(_requests(path, now), count // threads):
                out.write(b"%d\n%b" % (len(made), made))
    return files


def _requests(path: str, now: float) -> Iterator[bytes]:
    while True:
        yield request(path, now=now)
