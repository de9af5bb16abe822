"""``events:BUS``: a notice as an event on an EventBridge bus, for rules of yours (a name, an ARN, or ``default``).

Source: EventBridge API: PutEvents answers 200 also when an entry failed, and says so in FailedEntryCount; an entry has
256 KB at most.
"""

import json
from datetime import UTC, datetime

from handlers.alerts import text
from handlers.aws import Aws
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Misconfigured, Unroutable
from receiver.core.notice import Notice
from receiver.ports import AlertChannel

SOURCE, DETAIL_TYPE = "mailroom", "Mailroom Alert"
_BUSY = frozenset({"ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"})


class Events:
    """The ``events:`` channel: one bus."""

    tracks = True

    def __init__(self, bus: str, aws: Aws) -> None:
        """Raises Misconfigured for what cannot be a bus."""
        name = bus.rpartition("/")[2] if bus.startswith("arn:") else bus
        if not name or not all(c.isascii() and (c.isalnum() or c in "._-") for c in name):
            raise Misconfigured(f"events:{bus}: write events:BUS or events:arn:aws:events:REGION:ACCOUNT:event-bus/BUS")
        self._bus, self._name, self._aws = bus, name, aws

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
        answer = await self._aws.call("events", "put_events", what=f"events:{self._bus}", Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise _refused(self._bus, answer["Entries"][0])
        return ""

    async def probe(self) -> list[str] | None:
        """Whether the bus is there; None where we may only put events."""
        try:
            await self._aws.call("events", "describe_event_bus", what=f"events:{self._bus}", Name=self._bus)
        except AccessDenied:
            return None
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []


def _refused(bus: str, entry: dict[str, str]) -> MailroomError:
    code = entry.get("ErrorCode", "")
    said = f"events:{bus}: PutEvents was answered {code}: {entry.get('ErrorMessage', '')}"
    if code in _BUSY:
        return DestinationBusy(said)
    return Unroutable(said, fix=f"aws events create-event-bus --name {bus}, or mend mailroom.yaml")


_: type[AlertChannel] = Events
