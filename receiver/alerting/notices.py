"""Notices: what a channel gets about an incident, and by which rule of mailroom.yaml."""

from collections.abc import Sequence
from urllib.parse import quote

from receiver.alerting.alert import is_wanted
from receiver.core.advice import LOOK
from receiver.core.alert_rule import AlertRule
from receiver.core.channel import Channel
from receiver.core.errors import PartlyNotified
from receiver.core.incident import Incident, Status
from receiver.core.notice import DigestLine, Notice, NoticeStatus
from receiver.core.notification import TOLD_FIRING, Notification
from receiver.pipeline.context import Context

SEND_SECONDS = 30.0
"""How long a channel may take for one notice."""


def rule_for(to: str, incident: Incident, rules: Sequence[AlertRule]) -> AlertRule | None:
    """The rule by which this channel gets notices of the incident; None if it gets none.

    Of several rules the last one counts, but one that notifies at once precedes one that waits for an acknowledgement.
    """
    of_channel = [rule for rule in rules if rule.to == to and is_wanted(rule, incident)]
    wanting = [rule for rule in of_channel if rule.wants(incident.kind, incident.severity)]
    if incident.kind == "channel.failing":
        wanting = wanting or of_channel  # somebody must get it, whatever the channel's rules name
    at_once = [rule for rule in wanting if not rule.after_seconds]
    return next(iter((at_once or wanting)[-1:]), None)


def notice_of(incident: Incident, known: Notification, word: str, *, reminder: bool, context: Context) -> Notice:
    """The notice of this state of the incident, for the channel whose earlier notices ``known`` records."""
    example = incident.examples[0] if incident.examples else None
    return Notice(
        id=f"{incident.id}-{incident.number}-{word}-{incident.severity}-{known.telling_since or known.version}",
        status=NoticeStatus(word),
        severity=incident.severity,
        kind=incident.kind,
        key=incident.id,
        number=incident.number,
        cause=incident.cause,
        title=incident.title,
        detail=example.detail if example else incident.detail,
        tried=incident.tried,
        # A resolved incident needs no fix; a person may still want to see what it was.
        fix="" if word == NoticeStatus.RESOLVED else incident.fix,
        commands=(LOOK.format(key=incident.id),) if word == NoticeStatus.RESOLVED else incident.commands,
        count=incident.count,
        unmended=incident.unmended,
        examples=incident.examples,
        opened_at=incident.opened_at,
        last_at=incident.last_at,
        closed_at=incident.closed_at if incident.status is not Status.FIRING else None,
        at=context.clock(),
        reminder=reminder,
        acknowledged_by=incident.acknowledged_by,
        link=page_link(context, "alerts", incident.id),
        document_link=page_link(context, "all", example.document_id) if example and example.document_id else "",
        site=context.site,
        thread=known.thread,
        without=() if word == TOLD_FIRING else known.uninformed,
    )


async def hand_over(notice: Notice, to: str, context: Context) -> tuple[str, PartlyNotified | None]:
    """Sends the notice. Returns what the channel returned, and the error if only some of its addresses took it. Raises
    what the channel raises.
    """
    try:
        return await context.channels[to].notify(notice), None
    except PartlyNotified as error:
        return error.thread, error


def after_notice(channel: Channel, but: PartlyNotified | None, now: float, *, counts: bool) -> Channel:
    """The channel after it accepted a notice; ``but`` is the error of the addresses that did not."""
    notified = channel.notified(now, counts=counts, all_addresses=but is None)
    if but is None or not but.never:
        return notified
    return notified.failed(str(but), but.fix, now, partly=True, certain=True)


def line_of(incident: Incident, context: Context) -> DigestLine:
    """The incident as one line of a digest."""
    link = page_link(context, "alerts", incident.id)
    return DigestLine(
        key=incident.id, severity=incident.severity, title=incident.title, count=incident.count, link=link
    )


def page_link(context: Context, view: str, identity: str = "") -> str:
    """The URL of this on the operator's page; "" if MAILROOM_OPERATOR_URL is not set."""
    if not context.operator_url:
        return ""
    return f"{context.operator_url.rstrip('/')}/#{view}" + (f"/{quote(identity, safe='')}" if identity else "")
