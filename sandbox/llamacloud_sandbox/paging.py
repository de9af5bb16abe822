"""Cursor pages: `{items, next_page_token, total_size}`. A token names the last key given, so new records shift none."""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from llamacloud_sandbox.refused import Refused

T = TypeVar("T")


def page(
    keyed: Iterable[tuple[Any, T]],
    *,
    size: int,
    token: str | None,
    render: Callable[[T], Any],
    where: Callable[[T], bool],
) -> dict[str, Any]:
    """One page of `keyed` (already starting after the token), with a token only if another matching record follows.

    `total_size` is counted on the first page only: counting again on each page would make a long listing quadratic.
    """
    items: list[Any] = []
    last, more, total = None, False, 0
    for key, record in keyed:
        if not where(record):
            continue
        total += 1
        if len(items) < size:
            items.append(render(record))
            last = key
            continue
        more = True
        if token is not None:
            break
    return {
        "items": items,
        "next_page_token": _encode(last) if more else None,
        "total_size": total if token is None else None,
    }


def key_of(token: str | None, kind: type[T]) -> T | None:
    """The key inside a page token; None without one. Raises Refused (400) for a token that is not ours."""
    if token is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError) as error:
        raise Refused(400, "Invalid page token") from error
    if not isinstance(key, kind) or isinstance(key, bool):
        raise Refused(400, "Invalid page token")
    return key


def _encode(key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
