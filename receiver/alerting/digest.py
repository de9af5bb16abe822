"""Digest: reports the causes beyond a channel's ceiling together, with their number, and when all of them are over."""

from dataclasses import replace

from receiver.alerting.notices import after_notice, hand_over, line_of, page_link
from receiver.alerting.remaining import GIVEN_UP
from receiver.core.alert import Severity
from receiver.core.change import Query
from receiver.core.channel import RETRY_SECONDS, Channel
from receiver.core.incident import Incident
from receiver.core.notice import Notice, NoticeStatus
from receiver.core.notification import Notification
from receiver.core.quantity import quantity
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record

FIRST_SECONDS = 60.0
"""How long the first digest waits for more causes."""
NEXT_SECONDS = 600.0
"""The pause between two digests of a channel."""
SHOWN = 20
PAGE = 200
KEY = "others"


def more(channel: Channel, now: float) -> Channel:
    """The channel, due for a digest because the number of its other causes has changed."""
    wait = NEXT_SECONDS if channel.digest_count else FIRST_SECONDS
    return channel if channel.digest_at is not None else replace(channel, digest_at=now + wait)


async def next_digest(channel: Channel, context: Context) -> Notice | Channel:
    """The notice with the number of other causes and the worst of them. If the channel already has that, or must not be
    notified now, the updated channel instead.
    """
    now = context.clock()
    count, worst = await _others(channel.id, context)
    known, owed = count == channel.digest_count and not channel.digest_telling, channel.digest_owed
    if known and not owed:
        return replace(channel, digest_at=None)
    if owed and not known:  # all get the next one, which comes as late as it does without these retries
        return replace(channel, digest_at=now + NEXT_SECONDS, digest_owed=(), digest_tries=0)
    severity = max((item.severity for item in worst), key=lambda item: item.rank, default=Severity.INFO)
    if count and (until := _hushed(channel.id, severity, context)) is not None:
        return replace(channel, digest_at=until)
    return Notice(
        id=f"{KEY}-{count}-{channel.digest_at or now:.3f}",  # the id stays the same when it is sent again
        status=NoticeStatus.DIGEST,
        severity=severity,
        kind="digest",
        key=KEY,
        title=f"{quantity(count, 'other cause')} beyond this channel's ceiling" if count
        else "the other causes beyond this channel's ceiling are resolved",
        count=count,
        others=tuple(line_of(item, context) for item in worst[:SHOWN]),
        opened_at=min((item.opened_at for item in worst), default=now),
        last_at=now,
        at=now,
        commands=("mailroom alerts list",),
        link=page_link(context, "alerts"),
        site=context.site,
        thread=channel.thread,
        only=owed,
    )  # fmt: skip


async def send_digest(notice: Notice, channel: Channel, context: Context) -> Channel:
    """Sends the digest; returns the updated channel. Raises what the channel raises.

    Addresses that defer it get it again, alone, a limited number of times, unless the number changes before.
    """
    thread, but = await hand_over(notice, channel.id, context)
    now = context.clock()
    notified = after_notice(channel, but, now, counts=False)
    thread = (thread or channel.thread) if notice.count else ""
    owed, tries = but.retry if but is not None else (), channel.digest_tries if notice.only else 0
    if tries >= GIVEN_UP - 1:
        owed = ()
    return replace(
        notified,
        digest_at=now + RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)] if owed else None,
        digest_count=notice.count,
        digest_telling=False,
        digest_owed=owed,
        digest_tries=tries + 1 if owed else 0,
        thread=thread,
    )


def _hushed(to: str, severity: Severity, context: Context) -> float | None:
    """Until when the channel gets critical notices only; None if one of its rules has no quiet hours now."""
    hours = [rule.quiet_hours for rule in context.config.alerts if rule.to == to]
    ends = [item.until(context.clock()) for item in hours if item is not None]
    if severity is Severity.CRITICAL or len(ends) < len(hours) or not all(ends):
        return None
    return min((end for end in ends if end is not None), default=None)


async def _others(to: str, context: Context) -> tuple[int, list[Incident]]:
    """How many causes are held back from this channel, and the worst among the first of them."""
    count = 0
    first: list[str] = []
    async for item in every_record(Notification, Query(by="held", key=to, limit=PAGE), context.store):
        count += 1
        first += [item.incident_id] if len(first) < PAGE else []
    found = [await context.store.get(Incident, incident_id) for incident_id in first]
    incidents = [item for item in found if item is not None]
    return count, sorted(incidents, key=lambda item: (-item.severity.rank, -item.count))
