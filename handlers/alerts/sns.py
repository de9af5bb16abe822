"""``sns:ARN``: a notice as a notification, with a subject for e-mail and attributes for filter policies."""

from dataclasses import replace

from handlers.alerts import text
from handlers.destinations import sns
from handlers.destinations.manifest import ascii_safe
from handlers.destinations.resource import resource_of
from receiver.aws.boto import Aws
from receiver.core.errors import AccessDenied, MailroomError, Misconfigured
from receiver.core.notice import Notice
from receiver.ports import AlertChannel

KIND = replace(sns.KIND, mark=":")


class Sns:
    """The ``sns:`` channel: one topic."""

    tracks = False

    def __init__(self, arn: str, aws: Aws) -> None:
        """Raises Misconfigured for anything but the ARN of a topic."""
        topic = resource_of(f"sns:{arn}", KIND)
        if found := topic.faults():
            raise Misconfigured(f"{topic.shown}: {'; '.join(found)}")
        if not topic.arn:
            raise Misconfigured(f"{topic.shown} lacks region and account: write {KIND.example(topic.name)}")
        self._arn, self._aws, self._region = arn, aws, topic.region

    async def notify(self, notice: Notice) -> str:
        """Publishes the notice; SNS allows 100 ASCII characters for a subject. Raises DestinationBusy, AccessDenied."""
        fitted = text.fit(notice)
        attributes = {
            "notice_id": fitted.id,
            "status": str(fitted.status),
            "severity": str(fitted.severity),
            "kind": fitted.kind,
            "key": fitted.key,
            "cause": fitted.cause,
            "document_id": fitted.subject,
            "job_id": fitted.job_id,
        }
        fifo = {"MessageGroupId": fitted.key, "MessageDeduplicationId": fitted.id}
        await self._aws.call(
            "sns", "publish", what=f"sns:{self._arn}", region=self._region,
            TopicArn=self._arn,
            Subject=text.ascii_subject(fitted),
            Message=text.body(fitted),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": ascii_safe(value)}
                for name, value in attributes.items() if value
            },
            **(fifo if self._arn.endswith(".fifo") else {}),
        )  # fmt: skip
        return ""

    async def probe(self) -> list[str] | None:
        """Whether the topic exists and has a confirmed subscription; None if we may only publish."""
        try:
            answer = await self._aws.call(
                "sns", "get_topic_attributes", what=f"sns:{self._arn}", region=self._region, TopicArn=self._arn
            )
        except AccessDenied:
            return None
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        confirmed = int(answer["Attributes"].get("SubscriptionsConfirmed", 0))
        pending = int(answer["Attributes"].get("SubscriptionsPending", 0))
        if confirmed:
            return []
        waits = f"{pending} await confirmation by AWS's mail" if pending else "to create one: aws sns subscribe"
        return [f"sns:{self._arn} has no confirmed subscription, so nobody is notified; {waits}"]


_: type[AlertChannel] = Sns
