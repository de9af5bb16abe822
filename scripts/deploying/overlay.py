"""What a deployment file adds to serverless.yml beside parameters: variables, rights, subscriptions, a VPC.

osls merges it: `scripts/deploy` writes it beside the zips, as `overlay.json`, and serverless.yml names it.
"""

from typing import Any

from scripts.deploying.deployment_file import DeploymentSettings
from scripts.deploying.deployment_model import OWN
from scripts.deploying.outside import Place, Statement, statements
from scripts.deploying.stage import INSIDE, Stage

Template = dict[str, Any]
ROLES = {name: f"{name.capitalize()}Role" for name in ("receive", *INSIDE)}
INTERFACES = ("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")
MAKING, LOOKING = ("ec2:CreateNetworkInterface",), ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
"""What Lambda needs in a VPC. Source: Lambda Developer Guide, "Attaching functions to a VPC"."""
TAGGING = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging")
READING = frozenset({"s3:GetObject", "s3:ListBucket", "kms:Decrypt", "sts:AssumeRole"})
"""What reading a delivered document needs, where it was delivered."""


def overlay(stage: Stage, settings: DeploymentSettings, places: list[Place]) -> Template:
    """``functions`` and ``resources`` as osls merges them into the service; the same input is the same overlay."""
    functions: dict[str, Template] = {name: {"environment": variables(stage, settings)} for name in INSIDE}
    if (vpc := settings.values.vpc) is not None:
        placed = {"subnetIds": list(vpc.subnets), "securityGroupIds": list(vpc.security_groups)}
        functions = {name: {**functions.get(name, {}), "vpc": placed} for name in ROLES}
    return {
        "functions": {name: {key: value for key, value in item.items() if value} for name, item in functions.items()},
        "resources": {
            "Resources": {**_resources(stage, settings, places), **_domain(settings)},
            "Outputs": _domain_target(settings),
        },
    }


def variables(stage: Stage, settings: DeploymentSettings) -> dict[str, str]:
    """Of the functions behind the door: values, and pointers in the place of secrets."""
    values, inside = settings.values, stage.secret("inside")
    pointers = {
        name: f"secretsmanager:{inside}#{name}" if pointer == OWN else pointer
        for name, pointer in values.secrets.items()
    }
    return {**values.variables, **pointers, **({"MAILROOM_APP": values.app} if values.app else {})}


def _resources(stage: Stage, settings: DeploymentSettings, places: list[Place]) -> dict[str, Template]:
    found: dict[str, Template] = {}
    if archiving := statements([place for place in places if place.used_by == "sweep"], stage):
        found["OutsideArchivePolicy"] = _policy("ArchiveRecords", archiving, ["sweep"])
    if using := statements([place for place in places if place.used_by == "process"], stage):
        found["OutsidePlacesPolicy"] = _policy("UseOutsidePlaces", using, ["process"])
        # It shows documents that Mailroom itself has forgotten from where they were delivered.
        if reading := _reading(using):
            found["OutsideDocumentsPolicy"] = _policy("ReadOutsideDocuments", reading, ["console"])
    for function, taking in inbox_statements(stage, settings).items():
        found[f"OutsideInbox{function.capitalize()}Policy"] = _policy("UseOutsideInboxes", taking, [function])
    if reading := secret_statements(stage, settings):
        found["OutsideSecretsPolicy"] = _policy("ReadOutsideSecrets", reading, INSIDE)
    if settings.values.vpc is not None:
        network = network_statements(stage)
        found["NetworkPolicy"] = _policy("UseNetwork", network, tuple(ROLES))
    for topic, more in (("Alerts", settings.values.alert_email), ("Watch", settings.values.watch_email)):
        found |= {f"{topic}ByEmail{at}": _subscription(topic, to) for at, to in enumerate((more or ())[1:], 2)}
    return found


