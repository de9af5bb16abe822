"""SQS: one CloudEvents message that points to the document, with attributes to filter by.

A FIFO queue gets the delivery's id as deduplication id, so that repetitions within SQS's five minutes are one message.
A standard queue may get a delivery twice after a crash between send and record; both messages have the delivery's id.
"""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from handlers.destinations import options as options_
from handlers.destinations import reach
from handlers.destinations.cloudevent import cloudevent
from handlers.destinations.message import GROUPS, fifo_order, message_attributes
from handlers.destinations.queue_address import Queue, arn_hint, on_aws, queue_of
from receiver.aws.boto import Aws, DestinationAccess
from receiver.aws.environment import has_own_endpoint
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.document import Receipt
from receiver.core.errors import MailroomError
from receiver.core.forms import LOOPBACK
from receiver.core.plan import Taken, Target
from receiver.ports import Destination

OPTIONS = ("group", *reach.OPTIONS)
_NOT_ASKED = frozenset({"AccessDenied", "AccessDeniedException"})
"""Deliveries do not need sqs:GetQueueAttributes, so its absence is not a fault."""


class Sqs:
    """The ``sqs://`` destination."""

    holds_bytes = False

    def __init__(self, aws: Aws, *, environ: Mapping[str, str] = os.environ) -> None:
        """``environ`` has the values of options of the form ``env:NAME``."""
        self._aws = aws
        self._environ = environ
        self._urls: dict[tuple[DestinationAccess, str], str] = {}

    async def prepare(self, target: Target) -> None:
        """Makes the client of this target."""
        given = options_.given(target.options, self._environ)
        await self._aws.through(reach.access_of(given)).prepare("sqs", region=queue_of(target.url).region)

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Sends the message; with effect once on a FIFO queue, at least once on a standard one."""
        # Targets of earlier plans may end in a message's id, as receipts do.
        queue = queue_of(request.url.partition("#")[0])
        given = options_.given(request.options, self._environ)
        order, access = fifo_order(request, given) if queue.fifo else {}, reach.access_of(given)
        address = await self._url(queue, access)
        answer = await self._aws.through(access).call(
            "sqs", "send_message", what=f"sqs://{queue.name}", region=queue.region,
            QueueUrl=address, MessageBody=cloudevent(request).decode(),
            MessageAttributes=message_attributes(request), **order,
        )  # fmt: skip
        return Receipt(location=f"sqs://{address}#{answer['MessageId']}")

    async def _url(self, queue: Queue, access: DestinationAccess) -> str:
        """The queue's URL, requested once."""
        known, aws = (access, queue.place), self._aws.through(access)
        if known not in self._urls:
            self._urls[known] = await (_reachable(queue, aws) if queue.url else _asked(queue, aws))
        return self._urls[known]

    def faults(self, target: Target) -> list[str]:
        """Names, URLs and options that SQS would not accept."""
        queue = queue_of(target.url)
        hint = arn_hint(target.url)
        found = [hint] if hint else queue.faults()
        own = "endpoint" in target.options or (queue.elsewhere and has_own_endpoint("sqs", self._environ))
        if not found and queue.elsewhere and not own:
            fix = "of another service AWS_ENDPOINT_URL_SQS, or the option endpoint, must give its address"
            found = [f"{queue.host} is not an SQS host: write sqs.REGION.amazonaws.com; {fix}"]
        found += options_.unknown(target.options, OPTIONS)
        if unset := options_.unset(target.options, self._environ):
            return found + unset
        given = options_.given(target.options, self._environ)
        if "group" in given and not queue.fifo:
            found.append("option group is for FIFO queues, whose names end in .fifo")
        if "role" in given and not queue.url:
            found.append(
                "option role: a name alone would be another queue, in the role's account; "
                f"write sqs://https://sqs.REGION.amazonaws.com/ACCOUNT/{queue.name}"
            )
        found += reach.reach_faults(target.options, self._environ)
        host = reach.host_of(given)
        if host and queue.on_aws and not on_aws(host) and not LOOPBACK.fullmatch(host):
            found.append(f"option endpoint: the queue is at {queue.host}: leave it out, or write the address there")
        if (group := given.get("group", "batch")) not in GROUPS:
            found.append(f"option group: {group!r} is not one of {', '.join(GROUPS)}")
        return options_.without_values(found, target.options)

    def doubts(self, target: Target) -> list[str]:
        """Regions that this release does not know."""
        return queue_of(target.url).doubts()

    def taken(self, url: str) -> Taken:
        """The queue. A name alone may be that of any URL with it, because only AWS knows our account."""
        queue = queue_of(url)
        own = self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION") or queue.region
        here = queue.url and queue.region in ("", own)
        return Taken(place=queue.place, perhaps=(f"sqs://{queue.name}",) if here else ())

    def elsewhere(self, target: Target) -> str:
        """The target's endpoint, unless it is the usual one."""
        return reach.elsewhere(target.options, "sqs", self._environ)

    async def probe(self, target: Target) -> list[str]:
        """Whether the queue exists; the permission to send cannot be checked without sending."""
        queue = queue_of(target.url)
        try:
            aws = self._aws.through(reach.access_of(options_.given(target.options, self._environ)))
            if not queue.url:
                await _asked(queue, aws)
                return []
            await aws.attempt(
                "sqs", "get_queue_attributes", what=f"sqs://{queue.name}", region=queue.region, unless=_NOT_ASKED,
                QueueUrl=await _reachable(queue, aws), AttributeNames=["QueueArn"],
            )  # fmt: skip
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []


async def _asked(queue: Queue, aws: Aws) -> str:
    answer = await aws.call("sqs", "get_queue_url", what=f"sqs://{queue.name}", QueueName=queue.name)
    return await _reachable(Queue(name=queue.name, url=str(answer["QueueUrl"])), aws)


async def _reachable(queue: Queue, aws: Aws) -> str:
    """The queue's URL with the host of our endpoint: a local AWS calls itself ``localhost``, wherever it listens."""
    endpoint = urlsplit(await aws.endpoint("sqs", region=queue.region))
    if str(endpoint.hostname).endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return queue.url
    return urlunsplit((endpoint.scheme, endpoint.netloc, urlsplit(queue.url).path, "", ""))


_: type[Destination] = Sqs
