"""A stage: its names in AWS, and what its functions find in their environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from receiver.aws.regions import host_suffix, partition_id
from scripts.deploying.deployment_file import DeploymentSettings

Clients = Callable[..., Any]
"""``client(service, region_name=…)`` as boto3's sessions have it."""
HEARTBEAT = "MAILROOM_HEARTBEAT_URL"
INSIDE = ("process", "intake", "sweep", "console")
"""The functions that know the table, its variables and the stage's `inside` secret; `receive` does not."""


@dataclass(frozen=True)
class Stage:
    """Where a stage is. ``account`` has twelve digits."""

    name: str
    region: str
    account: str

    @property
    def stack(self) -> str:
        """The CloudFormation stack."""
        return f"mailroom-{self.name}"

    @property
    def table(self) -> str:
        """The DynamoDB table."""
        return f"mailroom-{self.name}"

    @property
    def partition(self) -> str:
        """aws, aws-cn, …"""
        return partition_id(self.region)

    def bucket(self, which: str) -> str:
        """The name of its inbox, spool or mail bucket."""
        return f"mailroom-{self.name}-{which}-{self.account}-{self.region}"

    def queue(self, which: str) -> str:
        """The name of its doorbell, inbox or routed queue."""
        return f"mailroom-{self.name}-{which}"

    def topic(self, which: str) -> str:
        """The ARN of its alerts or watch topic."""
        return f"arn:{self.partition}:sns:{self.region}:{self.account}:mailroom-{self.name}-{which}"

    def secret(self, which: str) -> str:
        """The name of its door or inside secret."""
        return f"mailroom/{self.name}/{which}"


def environment(
    stage: Stage, settings: DeploymentSettings, parameters: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """What the functions behind the door find in their environment, with the secrets' values in place of pointers.

    ``parameters`` are those of serverless.yml; ``secrets`` has the values of the stage's own two secrets and of those
    that the file names.
    """
    values = settings.values
    app = {"MAILROOM_APP": values.app} if values.app else {}
    own = _fixed(stage, parameters)
    if HEARTBEAT in {**secrets, **values.variables}:
        del own[HEARTBEAT]
    return {**values.variables, **secrets, **app, **own}


def _fixed(stage: Stage, parameters: Mapping[str, str]) -> dict[str, str]:
    """What serverless.yml sets. A test holds that the names are the same."""
    api = f"https://{{}}.execute-api.{stage.region}.{host_suffix(stage.region)}"  # API Gateway makes up the id
    operator = "" if parameters.get("operator") == "off" else api.format("operator")
    return {
        "MAILROOM_STORE": f"dynamodb://{stage.table}",
        "MAILROOM_QUEUE": f"sqs://{stage.queue('doorbell')}",
        "MAILROOM_ADOPT": parameters.get("adopt", "false"),
        "MAILROOM_REQUIRE": "headers,token,signature",
        "MAILROOM_CONFIG": "mailroom.yaml",
        "MAILROOM_SHADOW_CONFIG": parameters.get("shadow", ""),
        "MAILROOM_PUBLIC_URL": parameters.get("publicUrl") or api.format("public"),
        "MAILROOM_DOCUMENTS_URL": operator,
        "MAILROOM_OPERATOR_URL": parameters.get("operatorUrl") or operator,
        HEARTBEAT: parameters.get("heartbeatUrl", ""),
        "MAILROOM_INBOX_BUCKETS": stage.bucket("inbox") + parameters.get("inboxBuckets", ""),
        "MAILROOM_INBOX_SOURCE": parameters.get("inboxSource", "left"),
        "MAILROOM_SPOOL": f"s3://{stage.bucket('spool')}/documents/",
        "LLAMA_CLOUD_BASE_URL": parameters.get("llamaCloud", ""),
        "LLAMA_CLOUD_PROJECT_ID": parameters.get("projectId", ""),
        "LLAMA_CLOUD_ORGANIZATION_ID": parameters.get("organizationId", ""),
        "MAIL_BUCKET": stage.bucket("mail"),
        "ROUTED_QUEUE": stage.queue("routed"),
        "ALERTS_TOPIC": stage.topic("alerts"),
    }


KEPT = {
    "door": ("MAILROOM_WEBHOOK_HEADERS", "MAILROOM_TOKEN_SECRETS", "MAILROOM_SIGNING_SECRETS"),
    "inside": ("LLAMA_CLOUD_API_KEY", "MAILROOM_ADMIN_TOKEN"),
}
"""What the stage's own secrets hold, besides what the file puts into `inside`."""
TAKEN = frozenset(
    [*_fixed(Stage("dev", "eu-central-1", "0" * 12), {}), *sum(KEPT.values(), ()),
     "MAILROOM_APP", "PROCESS_FUNCTION"]
) - {HEARTBEAT}  # fmt: skip
"""Variables that the deployment sets, so that the file cannot."""
