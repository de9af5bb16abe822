"""Try out: a notice that is marked as a test, to one channel, at once; what the channel made of it is remembered."""

import asyncio
from dataclasses import replace

from receiver.core.alert import Severity
from receiver.core.change import Ensure, Insert, Update
from receiver.core.channel import FAILURES_TOLD, Channel
from receiver.core.channel_name import channel_name
from receiver.core.errors import Conflict, MailroomError, NotFound, Permanent
from receiver.core.notice import Notice, Word
from receiver.flow.alert import wake
from receiver.flow.notices import page_link
from receiver.flow.notify import SEND_SECONDS
from receiver.flow.tools import Tools

CONFLICTS = 20


async def try_out(to: str, tools: Tools, *, who: str) -> Exception | None:
    """Sends a test to this channel, by name or address: None when it took it, else what it said. Raises NotFound."""
    to = channel_name(to)
    if to not in tools.channels:
        raise NotFound(
            f"there is no alert channel {to}", fix=f"known are {', '.join(tools.channels) or 'none'}: see mailroom.yaml"
        )
    error: Exception | None = None
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await tools.channels[to].notify(_test(who, tools))
    except Exception as refused:  # noqa: BLE001 - whatever it was, the channel did not take it
        error = refused if str(refused) else MailroomError(f"it took longer than {SEND_SECONDS:.0f} seconds")
    await _remember(to, error, tools)
    return error


def _test(who: str, tools: Tools) -> Notice:
    now = tools.clock()
    return Notice(
        id=f"test-{tools.random_id()}",
        word=Word.TEST,
        severity=Severity.INFO,
        kind="test",
        key="test",
        title=f"{who} tries out this channel: nothing is wrong",
        fix="nothing to do",
        opened_at=now,
        last_at=now,
        at=now,
        link=page_link(tools, "alerts"),
        site=tools.site,
    )


async def _remember(to: str, error: Exception | None, tools: Tools) -> None:
    """A channel that took a test works, and is told what it missed; one that did not fails."""
    now = tools.clock()
    for _ in range(CONFLICTS):
        known = await tools.store.get(Channel, to)
        channel = known or Channel(id=to)
        if error is None:
            after = channel.well(now)
        else:
            failed = channel.failed(str(error), error.fix if isinstance(error, MailroomError) else "", now)
            certain = isinstance(error, Permanent)
            after = replace(failed, failures=max(failed.failures, FAILURES_TOLD)) if certain else failed
        try:
            await tools.store.apply(Update(after) if known else Insert(after))
        except Conflict:
            continue
        break
    else:
        return  # it is being told just now, which says as much
    task = wake(to, now, "tried")
    await tools.store.apply(Ensure(task))
    await tools.ring(task.id)
