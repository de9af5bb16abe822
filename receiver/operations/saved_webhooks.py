"""Saved webhook configurations at LlamaCloud, for jobs that are created elsewhere: kept in step with ours."""

from collections.abc import Sequence
from typing import Protocol

from receiver.ports import WebhookConfiguration


class Saved(Protocol):
    """A saved configuration as the API shows it; its secret never comes back, only whether there is one."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def events(self) -> tuple[str, ...] | None: ...
    @property
    def headers(self) -> "object": ...
    @property
    def output_format(self) -> str: ...
    @property
    def has_secret(self) -> bool: ...


def ours(saved: Sequence[Saved], wanted: WebhookConfiguration) -> Saved | None:
    """The saved configuration that calls us; the one with our very URL, or else one with our host."""
    exact = [item for item in saved if item.url == wanted.url]
    host = wanted.url.split("/")[2]
    near = [item for item in saved if item.url.split("/")[2:3] == [host]]
    return next(iter(exact or near), None)


def drift(saved: Saved, wanted: WebhookConfiguration) -> list[str]:
    """How the saved configuration differs from what we need, in words; empty when it does not. Names no value."""
    found = []
    if saved.url != wanted.url:
        found.append(f"url is {saved.url}, ours is {wanted.url}")
    if saved.events is None:
        found.append("events are not filtered: pending and running would be sent too")
    elif set(saved.events) != set(wanted.events):
        missing = sorted(set(wanted.events) - set(saved.events))
        extra = sorted(set(saved.events) - set(wanted.events))
        found.append(f"events: missing {', '.join(missing) or 'none'}, not needed {', '.join(extra) or 'none'}")
    if saved.output_format != wanted.output_format:
        found.append(f"format is {saved.output_format}, ours is {wanted.output_format}")
    if wanted.signing_secret and not saved.has_secret:
        found.append("it has no signing secret")
    found += _headers(saved, wanted)
    return found


def _headers(saved: Saved, wanted: WebhookConfiguration) -> list[str]:
    given = dict(saved.headers) if isinstance(saved.headers, dict) else {}
    lower = {name.lower(): value for name, value in given.items()}
    missing = [name for name in wanted.headers if name.lower() not in lower]
    other = [name for name, value in wanted.headers.items() if lower.get(name.lower(), value) != value]
    found = [f"header {name} is missing" for name in missing]
    return found + [f"header {name} has another value" for name in other]
