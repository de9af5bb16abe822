"""SNS: one CloudEvents message that points to the document, with attributes for filter policies.

A FIFO topic gets the delivery's id as deduplication id, which is valid for five minutes. A standard topic may get a
delivery twice, with the same id, after a crash between send and record.
Sources: SNS API reference, Publish; SNS Developer Guide, "Message attributes" (a queue with raw delivery loses messages
that have more than ten of them; ours have seven).
"""

import re
from collections.abc import Iterator, Mapping

from handlers.destinations import options as options_
from handlers.destinations import reach
from handlers.destinations.cloudevent import cloudevent
from handlers.destinations.message import GROUPS, fifo_order, message_attributes
from handlers.destinations.resource import ByName, Kind, Resource, resource_of
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, MailroomError
from receiver.core.plan import Target
from receiver.ports import Destination

OPTIONS = ("group", *reach.OPTIONS)
KIND = Kind(
    "sns", "topic", re.compile(r"(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?", re.ASCII),
    "at most 256 letters, digits, `-` and `_`; a FIFO's ends in .fifo",
)  # fmt: skip


class SnsTopic(ByName):
    """The ``sns://`` destination."""

    kind = KIND
    options = OPTIONS

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Publishes the message; with effect once on a FIFO topic, at least once on a standard one."""
        topic, given = resource_of(request.url.partition("#")[0], KIND), options_.given(request.options, self._environ)
        access, order = reach.access_of(given), fifo_order(request, given) if _fifo(topic) else {}
        arn = await self._arn(topic, access)
        answer = await self._aws.through(access).call(
            "sns", "publish", what=topic.shown, region=topic.region,
            TopicArn=arn, Message=cloudevent(request).decode(), MessageAttributes=message_attributes(request), **order,
        )  # fmt: skip
        return Receipt(location=f"sns://{arn}#{answer['MessageId']}")

    def _option_faults(self, resource: Resource, given: Mapping[str, str]) -> Iterator[str]:
        if "group" in given and not _fifo(resource):
            yield "option group is for FIFO topics, whose names end in .fifo"
        if (group := given.get("group", "batch")) not in GROUPS:
            yield f"option group: {group!r} is not one of {', '.join(GROUPS)}"

    async def probe(self, target: Target) -> list[str]:
        """Whether the topic exists and has a subscription, if we have the permission to ask."""
        topic = resource_of(target.url, KIND)
        try:
            access = reach.access_of(options_.given(target.options, self._environ))
            answer = await self._aws.through(access).call(
                "sns", "get_topic_attributes", what=topic.shown, region=topic.region,
                TopicArn=await self._arn(topic, access),
            )  # fmt: skip
        except AccessDenied:
            return []
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        if int(answer["Attributes"].get("SubscriptionsConfirmed", 0)):
            return []
        return [f"{topic.shown} has no confirmed subscription, so nobody gets what is published; aws sns subscribe"]


def _fifo(topic: Resource) -> bool:
    return topic.name.endswith(".fifo")


_: type[Destination] = SnsTopic
