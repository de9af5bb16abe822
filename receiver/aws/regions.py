"""AWS's partitions: what their regions are called, and the hosts of their services. Source: botocore's partitions.json.

A region newer than this page is one all the same: its name has the form of its partition's. A test holds the partitions
against botocore's, which is asked itself only about a name that none of them fits.
"""

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Partition:
    """``suffixes`` are those of its hosts, of both address families."""

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
"""The middle of every region's name so far."""


def partition_of(region: str) -> Partition | None:
    """The partition that has, or may have, this region; None for what is no region's name."""
    named = next((item for item in PARTITIONS if re.search(item.regions, region)), None)
    return named or next((item for item in _installed() if re.search(item.regions, region)), None)


def partition_id(region: str) -> str:
    """The id of its partition, as ARNs begin with it: ``aws`` for what is no region's name too."""
    found = partition_of(region)
    return found.id if found else "aws"


def is_partition(name: str) -> bool:
    """Whether AWS has this partition."""
    return any(item.id == name for item in PARTITIONS) or any(item.id == name for item in _installed())


def odd(region: str) -> bool:
    """Whether no region has been called so yet: a misspelling, or one that is very new."""
    return partition_of(region) is None or region.split("-")[-2] not in COMPASS


@cache
def _installed() -> tuple[Partition, ...]:
    """What the botocore that is installed knows."""
    from botocore.loaders import Loader

    found = Loader().load_data("partitions")["partitions"]
    return tuple(
        Partition(
            item["id"], item["regionRegex"], (item["outputs"]["dnsSuffix"], item["outputs"]["dualStackDnsSuffix"])
        )
        for item in found
    )
