"""Records to JSON and back.

Stored records outlive the code that wrote them: fields that a record no longer has are ignored, new fields take their
defaults. So a field may be added with a default, and removed a release after its last reader.
"""

from typing import Any

import msgspec

from receiver.core.change import INDEXES, Record
from receiver.ports import R

_encoder = msgspec.json.Encoder()
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(kind) for kind in INDEXES}


def encode(record: Record) -> str:
    """The record as one line of JSON. Raises UnicodeEncodeError on text that is not Unicode (lone surrogates)."""
    return _encoder.encode(record).decode()


def decode(kind: type[R], body: str | bytes) -> R:
    """The record that was encoded. Raises msgspec.ValidationError when the body is not one of this kind."""
    record: R = _decoders[kind].decode(body)
    return record


def copy(record: R) -> R:
    """The record as it would come back from a file: equal, and sharing no object."""
    return decode(type(record), _encoder.encode(record))
