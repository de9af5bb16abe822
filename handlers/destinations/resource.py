"""Topics, buses and state machines in URLs: by a name in our own account and region, or by an ARN.

Destinations (``sns://…``) and alert channels (``sns:…``) share this check.

Sources: the API references of SNS (CreateTopic), EventBridge (CreateEventBus) and Step Functions (CreateStateMachine)
for the names; IAM User Guide, "Amazon Resource Names (ARNs)"; STS GetCallerIdentity, which needs no permission.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handlers.destinations import options as options_
from handlers.destinations import reach
from receiver.aws.boto import Aws, DestinationAccess
from receiver.aws.regions import is_partition, odd, partition_of
from receiver.core.plan import Taken, Target

_ARN = re.compile(r"arn:(?P<partition>[^:]*):(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.+)")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource, and the form of its names and ARNs."""

    scheme: str
    """The scheme of its targets, and the service in its ARNs."""
    called: str
    """The word for people: ``topic``."""
    names: re.Pattern[str]
    rule: str
    """The rule for names, for people."""
    prefix: str = ""
    """The part before the name in an ARN: ``event-bus/``."""
    mark: str = "://"
    """Between the scheme and the name or ARN; ``:`` in the URL of an alert channel."""
    client: str = ""
    """boto3's name of the service, if it differs from the scheme."""

    def example(self, name: str) -> str:
        """An example of its ARN."""
        return f"{self.scheme}{self.mark}arn:aws:{self.scheme}:REGION:ACCOUNT:{self.prefix}{name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource of a target. Without an ARN it is in our own account and region."""

    kind: Kind
    name: str
    arn: str = ""
    partition: str = ""
    service: str = ""
    region: str = ""
    account: str = ""

    @property
    def shown(self) -> str:
        """The target as it is written, for errors."""
        return f"{self.kind.scheme}{self.kind.mark}{self.arn or self.name}"

    def arn_in(self, partition: str, region: str, account: str) -> str:
        """The ARN; a name alone is in this account and region."""
        kind = self.kind
        return self.arn or f"arn:{partition}:{kind.scheme}:{region}:{account}:{kind.prefix}{self.name}"

    def faults(self) -> list[str]:
        """Faults of the name or ARN."""
        kind = self.kind
        if self.name.endswith("/"):
            return [f"a {kind.called} has no path: write it without the slash at the end"]
        if (self.arn or self.name.startswith("arn:")) and self.service != kind.scheme:
            return [f"{self.arn or self.name} is not the ARN of a {kind.called}: write {kind.example('NAME')}"]
        if not kind.names.fullmatch(self.name):
            return [f"{self.name!r} is not a valid name of a {kind.called}: {kind.rule}"]
        return self._arn_faults() if self.arn else []

    def _arn_faults(self) -> list[str]:
        if not is_partition(self.partition):
            return [f"{self.partition!r} is not a partition of AWS: write {self.kind.example(self.name)}"]
        home = partition_of(self.region)
        if home is None or home.id != self.partition:
            return [f"{self.region!r} is not a region of the partition {self.partition}"]
        if not _ACCOUNT.fullmatch(self.account):
            return [f"{self.account!r} is not an AWS account: it must have twelve digits"]
        return []


def resource_of(target: str, kind: Kind) -> Resource:
    """The resource of ``scheme://name`` or ``scheme://arn:…``. An alert channel's URL has ``:`` instead of ``://``."""
    text = target.removeprefix(f"{kind.scheme}{kind.mark}")
    found = _ARN.fullmatch(text)
    if not found:
        return Resource(kind, text)
    rest = found["rest"]
    right = found["service"] == kind.scheme and rest.startswith(kind.prefix)
    return Resource(
        kind, rest.removeprefix(kind.prefix), text, found["partition"], found["service"] if right else "",
        found["region"], found["account"],
    )  # fmt: skip


class ByName:
    """The base of destinations whose targets are such resources. Subclasses define ``kind`` and the options."""

    holds_bytes = False
    kind: Kind
    options: tuple[str, ...] = reach.OPTIONS

    def __init__(self, aws: Aws, *, environ: Mapping[str, str]) -> None:
        """``environ`` has the values of options of the form ``env:NAME``."""
        self._aws = aws
        self._environ = environ
        self._arns: dict[tuple[DestinationAccess, str], str] = {}

    async def prepare(self, target: Target) -> None:
        """Makes the client of this target."""
        aws = self._aws.through(reach.access_of(options_.given(target.options, self._environ)))
        await aws.prepare(self.kind.client or self.kind.scheme, region=resource_of(target.url, self.kind).region)

    def faults(self, target: Target) -> list[str]:
        """Names, ARNs and options that the service would not accept."""
        resource = resource_of(target.url, self.kind)
        found = [*resource.faults(), *options_.unknown(target.options, self.options)]
        if unset := options_.unset(target.options, self._environ):
            return found + unset
        given = options_.given(target.options, self._environ)
        if not resource.arn:
            fix = f"a name alone would be another {self.kind.called}; write {self.kind.example(resource.name)}"
            found += [f"option {name}: {fix}" for name in ("role", "endpoint") if name in given]
        found += self._option_faults(resource, given)
        found += reach.reach_faults(target.options, self._environ)
        return options_.without_values(found, target.options)

    def _option_faults(self, resource: Resource, given: Mapping[str, str]) -> Iterable[str]:
        """Faults of the destination's own options."""
        return ()

    def doubts(self, target: Target) -> list[str]:
        """Regions that this release does not know."""
        region = resource_of(target.url, self.kind).region
        return [f"{region!r} is not a known region: check the spelling"] if region and odd(region) else []

    def taken(self, url: str) -> Taken:
        """The resource. A name alone may be that of any ARN with it, because only AWS knows our account."""
        resource = resource_of(url, self.kind)
        own = self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION") or resource.region
        here = resource.arn and resource.region == own
        return Taken(place=resource.shown, perhaps=(f"{self.kind.scheme}://{resource.name}",) if here else ())

    def elsewhere(self, target: Target) -> str:
        """The target's endpoint, unless it is the usual one."""
        return reach.elsewhere(target.options, self.kind.scheme, self._environ)

    async def _arn(self, resource: Resource, access: DestinationAccess) -> str:
        """The ARN; that of a name alone has our account and region, which are requested once."""
        known = (access, resource.shown)
        if known not in self._arns:
            self._arns[known] = resource.arn or await _ours(resource, self._aws.through(access))
        return self._arns[known]


async def _ours(resource: Resource, aws: Aws) -> str:
    answer = await aws.call("sts", "get_caller_identity", what=resource.shown)
    return resource.arn_in(str(answer["Arn"]).split(":")[1], await aws.region(), str(answer["Account"]))
