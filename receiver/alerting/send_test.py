"""Sends a test notice to one channel at once, and stores the result."""

import asyncio
from dataclasses import replace

from receiver.alerting.notices import SEND_SECONDS, page_link
from receiver.alerting.wake_channels import bring_forward
from receiver.core.alert import Severity
from receiver.core.change import Insert, Replace
from receiver.core.channel import Channel
from receiver.core.channel_name import channel_name
from receiver.core.errors import Conflict, MailroomError, NotFound, PartlyNotified, Permanent
from receiver.core.notice import Notice, NoticeStatus
from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context

CONFLICTS = 20


async def send_test(to: str, context: Context, *, who: str) -> Exception | None:
    """Sends a test notice to this channel (name or address). Returns None if the channel accepts it and a probe finds
    no fault, else the error. Raises NotFound.
    """
    to = channel_name(to)
    if to not in context.channels:
        raise NotFound(
            f"there is no alert channel {to}",
            fix=f"known channels: {', '.join(context.channels) or 'none'}: see mailroom.yaml",
        )
    channel, probing = context.channels[to], False
    error: Exception | None = None
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await channel.notify(_test(who, context))
            probing = True
            if faults := await channel.probe():
                raise Permanent("; ".join(faults))
    except Exception as refused:  # noqa: BLE001 - whatever it is, the channel did not accept the notice
        error = refused if str(refused) else MailroomError(f"it took longer than {SEND_SECONDS:.0f} seconds")
    await _remember(to, error, context, by_probe=probing)
    return error


def _test(who: str, context: Context) -> Notice:
    now = context.clock()
    return Notice(
        id=f"test-{context.random_id()}",
        status=NoticeStatus.TEST,
        severity=Severity.INFO,
        kind="test",
        key="test",
        title=f"{who} sent a test notice: no action needed",
        fix="no action needed",
        opened_at=now,
        last_at=now,
        at=now,
        link=page_link(context, "alerts"),
        site=context.site,
    )


async def _remember(to: str, error: Exception | None, context: Context, *, by_probe: bool) -> None:
    """A channel that accepted the test works, and gets what it missed. One that did not is failing."""
    now = context.clock()
    for _ in range(CONFLICTS):
        known = await context.store.get(Channel, to)
        channel = known or Channel(id=to)
        if error is None:
            after = await _not_waiting(channel.well(now), context)
        else:
            after = channel.failed(
                str(error),
                error.fix if isinstance(error, MailroomError) else "",
                now,
                partly=isinstance(error, PartlyNotified),
                by_probe=by_probe,
                certain=isinstance(error, Permanent),
            )
        try:
            await context.store.apply(Replace(after) if known else Insert(after))
        except Conflict:
            continue
        break
    else:
        return  # it is being notified right now, which shows as much
    await bring_forward(to, now, "tried", context)


async def _not_waiting(channel: Channel, context: Context) -> Channel:
    """The channel, released by a task that only waits to retry."""
    holder = await context.store.get(Task, channel.holder) if channel.holder else None
    waits = holder is not None and holder.state is TaskState.READY
    return replace(channel, holder="", held_until=0.0) if waits else channel
