"""Heartbeat: a sign of life after each sweep, for whoever watches Mailroom from outside, and for ``/metrics``.

It stops when the sweep does, and when every alert channel fails: then nobody could be told of anything.
"""

import contextlib

from receiver.core.change import put
from receiver.core.channel import Channel
from receiver.core.errors import Conflict, MailroomError
from receiver.core.flag import Flag
from receiver.flow.tools import Tools

HEARTBEAT = "heartbeat"
"""The flag that says when the last one was."""
LOG = "log"
"""The channel that no person hears."""


async def beat(tools: Tools) -> str:
    """Gives the sign, unless nobody could be told of anything; in words, why none was given or taken, else ""."""
    outcome, why = "told", ""
    try:
        if why := await _mute(tools):
            outcome = "withheld"
        else:
            await _noted(tools)
            if tools.heartbeat is not None:
                await tools.heartbeat()
    except MailroomError as error:
        outcome, why = "failed", f"{error}; {error.fix}" if error.fix else str(error)
    tools.meter.count("mailroom_heartbeats", outcome=outcome)
    return why


async def failing_channels(tools: Tools) -> list[Channel]:
    """The alert channels that do not take notices."""
    records = [await tools.store.get(Channel, to) for to in tools.channels]
    return [one for one in records if one is not None and one.failing_since is not None]


async def _mute(tools: Tools) -> str:
    heard = set(tools.channels) - {LOG}
    mute = heard and heard <= {one.id for one in await failing_channels(tools) if not one.partly}
    return "no alert channel takes notices, so the heartbeat is withheld" if mute else ""


async def _noted(tools: Tools) -> None:
    flag = await tools.store.get(Flag, HEARTBEAT)
    noted = Flag(id=HEARTBEAT, value="", at=tools.clock())
    with contextlib.suppress(Conflict):  # then another worker's sweep noted it
        await tools.store.apply(put(noted, flag))
