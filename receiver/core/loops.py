"""Loops: does what is delivered come in again? Each round would be paid for, and none would be the last."""

import os
from collections.abc import Iterable


def feeds(sources: Iterable[str], url: str) -> str:
    """The source that what goes to ``url`` would come in from again; "" for none.

    Sources are folders, or ``s3://bucket/prefix``. The URL is a destination's, with fields, or a spool's.
    """
    for source in sources:
        if source.startswith("s3://") and url.startswith("s3://"):
            if _base(url).startswith(_bucket_and_prefix(source)):
                return source
        elif url.startswith("folder://") and not source.startswith("s3://"):
            folder, into = os.path.realpath(source), os.path.realpath(_base(url).removeprefix("folder://") or ".")
            if os.path.commonpath([folder, into]) == folder:
                return source
    return ""


def _base(url: str) -> str:
    """The literal part of a template, up to its last slash. All deliveries are under it."""
    literal = url.partition("{")[0]
    return literal[: literal.rfind("/") + 1]


def _bucket_and_prefix(source: str) -> str:
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    return f"s3://{bucket}/{prefix}"
