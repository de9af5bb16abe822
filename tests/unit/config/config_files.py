"""A sound mailroom.yaml, and ways to spoil it."""

from collections.abc import Mapping

import pytest

from receiver.config import Config, parse
from receiver.core.errors import Misconfigured

SOUND = """\
classify:
  rules:
    - {type: invoice, description: has a number and a total amount}
    - {type: contract, description: an agreement with signatures}
routes:
  - type: invoice
    min_confidence: 0.8
    to: [s3://mail/invoices/]
  - {type: contract, to: s3://mail/contracts/}
no_match: {to: [s3://mail/unsorted/], review: true}
low_confidence: {review: true}
failed: {to: [s3://mail/failed/]}
"""


def read(text: str = SOUND, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration in this text."""
    return parse(text, environ or {})


def spoilt(old: str, new: str) -> str:
    """The sound file with one thing changed."""
    assert old in SOUND
    return SOUND.replace(old, new, 1)


def refusal(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines with which the text is refused."""
    with pytest.raises(Misconfigured) as caught:
        read(text, environ)
    return str(caught.value).splitlines()
