"""Checks alert channels: creates each one, which sends nothing, and asks it whether it would accept a notice."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from receiver.core.alert_rule import AlertRule
from receiver.core.errors import Misconfigured, PartlyNotified
from receiver.core.problem import Problem
from receiver.ports import AlertChannel

SECONDS = 60.0
"""The timeout of one channel's check."""
Channels = Mapping[str, tuple[AlertRule, AlertChannel]]
"""Place in mailroom.yaml -> the rule and its channel."""


def opened_channels(
    rules: Sequence[AlertRule], opener: Callable[[AlertRule], AlertChannel] | None
) -> tuple[Channels, list[Problem]]:
    """The channels that can be created, each once, and what is wrong with the others."""
    channels: dict[str, tuple[AlertRule, AlertChannel]] = {}
    problems: list[Problem] = []
    if opener is None:
        return channels, problems
    for rule in rules:
        try:
            channels.setdefault(rule.to, (rule, opener(rule)))
        except Misconfigured as error:
            problems.append(Problem(severity="error", where=rule.where, message=str(error), fix=error.fix))
    return channels, problems


async def live_channel_problems(channels: Channels) -> list[Problem]:
    """The problems that channels report. All channels are checked concurrently."""
    answers = await asyncio.gather(*(asked(channel) for _, channel in channels.values()))
    return [
        Problem(severity="error", where=rule.where, message=fault)
        for (rule, _), faults in zip(channels.values(), answers, strict=True)
        for fault in faults or ()
    ]


async def asked(channel: AlertChannel) -> list[str] | None:
    """The problem that the channel reports; None if only a notice would show one."""
    try:
        async with asyncio.timeout(SECONDS):
            return await channel.probe()
    except PartlyNotified as error:
        return [f"{error}; {error.fix}"]
    except TimeoutError:
        return [f"no answer within {SECONDS:.0f} seconds"]
