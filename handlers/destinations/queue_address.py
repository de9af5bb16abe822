"""The queue of ``sqs://…``: a name in our own account and region, or a URL with both.

Sources: SQS Developer Guide, "Amazon SQS queue and message identifiers"; SQS endpoints in the AWS General Reference.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from receiver.aws.regions import PARTITIONS, odd, partition_of
from receiver.core.forms import LOOPBACK

_NAME = re.compile(r"(?=.{1,80}$)[A-Za-z0-9_\-]+(\.fifo)?")
_REGION = r"(?P<region>[a-z]{2,5}(-\w+)+-\d+)"
_SUFFIXES = tuple(dict.fromkeys(suffix for item in PARTITIONS for suffix in item.suffixes))
_SUFFIX = f"(?P<suffix>{'|'.join(map(re.escape, _SUFFIXES))})"
_HOSTS = tuple(
    re.compile(item)
    for item in (
        rf"sqs(-fips)?\.{_REGION}\.{_SUFFIX}",
        rf"{_REGION}\.queue\.{_SUFFIX}",
        rf"vpce-[a-z0-9-]+\.sqs\.{_REGION}\.vpce\.{_SUFFIX}",
    )
)
_OLDEST = "queue.amazonaws.com"
"""The original host of SQS, for us-east-1."""
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of a target."""

    name: str
    url: str = ""
    """The queue's URL, if the target has one."""
    account: str = ""
    region: str = ""
    """From the URL; "" if it has none: a name alone, or a host that is not AWS's."""
    host: str = ""
    slash: bool = False
    """Whether the target ends in a slash, like a template to which file names are appended."""

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")

    @property
    def place(self) -> str:
        """The canonical spelling of the queue."""
        return f"sqs://{self.region or self.host}/{self.account}/{self.name}" if self.url else f"sqs://{self.name}"

    def faults(self) -> list[str]:
        """Faults of the name or URL."""
        if self.slash:
            return [f"a queue has no path: write it without the slash at the end, …/{self.name}"]
        if not _NAME.fullmatch(self.name):
            return [
                f"{self.name!r} is not a valid queue name: at most 80 letters, digits, `-` and `_`; a FIFO's "
                "ends in .fifo"
            ]
        if not self.url:
            return []
        if any(mark in self.url for mark in "{}?#@ "):
            return ["a queue's address must be written out: no fields, no query, no user"]
        if not self.account or not self.host:
            return [f"{self.url} lacks the account: write https://sqs.REGION.amazonaws.com/ACCOUNT/{self.name}"]
        return self._aws_faults() if self.on_aws else []

    def _aws_faults(self) -> list[str]:
        """Faults of a queue at AWS itself."""
        if self.url.startswith("http://"):
            return [f"use https: http exposes the message to the network; write https://{self.host}/…"]
        if not self.region:
            return [f"{self.host} is not an SQS host: write sqs.REGION.amazonaws.com"]
        if not _ACCOUNT.fullmatch(self.account):
            return [f"{self.account!r} is not an AWS account: it must have twelve digits"]
        if (partition := partition_of(self.region)) is None:
            return [f"{self.region!r} is not an AWS region"]
        if not _hostname(self.host).endswith(partition.suffixes):
            return [f"region {self.region} is not at {self.host}: write sqs.{self.region}.{partition.suffixes[0]}"]
        return []

    def doubts(self) -> list[str]:
        """Warnings: probably a mistake, but possible."""
        if self.region and odd(self.region):
            return [f"{self.region!r} is not a known region: check the spelling"]
        return []

    @property
    def on_aws(self) -> bool:
        """Whether its host is one of AWS's."""
        return on_aws(_hostname(self.host))

    @property
    def elsewhere(self) -> bool:
        """Whether its host is neither AWS's nor this machine."""
        return bool(self.url) and not self.on_aws and not LOOPBACK.fullmatch(_hostname(self.host))


def on_aws(host: str) -> bool:
    """Whether this is one of AWS's hosts."""
    return host.endswith(tuple(f".{suffix}" for suffix in _SUFFIXES))


def queue_of(target: str) -> Queue:
    """The queue of ``sqs://name``, ``sqs://https://host/account/name`` or ``sqs://host/account/name``."""
    given = target.removeprefix("sqs://")
    rest, slash = given.rstrip("/"), given.endswith("/")
    if "/" not in rest:
        return Queue(name=rest, slash=slash)
    url = rest if rest.startswith(("https://", "http://")) else f"https://{rest}"
    host, _, path = url.partition("://")[2].partition("/")
    account, _, name = path.rpartition("/")
    return Queue(
        name=name, url=url, account=account.strip("/"), region=_region(host), host=host.lower(), slash=slash
    )  # fmt: skip


def _region(host: str) -> str:
    plain = _hostname(host)
    if plain == _OLDEST:
        return "us-east-1"
    found = next((fits for pattern in _HOSTS if (fits := pattern.fullmatch(plain))), None)
    return found["region"] if found else ""


def _hostname(host: str) -> str:
    """The host without its port; "" for an invalid one."""
    return (urlsplit(f"//{host}").hostname or "") if re.fullmatch(r"[\w.:-]+|\[[\da-fA-F:]+\](:\d+)?", host) else ""


def arn_hint(target: str) -> str:
    """What to write instead of an ARN; "" for anything else."""
    found = re.fullmatch(r"sqs://arn:aws[a-z-]*:sqs:([a-z0-9-]+):(\d+):(.+)", target)
    if not found:
        return ""
    partition = partition_of(found[1]) or PARTITIONS[0]
    return f"an ARN is not an address: write sqs://https://sqs.{found[1]}.{partition.suffixes[0]}/{found[2]}/{found[3]}"


def queue_name(url: str) -> str:
    """The name of the queue of a target or a receipt (``sqs://…name#message``)."""
    return queue_of(url.partition("#")[0]).name
