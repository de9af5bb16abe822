"""From bytes to an event.

LlamaCloud's envelope has four fields: event_id, event_type, timestamp (Unix seconds as a float) and data; the job id
is in ``data.job_id`` or in ``data.id``; with ``webhook_output_format: string`` the whole body, or only ``data``,
is JSON inside a JSON string. Source: reference 2.1 to 2.3 (webhooks page, and handlers that people run). Event types
are an open set: the vendor added types three times in 2026, and a 4xx would only make it retry an event that we do not
know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from receiver.core.errors import Malformed
from receiver.core.ids import event_key, id_parts
from receiver.core.strict import refuse_ambiguity

ID_LIMIT = 255
"""Characters of an event id, type or job id; no real id is longer."""
LATEST = 253_402_300_800.0
"""The year 10000, in Unix seconds."""


@dataclass(slots=True)
class Verified:
    """A body that may be parsed. Only ``Proving`` (verify.py) makes one."""

    body: bytes = field(repr=False)
    by: tuple[str, ...]
    """The valid proofs, with the number of the secret that matched: ``headers:0``, ``signature:1``."""
    document_id: str = ""
    """The document that its token names."""


class Inbound:
    """A request as it arrived: headers from the server (lower-case names, bytes), the raw body, and its sender.

    ``verified`` is set, and ``body`` empty, if the proofs were verified while the body arrived. ``arrived_at`` is None
    for one that arrives now, and else when a queue got it (Unix seconds).
    """

    __slots__ = ("_last", "arrived_at", "body", "headers", "peer", "verified")

    def __init__(
        self, headers: Sequence[tuple[bytes, bytes]], body: bytes, peer: str = "", *, arrived_at: float | None = None
    ) -> None:
        self.headers = headers
        self.body = body
        self.peer = peer
        self.arrived_at = arrived_at
        self.verified: Verified | None = None
        self._last = dict(headers)

    @property
    def size(self) -> int:
        """The size of the body in bytes."""
        return len(self.verified.body if self.verified else self.body)

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header, in order; ``name`` is lower case."""
        if len(self._last) == len(self.headers):  # no name occurs twice
            return [self._last[name]] if name in self._last else []
        return [value for key, value in self.headers if key == name]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True):
    """One verified webhook, stored once: its envelope, not its payload.

    It is a struct because one is created and encoded for each request, which takes a tenth of a dataclass's time.
    """

    id: str
    """``event_key`` of LlamaCloud's id and the proven document; the same for a repetition."""
    type: str
    job_id: str
    other_id: str = ""
    """``data.id`` if it differs from ``data.job_id``: tried if there is no job with the latter."""
    sent_at: float | None = None
    received_at: float
    verified_by: tuple[str, ...] = ()
    document_id: str = ""
    """The document that the per-job token names, "" without a token."""
    late: bool = False
    """Whether it was older than MAILROOM_LATE_AFTER on arrival: it is stored all the same."""
    as_string: bool = False
    """Whether it arrived in the double-encoded ``string`` format, although we ask for ``json``."""
    size: int = 0
    expires_at: float | None = None
    version: int = 0

    @property
    def event_id(self) -> str:
        """LlamaCloud's own id of the event."""
        sent = self.id.partition(":")[0]
        return id_parts(sent)[0] if "%" in sent else sent


class _Ids(msgspec.Struct):
    job_id: str | None = None
    id: str | None = None


class _Envelope(msgspec.Struct):
    event_id: str
    event_type: str
    timestamp: float | str | None = None
    data: _Ids | str | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_ids_inside = msgspec.json.Decoder(_Ids | None)
_text = msgspec.json.Decoder(str)


def parse_event(
    body: bytes,
    *,
    received_at: float,
    verified_by: tuple[str, ...] = (),
    document_id: str = "",
    late_after: float | None = None,
    expires_at: float | None = None,
) -> Event:
    """The event in this body, which must have been verified. Raises Malformed."""
    try:
        raw, as_string = _unwrap(body)
        envelope = _envelope.decode(raw)
        refuse_ambiguity(raw)
        ids, data_as_string = _job_ids(envelope.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not a LlamaCloud event: {error}") from error
    job_id = ids.job_id or ids.id or ""
    sent_at = _moment(envelope.timestamp)
    return Event(
        id=event_key(_limited(envelope.event_id, "event_id"), document_id),
        type=_limited(envelope.event_type, "event_type"),
        job_id=_limited(job_id, "job id", empty=True),
        other_id=_limited(ids.id, "data.id") if ids.id and ids.id != job_id else "",
        sent_at=sent_at,
        received_at=received_at,
        verified_by=verified_by,
        document_id=document_id,
        late=late_after is not None and sent_at is not None and received_at - sent_at > late_after,
        as_string=as_string or data_as_string,
        size=len(body),
        expires_at=expires_at,
    )


def _unwrap(body: bytes) -> tuple[bytes, bool]:
    """The JSON object's bytes, and whether they came as JSON text inside a JSON string."""
    if body[:1] == b"{" or body.lstrip(b" \t\r\n")[:1] != b'"':
        return body, False
    return _text.decode(body).encode(), True


def _job_ids(data: _Ids | str | None) -> tuple[_Ids, bool]:
    """The ids, and whether they came as JSON text inside a JSON string."""
    if not isinstance(data, str):
        return data or _Ids(), False
    if not data:
        return _Ids(), True
    inside = _ids_inside.decode(data)
    refuse_ambiguity(data.encode())
    return inside or _Ids(), True


def _moment(timestamp: float | str | None) -> float | None:
    """The envelope's timestamp; None for a value outside of the supported years."""
    return timestamp if isinstance(timestamp, float) and 0 <= timestamp < LATEST else None


def _limited(value: str, what: str, *, empty: bool = False) -> str:
    if (not value and not empty) or len(value) > ID_LIMIT:
        raise Malformed(f"{what} must have 1 to {ID_LIMIT} characters")
    return value
