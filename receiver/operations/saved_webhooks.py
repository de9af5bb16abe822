"""Compares the webhook configurations saved at LlamaCloud, for jobs created elsewhere, with ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from receiver.core.job import WebhookConfiguration
from receiver.core.masked_value import may_show


class Saved(Protocol):
    """A saved configuration as the API shows it; its secret never comes back, only whether there is one."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def events(self) -> tuple[str, ...] | None: ...
    @property
    def headers(self) -> Mapping[str, str | None]:
        """Their values may be masked."""
        ...

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


@dataclass(frozen=True, slots=True)
class Drift:
    """What comparing a saved configuration with ours found, in words without values."""

    differs: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    """The parts that LlamaCloud does not show, so that they cannot be compared."""


def drift(saved: Saved, wanted: WebhookConfiguration) -> Drift:
    """How the saved configuration differs from what we need, and what cannot be compared."""
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
    lower = {name.lower(): value for name, value in saved.headers.items()}
    there = {
        name: may_show(lower[name.lower()], value) for name, value in wanted.headers.items() if name.lower() in lower
    }
    found += [f"header {name} is missing" for name in wanted.headers if name not in there]
    found += [f"header {name} has another value" for name, same in there.items() if same is False]
    untold = [f"header {name}: LlamaCloud masks its value" for name, same in there.items() if same is None]
    if wanted.signing_secret and saved.has_secret:
        untold.append("the signing secret: LlamaCloud never shows it")
    return Drift(tuple(found), tuple(untold))
