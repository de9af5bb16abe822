"""Deploys Mailroom to the AWS account that the usual `AWS_*` variables name: docs/deploy-aws.md tells it step by step.

    scripts/deploy [--stage dev] [--region eu-central-1] [--param name=value …]
    scripts/deploy --stage dev --remove --with-all-documents

Makes the zips, makes the stage's secrets unless they are there (LLAMA_CLOUD_API_KEY is taken from the environment or
asked for; the others are random), deploys serverless.yml with osls, and prints where LlamaCloud calls. Running it again
upgrades. `--remove` takes everything down; it deletes documents, so it wants to be told twice.
"""

import argparse
import getpass
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parents[2]
OSLS = ROOT / ".cache" / "osls" / "node_modules" / ".bin" / "osls"


def main() -> None:
    options = arguments()
    region = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-central-1"
    session = boto3.session.Session(region_name=region)
    subprocess.run([ROOT / "scripts" / "infra-tools", "osls"], check=True)
    if options.remove:
        remove(session, options, region)
        return
    for warning in warnings(params(options)):
        print(f"warning: {warning}", file=sys.stderr)
    package(options)
    made = make_secrets(session.client("secretsmanager"), options.stage)
    osls("deploy", options, region)
    tell(session, options.stage, made)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--region", help="AWS_REGION, or eu-central-1")
    parser.add_argument("--config", type=Path, help="routing table; infra/mailroom.STAGE.yaml or infra/mailroom.yaml")
    parser.add_argument("--shadow", type=Path, help="a table that decides beside the real one (docs/production.md)")
    parser.add_argument("--param", action="append", default=[], help="a parameter of serverless.yml: name=value")
    parser.add_argument("--remove", action="store_true", help="take the stage down")
    parser.add_argument("--with-all-documents", action="store_true", help="yes, delete its documents too")
    return parser.parse_args()


def package(options: argparse.Namespace) -> None:
    """The zips, for the Python and platform that the parameters name."""
    chosen = [f"--{name}={value}" for name, value in params(options).items() if name in ("arch", "python")]
    chosen += [f"--config={options.config}"] if options.config else []
    chosen += [f"--shadow={options.shadow}"] if options.shadow else []
    subprocess.run([sys.executable, ROOT / "scripts" / "package", f"--stage={options.stage}", *chosen], check=True)


def params(options: argparse.Namespace) -> dict[str, str]:
    """The parameters of serverless.yml. Which file decides beside the real table follows from what is packaged."""
    given = dict(item.partition("=")[::2] for item in options.param)
    return given | ({"shadow": "shadow.yaml"} if options.shadow else {})


def warnings(given: dict[str, str]) -> list[str]:
    """What a person should know before this is deployed."""
    found = []
    if not given.get("alertEmail"):
        found.append(
            "nobody will hear of alerts and alarms by e-mail: --param alertEmail=you@example.com "
            "(without it the subscription of an earlier deploy is removed)"
        )
    if not given.get("watchEmail"):
        found.append(
            "that alerting itself does not work will show in the CloudWatch console alone: "
            "--param watchEmail=somebody.else@example.com"
        )
    elif given["watchEmail"] == given.get("alertEmail"):
        found.append("watchEmail is alertEmail: who does not read the one does not read the other")
    return found


def osls(command: str, options: argparse.Namespace, region: str) -> None:
    arguments = [f"--param={name}={value}" for name, value in params(options).items()]
    subprocess.run([OSLS, command, "--stage", options.stage, "--region", region, *arguments], cwd=ROOT, check=True)


def make_secrets(client: Any, stage: str) -> list[str]:
    """The names of the secrets that were made; those that are there are left alone."""
    values: dict[str, Callable[[], dict[str, Any]]] = {
        f"mailroom/{stage}/door": lambda: {
            "MAILROOM_WEBHOOK_HEADERS": {"X-Mailroom-Key": [secrets.token_urlsafe(32)]},
            "MAILROOM_TOKEN_SECRETS": secrets.token_urlsafe(32),
            "MAILROOM_SIGNING_SECRETS": secrets.token_urlsafe(32),
        },
        f"mailroom/{stage}/inside": lambda: {
            "LLAMA_CLOUD_API_KEY": os.environ.get("LLAMA_CLOUD_API_KEY") or getpass.getpass("LlamaCloud API key: "),
            "MAILROOM_ADMIN_TOKEN": secrets.token_urlsafe(32),
        },
    }
    made = []
    for name, make in values.items():
        try:
            client.describe_secret(SecretId=name)
        except client.exceptions.ResourceNotFoundException:
            client.create_secret(Name=name, SecretString=json.dumps(make()))
            made.append(name)
    return made


def tell(session: boto3.session.Session, stage: str, made: list[str]) -> None:
    """What a person needs next."""
    stack = session.client("cloudformation").describe_stacks(StackName=f"mailroom-{stage}")["Stacks"][0]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    print(f"\nLlamaCloud calls   {outputs['PublicUrl']}/webhooks/llamacloud")
    if "OperatorUrl" in outputs:
        print(f"the operator's page {outputs['OperatorUrl']}/")
    print(f"put documents into s3://{outputs['InboxBucketName']}/")
    print(f"they will lie in   s3://{outputs['MailBucketName']}/")
    for what, output in (("alerts go to      ", "AlertsTopicArn"), ("alarms about them ", "WatchTopicArn")):
        print(f"{what} {outputs[output]}: {heard_by(session.client('sns'), outputs[output])}")
    for name in made:
        print(f"made the secret    {name}")


def heard_by(client: Any, topic: str) -> str:
    """Who hears what is published there, in words."""
    attributes = client.get_topic_attributes(TopicArn=topic)["Attributes"]
    confirmed, pending = (int(attributes.get(f"Subscriptions{how}", 0)) for how in ("Confirmed", "Pending"))
    if confirmed:
        return f"{confirmed} confirmed"
    if pending:
        return f"NOBODY yet: {pending} to be confirmed, by the link in AWS's mail"
    return "NOBODY"


def remove(session: boto3.session.Session, options: argparse.Namespace, region: str) -> None:
    """Takes the stage down: documents, records, stack, secrets."""
    if not options.with_all_documents:
        sys.exit("this deletes every document and record of the stage; if that is meant: --with-all-documents")
    stack = f"mailroom-{options.stage}"
    found = session.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    for resource in found:
        if resource["ResourceType"] == "AWS::S3::Bucket":
            session.resource("s3").Bucket(resource["PhysicalResourceId"]).object_versions.delete()
    osls("remove", options, region)
    for name in ("door", "inside"):
        session.client("secretsmanager").delete_secret(SecretId=f"mailroom/{options.stage}/{name}")
    print(f"{stack} is gone; its secrets can be restored for 30 days")


if __name__ == "__main__":
    main()
