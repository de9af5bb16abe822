"""AWS's partitions: the names of their regions and the hosts of their services. Source: botocore's partitions.json.

A region that is newer than this list is recognized by the form of its name. A test compares the list with botocore's.
At run time botocore is only loaded for a name that fits no partition here.
"""

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Partition:
    """``suffixes`` end its host names, for IPv4 and dual-stack."""

    id: str
    regions: str
    """A regular expression."""
    suffixes: tuple[str, ...]


PARTITIONS = (
    Partition("aws", r"^(us|eu|ap|sa|ca|me|af|il|mx)\-\w+\-\d+$", ("amazonaws.com", "api.aws")),
    Partition("aws-cn", r"^cn\-\w+\-\d+$", ("amazonaws.com.cn", "api.amazonwebservices.com.cn")),
    Partition("aws-eusc", r"^eusc\-(de)\-\w+\-\d+$", ("amazonaws.eu", "api.amazonwebservices.eu")),
    Partition("aws-iso", r"^us\-iso\-\w+\-\d+$", ("c2s.ic.gov", "api.aws.ic.gov")),
    Partition("aws-iso-b", r"^us\-isob\-\w+\-\d+$", ("sc2s.sgov.gov", "api.aws.scloud")),
    Partition("aws-iso-e", r"^eu\-isoe\-\w+\-\d+$", ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk")),
    Partition("aws-iso-f", r"^us\-isof\-\w+\-\d+$", ("csp.hci.ic.gov", "api.aws.hci.ic.gov")),
    Partition("aws-us-gov", r"^us\-gov\-\w+\-\d+$", ("amazonaws.com", "api.aws")),
)
COMPASS = frozenset(
    {"north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"}
)  # fmt: skip
"""The middle part of every region's name so far."""


def partition_of(region: str) -> Partition | None:
    """The partition that has, or may have, this region; None if it cannot be the name of a region."""
    named = next((item for item in PARTITIONS if re.search(item.regions, region)), None)
    return named or next((item for item in _installed() if re.search(item.regions, region)), None)


def partition_id(region: str) -> str:
    """The id of its partition, as in ARNs; ``aws`` if this cannot be the name of a region."""
    found = partition_of(region)
    return found.id if found else "aws"


def host_suffix(region: str) -> str:
    """What the hosts of its services end in: ``amazonaws.com`` for what is no region's name too."""
    found = partition_of(region) if region else None
    return found.suffixes[0] if found else PARTITIONS[0].suffixes[0]


def is_partition(name: str) -> bool:
    """Whether AWS has this partition."""
    return any(item.id == name for item in PARTITIONS) or any(item.id == name for item in _installed())


def odd(region: str) -> bool:
    """Whether no known region is named like this: it is misspelt, or very new."""
    return partition_of(region) is None or region.split("-")[-2] not in COMPASS


@cache
def _installed() -> tuple[Partition, ...]:
    """The partitions of the installed botocore."""
    from botocore.loaders import Loader

    found = Loader().load_data("partitions")["partitions"]
    return tuple(
        Partition(
            item["id"], item["regionRegex"], (item["outputs"]["dnsSuffix"], item["outputs"]["dualStackDnsSuffix"])
        )
        for item in found
    )