def _domain(settings: DeploymentSettings) -> dict[str, Template]:
    """A domain in front of the address that LlamaCloud calls, and its record where its zone is known."""
    if (domain := settings.values.domain) is None:
        return {}
    ends = [{"CertificateArn": domain.certificate, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}]
    name = {"DomainName": domain.name, "DomainNameConfigurations": ends}
    api = "WebhookApi" if settings.values.webhook_queue else "HttpApi"
    mapping = {"ApiId": {"Ref": api}, "DomainName": {"Ref": "PublicDomain"}, "Stage": {"Ref": f"{api}Stage"}}
    found = {
        "PublicDomain": {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": name},
        "PublicDomainMapping": {"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": mapping},
    }
    if domain.hosted_zone:
        to = {"DNSName": _of_domain("RegionalDomainName"), "HostedZoneId": _of_domain("RegionalHostedZoneId")}
        record = {"HostedZoneId": domain.hosted_zone, "Name": domain.name, "Type": "A", "AliasTarget": to}
        found["PublicDomainRecord"] = {"Type": "AWS::Route53::RecordSet", "Properties": record}
    return found


def _domain_target(settings: DeploymentSettings) -> dict[str, Template]:
    if settings.values.domain is None:
        return {}
    about = "Where the record of the public domain must lead"
    return {"PublicDomainTarget": {"Description": about, "Value": _of_domain("RegionalDomainName")}}


def _of_domain(attribute: str) -> Template:
    return {"Fn::GetAtt": ["PublicDomain", attribute]}


def _policy(name: str, using: list[Statement], functions: tuple[str, ...] | list[str]) -> Template:
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": name,
            "PolicyDocument": {"Version": "2012-10-17", "Statement": using},
            "Roles": [{"Ref": ROLES[function]} for function in functions],
        },
    }


def _subscription(topic: str, address: str) -> Template:
    properties = {"TopicArn": {"Ref": f"{topic}Topic"}, "Protocol": "email", "Endpoint": address}
    return {"Type": "AWS::SNS::Subscription", "Properties": properties}


def _reading(using: list[Statement]) -> list[Statement]:
    """What of these statements is needed to read what was delivered."""
    reading = [{**item, "Action": [action for action in item["Action"] if action in READING]} for item in using]
    return [item for item in reading if item["Action"]]


def inbox_statements(stage: Stage, settings: DeploymentSettings) -> dict[str, list[Statement]]:
    """What taking documents from buckets of one's own needs, by function: as roles.yml has it for the stack's inbox."""
    buckets = settings.values.inbox_buckets or ()
    if not buckets:
        return {}
    arns = list(dict.fromkeys(f"arn:{stage.partition}:s3:::{item.split('/')[0]}" for item in buckets))
    objects = list(
        dict.fromkeys(f"arn:{stage.partition}:s3:::{item if '/' in item else f'{item}/'}*" for item in buckets)
    )

    def statement(resources: list[str], *actions: str) -> Statement:
        return {"Effect": "Allow", "Action": list(actions), "Resource": resources}

    listing = statement(arns, "s3:ListBucket", "s3:ListBucketVersions")
    reading = [statement(objects, "s3:GetObject", "s3:GetObjectVersion"), listing]
    tagging = [statement(objects, *TAGGING)]
    moving = [statement(objects, "s3:DeleteObjectVersion")] if settings.values.inbox_source == "moved" else []
    return {
        "process": reading,
        "intake": [*reading, *tagging, *moving],
        "sweep": [*tagging, listing],
        "console": reading,
    }


def network_statements(stage: Stage) -> list[Statement]:
    """What every function's role must be allowed to do for Lambda to place it in a VPC."""
    made = [f"{_arn(stage, 'ec2')}:{kind}/*" for kind in ("network-interface", "subnet", "security-group")]
    return [
        {"Effect": "Allow", "Action": list(MAKING), "Resource": made},
        {"Effect": "Allow", "Action": list(INTERFACES), "Resource": made[:1]},
        {"Effect": "Allow", "Action": list(LOOKING), "Resource": "*"},  # AWS knows no narrower resource
    ]


def secret_statements(stage: Stage, settings: DeploymentSettings) -> list[Statement]:
    """What reading the secrets needs that are kept outside the stage."""
    sources = {pointer.partition("#")[0] for pointer in settings.values.secrets.values() if pointer != OWN}
    if settings.values.heartbeat_url:
        sources |= {settings.values.heartbeat_url.partition("#")[0]}
    vault = sorted(_secret_arn(item.partition(":")[2], stage) for item in sources if item.startswith("secretsmanager:"))
    parameters = sorted(f"{_arn(stage, 'ssm')}:parameter{item[4:]}" for item in sources if item.startswith("ssm:"))
    found = []
    if vault:
        found.append({"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": vault})
    if parameters:
        found.append({"Effect": "Allow", "Action": ["ssm:GetParameter"], "Resource": parameters})
    return found


def _secret_arn(name: str, stage: Stage) -> str:
    """Secrets Manager adds six characters to a name; an ARN may have them or not."""
    arn = name if name.startswith("arn:") else f"{_arn(stage, 'secretsmanager')}:secret:{name}"
    return arn if name.startswith("arn:") and len(arn.rpartition("-")[2]) == 6 else f"{arn}-??????"


def _arn(stage: Stage, service: str) -> str:
    return f"arn:{stage.partition}:{service}:{stage.region}:{stage.account}"
