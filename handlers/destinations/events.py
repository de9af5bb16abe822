"""EventBridge: one event that points to the document; its detail is the CloudEvent.

EventBridge delivers to the targets of rules at least once, and so does Mailroom: after a crash between send and record,
a second event has the same ``detail.id``. EventBridge accepts events for a bus that does not exist, and drops them, so
Mailroom checks that the bus exists before it sends the first one.
"""

import os
import re
from collections.abc import Mapping

from handlers.destinations import options as options_
from handlers.destinations import reach
from handlers.destinations.cloudevent import cloudevent, event_time, event_type
from handlers.destinations.event_bus import EventBus
from handlers.destinations.resource import ByName, Kind, Resource, resource_of
from receiver.aws.boto import Aws, DestinationAccess
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, MailroomError
from receiver.core.plan import Target
from receiver.ports import Destination

OPTIONS = reach.OPTIONS
KIND = Kind(
    "events", "bus", re.compile(r"[A-Za-z0-9._-]{1,256}", re.ASCII),
    "at most 256 letters, digits, `.`, `-` and `_`", "event-bus/",
)  # fmt: skip


class EventBridge(ByName):
    """The ``events://`` destination."""

    kind = KIND

    def __init__(self, aws: Aws, *, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(aws, environ=environ)
        self._found: set[tuple[DestinationAccess, str]] = set()

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Puts the event on the bus, at least once."""
        resource = resource_of(request.url.partition("#")[0], KIND)
        access = reach.access_of(options_.given(request.options, self._environ))
        arn = await self._arn(resource, access)
        bus = self._bus(resource, access)
        if (access, arn) not in self._found:
            await bus.is_there()
            self._found.add((access, arn))
        event = await bus.put(
            Time=event_time(request), DetailType=event_type(request), Detail=cloudevent(request).decode()
        )
        return Receipt(location=f"events://{arn}#{event}")

    def _bus(self, resource: Resource, access: DestinationAccess) -> EventBus:
        return EventBus(resource.arn or resource.name, self._aws.through(access), what=resource.shown)

    async def probe(self, target: Target) -> list[str]:
        """Whether the bus exists and has an enabled rule, if we have the permission to ask."""
        resource = resource_of(target.url, KIND)
        try:
            access = reach.access_of(options_.given(target.options, self._environ))
            if await self._bus(resource, access).has_rule():
                return []
        except AccessDenied:
            return []
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return [
            f"{resource.shown} has no enabled rule, so nobody gets what is put on it; create one: aws events put-rule"
        ]


_: type[Destination] = EventBridge
