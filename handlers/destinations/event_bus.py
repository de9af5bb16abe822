"""One EventBridge bus: an event put on it, and whether anybody would get it.

Sources: EventBridge API reference, PutEvents: the answer is 200 although an entry failed, which FailedEntryCount says;
PutEventsResultEntry for the codes. EventBridge User Guide, "Sending events with PutEvents": what is put on a bus that
does not exist is dropped, without an error.
"""

from typing import Any

from receiver.aws.boto import Aws
from receiver.aws.errors import entry_refused
from receiver.core.errors import AccessDenied

SOURCE = "mailroom"
"""Of every event of ours, for rules."""


class EventBus:
    """A bus by its name or ARN; ``what`` names it in errors, as the table does."""

    def __init__(self, bus: str, aws: Aws, *, what: str) -> None:
        self._bus, self._aws, self._what = bus, aws, what
        self._region = bus.split(":")[3] if bus.startswith("arn:") else ""

    async def put(self, **entry: Any) -> str:
        """Puts one event (Time, DetailType, Detail); its id. Raises DestinationBusy, AccessDenied, Unroutable."""
        whole = {"Source": SOURCE, **entry, "EventBusName": self._bus}
        answer = await self._call("put_events", Entries=[whole])
        (result,) = answer["Entries"]
        if "EventId" not in result:
            raise entry_refused(result, "PutEvents", self._what)
        return str(result["EventId"])

    async def is_there(self) -> None:
        """Raises Unroutable for a bus that does not exist. Who may not ask takes it for granted."""
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
