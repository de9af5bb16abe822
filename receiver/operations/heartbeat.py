"""Heartbeat: a signal after each sweep, for an external watchdog and for ``/metrics``.

It stops when the sweep stops, and when every alert channel fails: then nobody could be alerted.
"""

from receiver.core.channel import Channel
from receiver.core.errors import MailroomError
from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

HEARTBEAT = "heartbeat"
"""The flag with the time of the last heartbeat."""
LOG = "log"
"""The channel that reaches no person."""


async def beat(context: Context) -> str:
    """Sends the heartbeat, unless nobody could be alerted. Returns why none was sent or accepted, else ""."""
    outcome, why = "told", ""
    try:
        if why := await _mute(context):
            outcome = "withheld"
        else:
            await put_flag(HEARTBEAT, "", await context.store.get(Flag, HEARTBEAT), context)
            if context.heartbeat is not None:
                await context.heartbeat()
    except MailroomError as error:
        outcome, why = "failed", f"{error}; {error.fix}" if error.fix else str(error)
    context.meter.count("mailroom_heartbeats", outcome=outcome)
    return why


async def failing_channels(context: Context) -> list[Channel]:
    """The alert channels that do not accept notices."""
    records = [await context.store.get(Channel, to) for to in context.channels]
    return [item for item in records if item is not None and item.failing_since is not None]


async def _mute(context: Context) -> str:
    heard = set(context.channels) - {LOG}
    mute = heard and heard <= {item.id for item in await failing_channels(context) if not item.partly}
    return "no alert channel works, so the heartbeat is withheld" if mute else ""
