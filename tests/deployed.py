"""A deployment of serverless.yml: on a local AWS that checks every signature and policy, with a sandbox for LlamaCloud;
or, with MAILROOM_AWS_LIVE=1, on the account that AWS_* names, with LlamaCloud itself. The tests are the same.
"""

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handlers.demo.local_aws import LocalAws, local_aws
from llamacloud_sandbox.testing import start_sandbox
from receiver.core import token
from receiver.core.verify_webhook import TOKEN_HEADER, sign
from scripts.deploying.stack import stack_resources
from tests.servers import serve
from tests.webhook_api import answered, as_written, mapped

ROOT = Path(__file__).parents[1]
DEPLOY = [sys.executable, "-m", "scripts.deploying.deploy"]
LIVE = os.environ.get("MAILROOM_AWS_LIVE") == "1"
T = TypeVar("T")


@dataclass
class Deployment:
    """What was deployed, and how to look at it."""

    stage: str
    client: Callable[[str], Any]
    patience: float
    url: str = ""
    operator: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stack = self.client("cloudformation").describe_stacks(StackName=f"mailroom-{self.stage}")["Stacks"][0]
        self.outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
        found = stack_resources(self.client("cloudformation"), f"mailroom-{self.stage}")
        self.resources = {item.logical_id: item.physical_id for item in found}
        for name in ("door", "inside"):
            said = self.client("secretsmanager").get_secret_value(SecretId=f"mailroom/{self.stage}/{name}")
            self.secrets |= json.loads(said["SecretString"])
        self.url = self.url or self.outputs["PublicUrl"]
        self.operator = self.operator or self.outputs["OperatorUrl"]

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """What ``look`` finds, as soon as it does."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.2)
        raise AssertionError(f"not within {self.patience:.0f} s: {what}\n{self.state()}")

    def state(self) -> str:
        """What an operator would look at when something does not arrive."""
        dead = {name: self.messages(name) for name in ("DoorbellDeadQueue", "InboxDeadQueue")}
        seen = {what: self.ask(f"/{what}?limit=50") for what in ("documents", "tasks", "events")}
        return json.dumps({**seen, "dead letters": dead}, indent=1, default=str)

    def ready(self) -> bool:
        """Whether events are let in: one that finds a function which has never run may be given up by its sender."""
        return httpx.get(f"{self.url}/readyz", timeout=60).status_code == 200

    def put(self, key: str, body: bytes) -> None:
        """Puts a document into the inbox."""
        self.client("s3").put_object(Bucket=self.outputs["InboxBucketName"], Key=key, Body=body)

    def delivered(self, name: str) -> list[str]:
        """The keys in the mail bucket that end with this file name."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.outputs["MailBucketName"])
        return [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(f"/{name}")]

    def messages(self, logical_id: str) -> list[dict[str, Any]]:
        """Some messages of a queue; they stay there, and are out of sight for a second."""
        answer = self.client("sqs").receive_message(
            QueueUrl=self.queue_url(logical_id), MaxNumberOfMessages=10, VisibilityTimeout=1,
            MessageAttributeNames=["All"],
        )  # fmt: skip
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def queue_url(self, logical_id: str) -> str:
        """The queue's address."""
        url: str = self.resources[logical_id]
        return url

    def measure(self, logical_id: str) -> None:
        """Tells CloudWatch how many messages wait, as SQS does by itself on AWS, and not on the local one."""
        if LIVE:
            return
        url = self.queue_url(logical_id)
        wanted = "ApproximateNumberOfMessages"
        waiting = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])["Attributes"][wanted]
        self.client("cloudwatch").put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
                    "Value": float(waiting),
                }
            ],
        )

    def rotate(self, secret: str, **values: Any) -> None:
        """Puts a new version of one of the stage's secrets, with these values in it."""
        keeper, name = self.client("secretsmanager"), f"mailroom/{self.stage}/{secret}"
        said = json.loads(keeper.get_secret_value(SecretId=name)["SecretString"])
        keeper.put_secret_value(SecretId=name, SecretString=json.dumps({**said, **values}))

    def send(self, event_id: str, **more: str | None) -> httpx.Response:
        """Posts an event with every proof, of which ``more`` replaces or (None) takes away some."""
        body, headers = self.webhook(event_id, **more)
        return httpx.post(f"{self.url}/webhooks/llamacloud", content=body, headers=headers, timeout=60)

    def enqueue(self, event_id: str, **more: str | None) -> int:
        """The status that the queue in front of `receive` answers to the same request."""
        body, headers = self.webhook(event_id, **more)
        if LIVE:
            url = f"{self.outputs['WebhookUrl']}/webhooks/llamacloud"
            return httpx.post(url, content=body, headers=headers, timeout=60).status_code
        found = self.client("apigateway").get_integration(
            restApiId=self.resources["WebhookApi"], resourceId=self.resources["WebhookApiPath"], httpMethod="POST"
        )
        return self._enqueued(as_written(found), mapped(as_written(found), headers, body.decode(), at=time.time()))

    def _enqueued(self, integration: dict[str, Any], form: str) -> int:
        """What becomes of this form, sent as API Gateway sends it: with the integration's role, to its queue."""
        assumed = self.client("sts").assume_role(RoleArn=integration["Credentials"], RoleSessionName="api")
        keys, (said,) = assumed["Credentials"], parse_qs(form, strict_parsing=True)["MessageBody"]
        sqs = boto3.client(
            "sqs", endpoint_url=self.client("sqs").meta.endpoint_url, region_name=self.client("sqs").meta.region_name,
            aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )  # fmt: skip
        url = self.client("sqs").get_queue_url(QueueName=integration["Uri"].rpartition("/")[2])["QueueUrl"]
        try:
            status = sqs.send_message(QueueUrl=url, MessageBody=said)["ResponseMetadata"]["HTTPStatusCode"]
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return answered(integration, status)[0]

    def waiting(self, logical_id: str) -> int:
        """How many messages a queue holds, seen or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.queue_url(logical_id), AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def webhook(self, event_id: str, **more: str | None) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of an event with every proof, of which ``more`` replaces or takes away some."""
        body = json.dumps(
            {
                "event_id": event_id,
                "event_type": "classify.success",
                "timestamp": time.time(),
                "data": {"job_id": event_id},
            }
        ).encode()
        name, values = next(iter(self.secrets["MAILROOM_WEBHOOK_HEADERS"].items()))
        proofs: dict[str, str | None] = {
            name: values[0],
            TOKEN_HEADER: token.make_token(
                "doc_unknown", self.secrets["MAILROOM_TOKEN_SECRETS"].encode(), expires_at=time.time() + 600
            ),
            "LC-Signature": sign(body, self.secrets["MAILROOM_SIGNING_SECRETS"].encode()).decode(),
            "Content-Type": "application/json",
        }
        return body, {key: value for key, value in {**proofs, **more}.items() if value is not None}

    def ask(self, path: str) -> Any:
        """What the operator's API says."""
        headers = {"authorization": f"Bearer {self.secrets['MAILROOM_ADMIN_TOKEN']}"}
        answer = httpx.get(f"{self.operator}{path}", headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def without(self, role: str, action: str, policy: str) -> Iterator[None]:
        """The role without this permission, for as long as the block lasts."""
        iam, name = self.client("iam"), self.resources[role]
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        fewer = json.loads(json.dumps(document))
        for statement in fewer["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            statement["Action"] = [item for item in actions if item != action] or ["sts:GetCallerIdentity"]
        assert fewer != document, f"{role} has no {action} in {policy}"
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(fewer))
        try:
            time.sleep(15 if LIVE else 0)  # IAM says itself that it takes a while
            yield
        finally:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def tools_or_skip() -> None:
    """Skips the test, with the reason, where Node or osls is not there; in CI that is a failure."""
    missing = "node" if not shutil.which("node") else ""
    if not missing and not (ROOT / ".cache" / "osls").exists():
        missing = "osls (scripts/infra-tools osls)"
    if missing and os.environ.get("CI"):
        pytest.fail(f"{missing} is missing, and CI is to have it")
    if missing:
        pytest.skip(f"{missing} is missing")


def deploy(stage: str, env: dict[str, str], *params: str) -> None:
    """Runs scripts/deploy."""
    arguments = [f"--param={item}" for item in params]
    done = subprocess.run(
        [*DEPLOY, "--stage", stage, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@contextmanager
def deployment() -> Iterator[Deployment]:
    """serverless.yml, deployed; gone after the block."""
    with live() if LIVE else emulated() as made:
        yield made


@contextmanager
def live() -> Iterator[Deployment]:
    """On a real account: costs some cents, and takes everything down again."""
    stage, env = f"test{os.getpid()}", dict(os.environ)
    session = boto3.session.Session()
    deploy(stage, env, "webhookQueue=on")
    try:
        yield Deployment(stage, session.client, patience=300.0)
    finally:
        subprocess.run([*DEPLOY, "--stage", stage, "--remove", "--with-all-documents"], cwd=ROOT, env=env, check=True)


@contextmanager
def emulated() -> Iterator[Deployment]:
    """On a local AWS. Functions run as processes of its own interpreter, so they are built for this machine."""
    ours = ("AWS_", "LLAMA_", "MAILROOM_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    arch = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    with ExitStack() as stack:
        aws = stack.enter_context(local_aws(enforce_iam=True))
        sandbox = stack.enter_context(start_sandbox())
        public, operator = Domain(aws, "HttpApi"), Domain(aws, "OperatorApi")
        url, inside = (stack.enter_context(serve(item.application())) for item in (public, operator))
        deploy(
            "e2e",
            {**env, **aws.env, "AWS_REGION": aws.env["AWS_DEFAULT_REGION"], "LLAMA_CLOUD_API_KEY": "llx-test"},
            f"python={sys.version_info.major}.{sys.version_info.minor}",
            f"arch={arch}",
            f"publicUrl={url}",
            f"llamaCloud={sandbox.url}",
            "metricMath=off",
            "keyConditions=off",
            "workers=2",
            "webhookQueue=on",
            # So that a poisoned message needs seconds, not hours, to become a dead letter.
            "processTimeout=20", "processVisibility=20", "intakeTimeout=20", "intakeVisibility=20", "attempts=2",
        )  # fmt: skip
        made = Deployment("e2e", aws.client, patience=240.0, url=url, operator=inside)
        yield made


METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD"]


class Domain:
    """A domain of the deployment's own: the local AWS tells APIs apart by the host, and the host has no name here."""

    def __init__(self, aws: LocalAws, logical_id: str) -> None:
        self._aws, self._logical_id = aws, logical_id

    def _api(self) -> str:
        """The API's id: another one after each deployment that makes the stack anew."""
        found = self._aws.client("cloudformation").describe_stack_resource(
            StackName="mailroom-e2e", LogicalResourceId=self._logical_id
        )
        api: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return api

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.forward, methods=METHODS)])

    async def forward(self, request: Request) -> Response:
        """The API's answer to this request."""
        port, api = self._aws.endpoint.rpartition(":")[2], await asyncio.to_thread(self._api)
        passed = {"host", "connection", "transfer-encoding"}
        headers = [(name, value) for name, value in request.headers.items() if name not in passed]
        async with httpx.AsyncClient(base_url=self._aws.endpoint, timeout=60) as client:
            answer = await client.request(
                request.method,
                f"{request.url.path}?{request.url.query}",
                content=await request.body(),
                headers=[*headers, ("host", f"{api}.execute-api.localhost:{port}")],
            )
        kept = {name: value for name, value in answer.headers.items() if name not in {*passed, "content-encoding"}}
        return Response(answer.content, answer.status_code, kept)
