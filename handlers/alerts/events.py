"""``events:BUS``: a notice as an event on an EventBridge bus, for rules of yours (a name, an ARN, or ``default``).

Source: EventBridge API: PutEvents answers 200 also when an entry failed, and says so in FailedEntryCount; an entry has
256 KB at most.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from handlers.alerts import text
from receiver.aws.boto import Aws
from receiver.aws.errors import passes
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Misconfigured, Unroutable
from receiver.core.notice import Notice
from receiver.ports import AlertChannel

_BUS = re.compile(r"(arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/)?[A-Za-z0-9._-]+")
SOURCE, DETAIL_TYPE = "mailroom", "Mailroom Alert"


class Events:
    """The ``events:`` channel: one bus."""

    tracks = True

    def __init__(self, bus: str, aws: Aws) -> None:
        """Raises Misconfigured for what cannot be a bus."""
        if not _BUS.fullmatch(bus):
            raise Misconfigured(f"events:{bus}: write events:BUS or events:arn:aws:events:REGION:ACCOUNT:event-bus/BUS")
        self._bus, self._aws = bus, aws
        self._region = bus.split(":")[3] if bus.startswith("arn:") else ""

    async def notify(self, notice: Notice) -> str:
        """Puts the event. Raises DestinationBusy, AccessDenied, Unroutable."""
        said = text.fit(notice)
        entry = {
            "Time": datetime.fromtimestamp(said.at, UTC),
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(text.facts(said), ensure_ascii=False),
            "EventBusName": self._bus,
        }
        answer = await self._call("put_events", Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise _refused(self._bus, answer["Entries"][0])
        return ""

    async def probe(self) -> list[str] | None:
        """Whether the bus is there and has a rule that is enabled; None where we may only put events."""
        try:
            await self._call("describe_event_bus", Name=self._bus)
            if not await self._has_rule():
                return [
                    f"events:{self._bus} has no enabled rule, so nobody is notified; to create one: aws events put-rule"
                ]
        except AccessDenied:
            return None
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []

    async def _has_rule(self) -> bool:
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_rules", EventBusName=self._bus, **more)
            if any(rule.get("State") != "DISABLED" for rule in page["Rules"]):
                return True
            if not (token := page.get("NextToken")):
                return False
            more = {"NextToken": token}

    async def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return await self._aws.call("events", operation, what=f"events:{self._bus}", region=self._region, **arguments)


def _refused(bus: str, entry: dict[str, str]) -> MailroomError:
    code = entry.get("ErrorCode", "")
    said = f"events:{bus}: PutEvents returned {code}: {entry.get('ErrorMessage', '')}"
    if passes(code):
        return DestinationBusy(said)
    return Unroutable(said, fix=f"aws events create-event-bus --name {bus}, or correct mailroom.yaml")


_: type[AlertChannel] = Events
