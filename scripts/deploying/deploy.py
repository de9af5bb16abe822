"""Deploys Mailroom to the AWS account that the usual `AWS_*` variables name: docs/deploy-aws.md tells it step by step.

    scripts/deploy [--stage dev] [--region eu-central-1] [--settings mailroom.deploy.yaml] [--param name=value …]
    scripts/deploy --stage dev --dry-run                        what would change, in words
    scripts/deploy --stage dev --remove --with-all-documents    takes everything down

Checks settings, routing table, LlamaCloud's key and the account; only if all is well it builds the zips, makes the
stage's secrets unless they are there, and deploys serverless.yml with osls. Running it again upgrades, and finishes
what was interrupted. Exit code 2: refused, and nothing was changed.
"""

import argparse
import getpass
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from receiver.aws.environment import named_region
from receiver.core.errors import Misconfigured
from receiver.core.event import Event
from receiver.core.ids import event_key
from receiver.store.dynamodb.items import pk_of
from scripts.deploying.deployment_file import DeploymentSettings, read_deployment
from scripts.deploying.dry_run import changes
from scripts.deploying.one_at_a_time import one_at_a_time
from scripts.deploying.overlay import overlay
from scripts.deploying.preflight import Preflight, preflight, shown
from scripts.deploying.removal import remove_stage, start_functions
from scripts.deploying.retained_data import left_behind, take_over
from scripts.deploying.self_test import DOCUMENT, self_test
from scripts.deploying.stack import make_ready, stack_resources
from scripts.deploying.stage import Clients, Stage
from scripts.deploying.stage_secrets import plan_secrets, stage_values, write_secrets

ROOT = Path(__file__).resolve().parents[2]
OSLS = ROOT / ".cache" / "osls" / "node_modules" / ".bin" / "osls"
STAGE = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]|[a-z]")
"""With account and region a bucket's name has 63 characters at most."""
REFUSED, INTERRUPTED = 2, 130
FUNCTION_URL = "ReceiveLambdaFunctionUrl"


def main(arguments: Sequence[str]) -> int:
    options = parsed(arguments)
    try:
        with one_at_a_time(ROOT / ".cache" / "deploy.lock"):
            return run(options)
    except Misconfigured as error:
        print(f"{error}" + (f"\n{error.fix}" if error.fix else ""), file=sys.stderr)
        return REFUSED
    except (ClientError, BotoCoreError) as error:
        print(f"AWS: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"{Path(str(error.cmd[0])).name} failed (exit code {error.returncode}); its output is above",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted; CloudFormation finishes what it has begun. Run the same command again", file=sys.stderr)
        return INTERRUPTED


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--region", help="by default the file's, AWS_REGION's, AWS_DEFAULT_REGION's or the profile's")
    parser.add_argument("--settings", type=Path, help="the deployment's settings; mailroom.deploy.yaml if there is one")
    parser.add_argument("--config", type=Path, help="routing table; infra/mailroom.STAGE.yaml or infra/mailroom.yaml")
    parser.add_argument("--shadow", type=Path, help="a table that decides beside the real one (docs/production.md)")
    parser.add_argument("--param", action="append", default=[], help="a parameter of serverless.yml: name=value")
    parser.add_argument("--dry-run", action="store_true", help="check, build, and say what would change")
    parser.add_argument("--remove", action="store_true", help="take the stage down")
    parser.add_argument("--with-all-documents", action="store_true", help="yes, delete its documents too")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    settings = with_options(read_deployment(options.settings, options.stage, folder=ROOT), options)
    session, stage = placed(options, settings)
    subprocess.run([ROOT / "scripts" / "infra-tools", "osls"], check=True)
    if options.remove:
        return remove(session, options, stage)
    given = dict(item.partition("=")[::2] for item in options.param)
    table = table_of(options, settings)
    plans = plan_secrets(session.client("secretsmanager"), stage, settings, os.environ, asked)
    found = preflight(stage, settings, given, table, plans, session.client)
    print(shown(found.findings), flush=True)
    if found.refused:
        raise Misconfigured("refused: nothing was changed")
    package(options, settings, found, table)
    write_overlay(stage, settings, found)
    if options.dry_run:
        new = packaged_template(stage, found.parameters)
        print("\n".join(changes(session.client, stage, found.stack, new, zips_of(stage, found.parameters))))
        return 0
    said = write_secrets(session.client("secretsmanager"), plans)
    prepare_stack(session, stage, found)
    osls("deploy", stage, found.parameters)
    outputs = outputs_of(session, stage)
    public = found.parameters.get("publicUrl") or outputs.get("WebhookUrl") or outputs["PublicUrl"]
    tell(session.client("sns"), outputs, public, said)
    return test_itself(public, stage_values(plans), outputs, partial(is_stored, session.client, stage))


