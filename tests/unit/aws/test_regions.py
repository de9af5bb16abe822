"""AWS's partitions are those of botocore, and its regions are all known."""

import pytest
from botocore.loaders import Loader

from receiver.aws import regions
from receiver.aws.environment import endpoint_of
from receiver.aws.regions import PARTITIONS, Partition, odd, partition_of

KNOWN = Loader().load_data("partitions")["partitions"]
NAMES = [(item["id"], name) for item in KNOWN for name in item["regions"] if not name.endswith("-global")]


def test_the_partitions_are_those_of_botocore() -> None:
    """What differs is new there: take it over."""
    found = {
        (item["id"], item["regionRegex"], item["outputs"]["dnsSuffix"], item["outputs"]["dualStackDnsSuffix"])
        for item in KNOWN
    }
    assert {(item.id, item.regions, *item.suffixes) for item in PARTITIONS} == found


@pytest.mark.parametrize(("partition", "region"), NAMES)
def test_every_region_is_in_its_partition_and_not_odd(partition: str, region: str) -> None:
    found = partition_of(region)
    assert found is not None
    assert found.id == partition
    assert not odd(region)


@pytest.mark.parametrize(("partition", "region"), NAMES)
def test_our_own_client_asks_the_hosts_of_its_partition(partition: str, region: str) -> None:
    (suffix,) = {item["outputs"]["dnsSuffix"] for item in KNOWN if item["id"] == partition}
    assert endpoint_of("dynamodb", region, {}) == f"https://dynamodb.{region}.{suffix}"


def test_a_region_that_is_newer_than_botocore_is_one_by_its_form() -> None:
    assert partition_of("ap-southeast-99") == PARTITIONS[0]
    assert not odd("ap-southeast-99")
    assert odd("eu-centrall-1")


@pytest.mark.parametrize(
    "name", ["", "eu", "eu-central", "xx-central-1", "europe-west1", "eu-central-1a", "aws-global"]
)
def test_what_is_no_regions_name_is_none(name: str) -> None:
    assert partition_of(name) is None
    assert odd(name)


def test_a_partition_that_is_newer_than_ours_is_known_once_botocore_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = Partition("aws-moon", r"^moon\-\w+\-\d+$", ("aws.moon",))
    monkeypatch.setattr(regions, "_installed", lambda: (newer,))
    assert partition_of("moon-east-1") == newer
