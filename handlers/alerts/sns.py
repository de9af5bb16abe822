"""``sns:ARN``: an alert as a notification, with a subject for e-mail and attributes for filter policies."""

import hashlib

from handlers.alerts import text
from handlers.aws import Aws
from handlers.destinations.story import ascii_safe
from receiver.core.alert import Alert
from receiver.core.errors import Misconfigured
from receiver.ports import AlertChannel


class Sns:
    """The ``sns:`` channel: one topic."""

    def __init__(self, arn: str, aws: Aws) -> None:
        """Raises Misconfigured for what is no topic's ARN."""
        parts = arn.split(":")
        if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns" or not parts[5]:
            raise Misconfigured(f"sns:{arn}: write sns:arn:aws:sns:REGION:ACCOUNT:TOPIC")
        self._arn, self._aws = arn, aws

    async def notify(self, alert: Alert, *, count: int, suppressed: int) -> None:
        """Publishes; SNS takes a subject of at most 100 ASCII characters. Raises DestinationBusy, AccessDenied."""
        attributes = {"kind": alert.kind, "cause": alert.cause, "document_id": alert.subject}
        fifo = {"MessageGroupId": ascii_safe(alert.kind, 128).replace(" ", "_"),
                "MessageDeduplicationId": hashlib.sha256(f"{alert.group} {alert.at}".encode()).hexdigest()}  # fmt: skip
        await self._aws.call(
            "sns", "publish", what=f"sns:{self._arn}",
            TopicArn=self._arn,
            Subject=text.subject(alert),
            Message=text.body(alert, count=count, suppressed=suppressed),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": ascii_safe(value)}
                for name, value in attributes.items() if value
            },
            **(fifo if self._arn.endswith(".fifo") else {}),
        )  # fmt: skip


_: type[AlertChannel] = Sns