def prepare_stack(session: boto3.session.Session, stage: Stage, found: Preflight) -> None:
    """A stack that osls can deploy to: nothing under way, retained data in it, functions that may run."""
    cloudformation = session.client("cloudformation")
    if not make_ready(cloudformation, stage):
        if data := left_behind(session.client, stage):
            print(f"taking over what an earlier stack left: {', '.join(data.values())}", flush=True)
            take_over(session.client, stage, data, packaged_template(stage, found.parameters))
    else:
        start_functions(session.client("lambda"), stack_resources(cloudformation, stage.stack))


def packaged_template(stage: Stage, parameters: dict[str, str]) -> dict[str, Any]:
    """The template that would be deployed."""
    folder = ROOT / "build" / "template" / stage.name
    osls("package", stage, parameters, "--package", str(folder))
    text = (folder / "cloudformation-template-update-stack.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def is_stored(client: Clients, stage: Stage, event_id: str) -> bool:
    """Whether the self-test's event with this id is in the table."""
    key = {"pk": {"S": pk_of(Event, event_key(event_id, DOCUMENT))}}
    return "Item" in client("dynamodb").get_item(TableName=stage.table, Key=key, ConsistentRead=True)


def test_itself(public: str, secrets: dict[str, str], outputs: dict[str, str], stored: Callable[[str], bool]) -> int:
    """A signed event through the public address; what it means, and what to do next."""
    findings = self_test(public, secrets, direct=outputs["PublicUrl"], is_stored=stored)
    print(shown(findings), flush=True)
    if any(item.severity == "error" for item in findings):
        print("the stage is deployed, and LlamaCloud cannot reach it; the sweep finds what is missed", file=sys.stderr)
        return 1
    print(f"next: aws s3 cp invoice.pdf s3://{outputs['InboxBucketName']}/ (docs/deploy-aws.md tells how it goes on)")
    return 0


def with_options(settings: DeploymentSettings, options: argparse.Namespace) -> DeploymentSettings:
    """The settings, with what the command line says of the shadow table."""
    if not options.shadow:
        return settings
    return replace(settings, values=settings.values.model_copy(update={"shadow": str(options.shadow)}))


def placed(options: argparse.Namespace, settings: DeploymentSettings) -> tuple[boto3.session.Session, Stage]:
    """A session in the stage's region, and the stage. Raises Misconfigured."""
    if not STAGE.fullmatch(options.stage):
        raise Misconfigured(f"--stage {options.stage}: a stage has up to 20 small letters, digits and hyphens")
    region = options.region or settings.values.region or named_region(os.environ) or boto3.session.Session().region_name
    if not region:
        raise Misconfigured("no AWS region is named", fix="--region eu-central-1, or `region:` in mailroom.deploy.yaml")
    session = boto3.session.Session(region_name=region)
    try:
        account = session.client("sts").get_caller_identity()["Account"]
    except (ClientError, BotoCoreError) as error:
        fix = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
        raise Misconfigured(f"AWS does not know who you are: {error}", fix=fix) from error
    return session, Stage(options.stage, region, account)


def asked(name: str) -> str:
    """The value that a person types; "" where nobody can."""
    return getpass.getpass(f"{name}: ") if sys.stdin.isatty() else ""


def table_of(options: argparse.Namespace, settings: DeploymentSettings) -> Path:
    """The routing table that goes into the zips, as it is named in messages. Raises Misconfigured."""
    own = Path("infra") / f"mailroom.{options.stage}.yaml"
    usual = own if (ROOT / own).exists() else Path("infra") / "mailroom.yaml"
    table: Path = options.config or (Path(settings.values.table) if settings.values.table else usual)
    if not (ROOT / table).is_file():
        where = "" if options.config else settings.where("table")
        raise Misconfigured(f"{where + ': ' if where else ''}there is no routing table {table}")
    return table


def package(options: argparse.Namespace, settings: DeploymentSettings, found: Preflight, table: Path) -> None:
    """The zips, for the Python and platform that the parameters name."""
    chosen = [f"--{name}={value}" for name, value in found.parameters.items() if name in ("arch", "python")]
    chosen += [f"--config={table}", *([f"--shadow={settings.values.shadow}"] if settings.values.shadow else [])]
    chosen += [f"--module={item}" for item in settings.values.modules or ()]
    command = [sys.executable, str(ROOT / "scripts" / "package"), f"--stage={options.stage}", "--checked", *chosen]
    subprocess.run(command, check=True, cwd=ROOT)


def write_overlay(stage: Stage, settings: DeploymentSettings, found: Preflight) -> None:
    """Beside the zips, where serverless.yml looks for it."""
    text = json.dumps(overlay(stage, settings, found.places), indent=1)
    (zips_of(stage, found.parameters) / "overlay.json").write_text(text, encoding="utf-8")


def zips_of(stage: Stage, parameters: dict[str, str]) -> Path:
    """Where scripts/package puts them."""
    return (
        ROOT / "build" / "lambda" / f"{stage.name}-{parameters.get('python', '3.13')}-{parameters.get('arch', 'arm64')}"
    )


def osls(command: str, stage: Stage, parameters: dict[str, str], *more: str) -> None:
    given = [f"--param={name}={value}" for name, value in parameters.items()]
    arguments = ["--stage", stage.name, "--region", stage.region, *given, *more]
    subprocess.run([str(OSLS), command, *arguments], cwd=ROOT, check=True)


def outputs_of(session: boto3.session.Session, stage: Stage) -> dict[str, str]:
    """The stack's outputs."""
    stack = session.client("cloudformation").describe_stacks(StackName=stage.stack)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def tell(sns: Any, outputs: dict[str, str], public: str, said: list[str]) -> None:
    """What a person needs next."""
    print(f"\nLlamaCloud calls   {public.rstrip('/')}/webhooks/llamacloud")
    if FUNCTION_URL in outputs:
        print(f"or                 {outputs[FUNCTION_URL].rstrip('/')}/webhooks/llamacloud")
    if "PublicDomainTarget" in outputs:
        print(f"the domain's record leads to {outputs['PublicDomainTarget']}")
    if "OperatorUrl" in outputs:
        print(f"the operator's page {outputs['OperatorUrl']}/")
    print(f"put documents into s3://{outputs['InboxBucketName']}/")
    print(f"they will lie in   s3://{outputs['MailBucketName']}/")
    for what, output in (("alerts go to      ", "AlertsTopicArn"), ("alarms about them ", "WatchTopicArn")):
        print(f"{what} {outputs[output]}: {heard_by(sns, outputs[output])}")
    for line in said:
        print(line)


def heard_by(client: Any, topic: str) -> str:
    """Who hears what is published there, in words."""
    attributes = client.get_topic_attributes(TopicArn=topic)["Attributes"]
    confirmed, pending = (int(attributes.get(f"Subscriptions{how}", 0)) for how in ("Confirmed", "Pending"))
    if confirmed:
        return f"{confirmed} confirmed"
    if pending:
        return f"NOBODY yet: {pending} to be confirmed, by the link in AWS's mail"
    return "NOBODY"


def remove(session: boto3.session.Session, options: argparse.Namespace, stage: Stage) -> int:
    """Takes the stage down."""

    def take_down() -> None:
        osls("remove", stage, {})

    said = remove_stage(session.client, stage, take_down, with_documents=options.with_all_documents)
    print("\n".join(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
