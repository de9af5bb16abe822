"""A mail's record: when all of its documents are settled it is archived, by the table's ``mail`` way.

That it has the state of its documents is the affair of flow/family.py.
"""

from receiver.core.document import Document, DocumentState
from receiver.core.mail import Fate
from receiver.core.plan import Plan, Way
from receiver.core.route import RouteTable
from receiver.flow.conclude import planned
from receiver.flow.tools import Tools


def document_ids(mail: Document) -> list[str]:
    """The ids of the documents that came in the mail, in the order of its parts."""
    return list(dict.fromkeys(part.document_id for part in mail.parts if part.document_id))


def waits_for_documents(mail: Document) -> bool:
    """Whether it is opened and not archived yet."""
    return mail.mail and mail.state is DocumentState.OPEN and mail.plan is None


def finished(mail: Document, tools: Tools) -> Document:
    """The mail with the plan to archive it."""
    return planned(mail, archive(mail, tools.config.table, now=tools.clock()), tools)


def archive(mail: Document, table: RouteTable, *, now: float) -> Plan:
    """The plan to archive it."""
    way = table.mail
    left = sum(part.fate is Fate.LEFT_OUT for part in mail.parts)
    came = _counted(len(document_ids(mail)), "document")
    return Plan(
        way=Way.MAIL,
        route=Way.MAIL,
        reason=f"{_counted(left, 'part')} left out, {came}" if left else came,
        to=way.to if way else (),
        review=way.review if way else False,
        table=table.version,
        decided_at=now,
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
