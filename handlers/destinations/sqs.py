"""SQS: one CloudEvents message that points to the document, with attributes to filter by.

A FIFO queue gets the delivery's id as deduplication id, so that a repeat within SQS's five minutes is one message. A
standard queue may see a delivery twice after a crash between send and record; the message carries the delivery's id.
"""

import re
from urllib.parse import urlsplit, urlunsplit

from handlers.aws import Aws
from handlers.destinations import options as options_
from handlers.destinations.cloudevent import attributes, event
from handlers.destinations.story import ascii_safe
from receiver.core.document import Receipt
from receiver.core.errors import MailroomError
from receiver.core.naming import UNTYPED
from receiver.core.parcel import Parcel
from receiver.core.plan import Target
from receiver.ports import Destination

OPTIONS = ("group",)
GROUPS = ("batch", "type")
"""What a FIFO queue keeps in order: the documents of one batch (the default), or those of one type."""
_NOT_ASKED = frozenset({"AccessDenied", "AccessDeniedException"})
"""sqs:GetQueueAttributes is not needed for delivering, so its absence is not a fault."""
_NAME = re.compile(r"[A-Za-z0-9_\-]{1,75}(\.fifo)?")


class Sqs:
    """The ``sqs://`` destination."""

    holds_bytes = False

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._urls: dict[str, str] = {}

    async def deliver(self, parcel: Parcel) -> Receipt:
        """The message, sent; once in effect on a FIFO queue, at least once on a standard one."""
        name = queue_name(parcel.url)
        answer = await self._aws.call(
            "sqs", "send_message", what=f"sqs://{name}",
            QueueUrl=await self._url(parcel.url), MessageBody=event(parcel).decode(),
            MessageAttributes=_attributes(parcel), **(_order(parcel) if name.endswith(".fifo") else {}),
        )  # fmt: skip
        return Receipt(location=f"sqs://{name}#{answer['MessageId']}")

    async def _url(self, target: str) -> str:
        """The queue's address, asked for once."""
        if target not in self._urls:
            given = given_url(target)
            self._urls[target] = await self._reachable(given) if given else await self._asked(queue_name(target))
        return self._urls[target]

    async def _asked(self, name: str) -> str:
        answer = await self._aws.call("sqs", "get_queue_url", what=f"sqs://{name}", QueueName=name)
        return await self._reachable(str(answer["QueueUrl"]))

    async def _reachable(self, url: str) -> str:
        """The address with the host that we talk to: a local AWS names itself ``localhost`` whatever it is bound to."""
        endpoint = urlsplit(await self._aws.endpoint("sqs"))
        given = urlsplit(url)
        if str(endpoint.hostname).endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return url
        return urlunsplit((endpoint.scheme, endpoint.netloc, given.path, "", ""))

    def faults(self, target: Target) -> list[str]:
        """Bad queue names, unknown or wrong options."""
        name = queue_name(target.url)
        found = options_.unknown(target.options, OPTIONS)
        if not _NAME.fullmatch(name):
            found.insert(
                0,
                f"{name!r} is no queue name: at most 80 letters, digits, `-` and `_`; a FIFO's ends in .fifo",
            )
        if "group" in target.options and not name.endswith(".fifo"):
            found.append("option group is for FIFO queues, whose names end in .fifo")
        if (group := target.options.get("group", "batch")) not in GROUPS:
            found.append(f"option group: {group!r} is none of {', '.join(GROUPS)}")
        return found

    async def probe(self, target: Target) -> list[str]:
        """Whether the queue is there; sending is only known once it is done."""
        name, given = queue_name(target.url), given_url(target.url)
        try:
            if not given:
                await self._asked(name)
                return []
            await self._aws.attempt(
                "sqs", "get_queue_attributes", what=f"sqs://{name}", unless=_NOT_ASKED,
                QueueUrl=await self._reachable(given), AttributeNames=["QueueArn"],
            )  # fmt: skip
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []


def queue_name(url: str) -> str:
    """The queue that ``sqs://name`` or ``sqs://https://host/account/name`` means."""
    return url.removeprefix("sqs://").partition("#")[0].rstrip("/").rpartition("/")[2]


def given_url(url: str) -> str:
    """The queue's address where the target spells it out; "" where it gives a name only."""
    rest = url.removeprefix("sqs://").rstrip("/")
    if rest.startswith(("https://", "http://")):
        return rest
    return f"https://{rest}" if "/" in rest else ""


def _attributes(parcel: Parcel) -> dict[str, dict[str, str]]:
    return {
        name: {"DataType": "Number" if name == "confidence" else "String", "StringValue": value}
        for name, value in attributes(parcel).items()
    }


def _order(parcel: Parcel) -> dict[str, str]:
    by_type = parcel.options.get("group") == "type"
    group = (parcel.document.type or UNTYPED) if by_type else parcel.document.batch_id or parcel.document.id
    return {
        "MessageGroupId": ascii_safe(group, 128).replace(" ", "_"),
        "MessageDeduplicationId": parcel.delivery_id,
    }


_: type[Destination] = Sqs
