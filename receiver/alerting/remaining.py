"""Remaining: retries the addresses of a channel that did not take its last notice, apart from its other addresses."""

import asyncio
from dataclasses import replace

from receiver.alerting.notices import SEND_SECONDS, hand_over, notice_of
from receiver.core.change import Replace, succeeding
from receiver.core.channel import RETRY_SECONDS
from receiver.core.errors import PartlyNotified, Unanswered
from receiver.core.incident import Incident
from receiver.core.next_notice import remaining_notice
from receiver.core.notification import Notification, after_remaining, maybe_informed
from receiver.pipeline.context import Context

GIVEN_UP = 10
"""Attempts after which a notice is given up that an address, or a channel that accepts others, refuses."""


async def retry_remaining(
    incident: Incident, item: Notification, context: Context
) -> tuple[Notification, PartlyNotified | None]:
    """Sends these addresses the incident's present state, if they are due. Returns the notification, and the refusal if
    addresses were given up because of it. Raises Conflict before anything is sent.
    """
    now = context.clock()
    if not item.owed or 0 < (item.owed_at or 0.0) - now <= RETRY_SECONDS[-1]:
        return item, None
    word = remaining_notice(incident, item)
    if not word:
        return replace(item, owed_at=None), None  # when the incident changes
    begun, item = await _begun(item, context)
    notice = replace(notice_of(incident, item, word, reminder=False, context=context), only=item.owed)
    try:
        async with asyncio.timeout(SEND_SECONDS):
            _, but = await hand_over(notice, item.channel, context)
    except Exception as error:  # noqa: BLE001 - the channel fails, not an address: no attempt is counted
        after = begun if isinstance(error, (TimeoutError, Unanswered)) else item
        return replace(after, owed_at=now + RETRY_SECONDS[-1]), None
    if but is None:
        return owing(after_remaining(item, ()), (), now), None
    item, tries = after_remaining(item, but.missed), item.owed_tries + 1
    if but.never or tries >= GIVEN_UP:
        return owing(item, (), now), but
    return owing(item, but.retry, now, tries), None


def owing(item: Notification, addresses: tuple[str, ...], now: float, tries: int = 0) -> Notification:
    """The notification with the addresses to retry later, and when."""
    owed_at = now + RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)] if addresses else None
    return replace(item, owed=addresses, owed_at=owed_at, owed_tries=tries if addresses else 0)


async def _begun(item: Notification, context: Context) -> tuple[Notification, Notification]:
    """The notification as it is if this process dies now, which is stored, and as it is if nobody gets the notice."""
    begun = maybe_informed(item)
    if begun == item:
        return item, item
    await context.store.apply(Replace(begun))
    begun = succeeding(begun)
    return begun, replace(item, version=begun.version)
