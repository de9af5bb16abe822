"""Re-decides: what a routing table would decide, from the record of a document that was decided before.

``routes backtest``, ``replay --reroute`` and the shadow table use one comparison, so that they cannot disagree.
"""

from collections.abc import Collection

from receiver.core.document import Document
from receiver.core.plan import Plan, ShadowVerdict, Target, Way
from receiver.core.route import RouteTable, decide, decide_archive, decide_failed

BY_NO_TABLE = frozenset({Way.BY_HAND, Way.RECUT, Way.DISMISSED, Way.BLANK})
"""The outcomes that a person, or a cut, chose."""


def judged(document: Document, table: RouteTable, *, now: float) -> ShadowVerdict | None:
    """The decision of this table; None where no table decides."""
    fresh = _decided_again(document, table, now)
    if document.plan is None or fresh is None:
        return None
    messages = [item for item in document.deliveries if item.is_message]
    message_urls, sent = {item.to.url for item in messages}, {item.to.url for item in messages if item.done}
    return ShadowVerdict(table=table.version, plan=None if alike(document.plan, fresh, message_urls, sent) else fresh)


def moved(document: Document, table: RouteTable, *, now: float) -> Plan | None:
    """The plan that this table makes of the stored result, if it routes differently from the present plan.

    A new name of a row is no difference.
    """
    verdict = judged(document, table, now=now)
    return verdict.plan if verdict else None


def alike(item: Plan, other: Plan, message_urls: Collection[str] = (), sent: Collection[str] = ()) -> bool:
    """Whether both plans route to the same.

    ``message_urls`` are the URLs that get messages: their order does not matter. For those that got theirs (``sent``),
    neither do the options.
    """
    return _meaning(item, message_urls, sent) == _meaning(other, message_urls, sent)


def what_moves(before: Plan | None, after: Plan) -> str:
    """In words: from where to where; of places that stay, the options that change."""
    if before is None or _places(before) != _places(after) or before.way != after.way:
        return f"{_summary(before)} -> {_summary(after)}"
    pairs = zip(before.to, after.to, strict=True)
    changed = [f"{new.shown}: {', '.join(names)}" for old, new in pairs if (names := _differing(old, new))]
    review = f"{'waits' if after.review else 'no longer waits'} for a person" if before.review != after.review else ""
    options = f"options of {'; '.join(changed)}" if changed else ""
    return ", ".join(filter(None, (review, options))) or f"{_summary(before)} -> {_summary(after)}"


def _decided_again(document: Document, table: RouteTable, now: float) -> Plan | None:
    """None where no table decides: a person did, or no result is stored."""
    plan, found = document.plan, document.effective
    if plan is None or plan.way in BY_NO_TABLE:
        return None
    if plan.way in (Way.PACKET, Way.MAIL):
        return decide_archive(table, document, now=now)
    if plan.way is Way.FAILED:
        return decide_failed(table, plan.reason, now=now)
    return decide(table, found, document, now=now) if found else None


def _meaning(plan: Plan, message_urls: Collection[str], sent: Collection[str]) -> tuple[object, ...]:
    """What makes two plans equal. Not included: the options of a message that has arrived, and the role by which a
    place is accessed.

    The order of the places that store the document is: messages point to the first.
    """
    places = [(to.url, to.endpoint, [] if to.url in sent else sorted(to.style.items())) for to in plan.to]
    holders, messages = (
        [item for item in places if (item[0] in message_urls) is is_message] for is_message in (False, True)
    )
    return plan.way, holders, sorted(messages), plan.review


def _places(plan: Plan) -> list[str]:
    return [to.shown for to in plan.to]


def _summary(plan: Plan | None) -> str:
    return f"{plan.route} ({', '.join(_places(plan)) or 'review'})" if plan else "no plan"


def _differing(old: Target, new: Target) -> list[str]:
    return sorted(name for name in {*old.style, *new.style} if old.style.get(name) != new.style.get(name))
