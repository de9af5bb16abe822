"""What a new plan does to the places of a document: shown before it is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from receiver.core.document import Delivery, DeliveryState, Document
from receiver.core.message_type import Meaning


class Effect(StrEnum):
    """What happens at one place."""

    DELIVER = "deliver"
    """The document is stored there."""
    NOTIFY = "notify"
    """A message goes there."""
    WITHDRAW = "withdraw"
    """A message goes there that says that the earlier one no longer holds."""
    SUPERSEDE = "supersede"
    """The copy there stays, and no longer counts."""
    KEEP = "keep"
    """It is there already. A copy that did not count meanwhile is looked for, and stored again if it was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEffect:
    """One place, and what happens there."""

    effect: Effect
    place: str
    meaning: Meaning | None = None
    """Of a message, what it says."""


def effects_of(document: Document) -> tuple[PlaceEffect, ...]:
    """What its new plan, which is not carried out yet, does at each place; what happens first."""
    found = [*_effects(document)]
    order = list(Effect)
    return tuple(sorted(found, key=lambda item: order.index(item.effect)))


def _effects(document: Document) -> Iterator[PlaceEffect]:
    for item in document.deliveries:
        waits = item.state is DeliveryState.PENDING
        if item.is_message and (waits or not item.superseded):
            does = Effect.WITHDRAW if item.superseded else Effect.NOTIFY
            yield PlaceEffect(effect=does if waits else Effect.KEEP, place=_shown(item), meaning=item.meaning)
        elif not item.is_message:
            yield PlaceEffect(effect=_of_holder(item, waits=waits), place=_shown(item))


def _of_holder(item: Delivery, *, waits: bool) -> Effect:
    if item.superseded:
        return Effect.SUPERSEDE
    there = item.receipt is not None and not item.options_changed
    return Effect.DELIVER if waits and not there else Effect.KEEP


def _shown(item: Delivery) -> str:
    return item.receipt.location if item.receipt and not item.is_message else item.place or item.to.shown
