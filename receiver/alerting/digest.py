"""Digest: reports the causes beyond a channel's ceiling together, with their number, and when all of them are over."""

from dataclasses import replace

from receiver.alerting.notices import after_notice, hand_over, line_of, page_link
from receiver.core.alert import Severity
from receiver.core.change import Query
from receiver.core.channel import Channel
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
    if count == channel.digest_count and not channel.digest_telling:
        return replace(channel, digest_at=None)
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
    )  # fmt: skip


async def send_digest(notice: Notice, channel: Channel, context: Context) -> Channel:
    """Sends the digest; returns the updated channel. Raises what the channel raises."""
    thread, but = await hand_over(notice, channel.id, context)
    notified = after_notice(channel, but, context.clock(), counts=False)
    thread = (thread or channel.thread) if notice.count else ""
    return replace(notified, digest_at=None, digest_count=notice.count, digest_telling=False, thread=thread)


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
