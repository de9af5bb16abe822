"""An EventBridge bus: puts an event on it, and checks whether anybody would get the event.

Sources: EventBridge API reference, PutEvents: the response is 200 even if an entry failed, which FailedEntryCount
shows; PutEventsResultEntry for the codes. EventBridge User Guide, "Sending events with PutEvents": events for a bus
that does not exist are dropped without an error.
"""

from typing import Any

from receiver.aws.boto import Aws
from receiver.aws.errors import entry_refused
from receiver.core.errors import AccessDenied

SOURCE = "mailroom"
"""The source of all events of Mailroom, for rules."""


class EventBus:
    """A bus by its name or ARN. Errors call it ``what``, as the table does."""

    def __init__(self, bus: str, aws: Aws, *, what: str) -> None:
        self._bus, self._aws, self._what = bus, aws, what
        self._region = bus.split(":")[3] if bus.startswith("arn:") else ""

    async def put(self, **entry: Any) -> str:
        """Puts an event (Time, DetailType, Detail); its id. Raises DestinationBusy, AccessDenied, Unroutable."""
        whole = {"Source": SOURCE, **entry, "EventBusName": self._bus}
        answer = await self._call("put_events", Entries=[whole])
        (result,) = answer["Entries"]
        if "EventId" not in result:
            raise entry_refused(result, "PutEvents", self._what)
        return str(result["EventId"])

    async def is_there(self) -> None:
        """Raises Unroutable if the bus does not exist. Without the permission to ask, the bus is assumed to exist."""
        try:
            await self._call("describe_event_bus", Name=self._bus)
        except AccessDenied:
            return

    async def has_rule(self) -> bool:
        """Whether a rule is enabled. Raises AccessDenied, Unroutable."""
        await self._call("describe_event_bus", Name=self._bus)
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_rules", EventBusName=self._bus, **more)
            if any(rule.get("State") != "DISABLED" for rule in page["Rules"]):
                return True
            if not (token := page.get("NextToken")):
                return False
            more = {"NextToken": token}

    async def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return await self._aws.call("events", operation, what=self._what, region=self._region, **arguments)
