"""``events:BUS``: a notice as an event on an EventBridge bus (a name, an ARN, or ``default``), for your own rules."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from handlers.alerts import text
from handlers.destinations import events
from handlers.destinations.event_bus import EventBus
from handlers.destinations.resource import resource_of
from receiver.aws.boto import Aws
from receiver.core.errors import AccessDenied, MailroomError, Misconfigured
from receiver.core.notice import Notice
from receiver.ports import AlertChannel

KIND = replace(events.KIND, mark=":")
DETAIL_TYPE = "Mailroom Alert"


class Events:
    """The ``events:`` channel: one bus."""

    tracks = True

    def __init__(self, bus: str, aws: Aws) -> None:
        """Raises Misconfigured for an invalid name or ARN."""
        resource = resource_of(f"events:{bus}", KIND)
        if found := resource.faults():
            raise Misconfigured(f"{resource.shown}: {'; '.join(found)}")
        self._what = resource.shown
        self._bus = EventBus(bus, aws, what=self._what)

    async def notify(self, notice: Notice) -> str:
        """Puts the event. Raises DestinationBusy, AccessDenied, Unroutable."""
        fitted = text.fit(notice)
        await self._bus.put(
            Time=datetime.fromtimestamp(fitted.at, UTC),
            DetailType=DETAIL_TYPE,
            Detail=json.dumps(text.facts(fitted), ensure_ascii=False),
        )
        return ""

    async def probe(self) -> list[str] | None:
        """Whether the bus exists and has an enabled rule; None if we may only put events."""
        try:
            if not await self._bus.has_rule():
                return [f"{self._what} has no enabled rule, so nobody is notified; to create one: aws events put-rule"]
        except AccessDenied:
            return None
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []


_: type[AlertChannel] = Events
