"""Before the first document, a worker makes what its delivery would wait for."""

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest

from handlers.destinations.registry import destinations
from receiver.aws.boto import Aws, DestinationAccess
from receiver.core.errors import Unroutable
from receiver.core.plan import Target
from receiver.destination_traits import prepare

pytestmark = pytest.mark.anyio
ROLE = "arn:aws:iam::123456789012:role/mail"


class AskedAws(Aws):
    """Notes which clients are made; ``broken`` as without a region."""

    def __init__(self, made: list[tuple[str, str, str]], role: str = "", broken: bool = False) -> None:
        super().__init__()
        self.made, self.role, self.broken = made, role, broken

    def through(self, access: DestinationAccess) -> "AskedAws":
        return AskedAws(self.made, access.role, self.broken)

    async def endpoint(self, service: str, *, region: str = "") -> str:
        if self.broken:
            raise Unroutable("there is no region")
        self.made.append((service, region, self.role))
        return ""


TARGETS: Mapping[str, tuple[str, str]] = {
    "s3://mail/": ("s3", ""),
    "sqs://mail": ("sqs", ""),
    "sns://arn:aws:sns:eu-west-1:123456789012:mail": ("sns", "eu-west-1"),
    "events://mail": ("events", ""),
    "states://mail": ("stepfunctions", ""),
}


@pytest.mark.parametrize("role", ["", ROLE])
async def test_the_client_of_each_target_is_made_and_nobody_is_asked(role: str) -> None:
    made: list[tuple[str, str, str]] = []
    options: dict[str, Any] = {"role": role} if role else {}
    targets = [Target(url=url, options=options) for url in (*TARGETS, "folder:///mail/", "https://mail.example.com/")]
    await prepare(targets, destinations(AskedAws(made), environ={}))
    assert made == [(*client, role) for client in TARGETS.values()]
    assert {service for service, _ in TARGETS.values()} <= {*botocore.session.get_session().get_available_services()}


async def test_what_cannot_be_made_is_left_to_the_delivery() -> None:
    made: list[tuple[str, str, str]] = []
    await prepare([Target(url=url) for url in TARGETS], destinations(AskedAws(made, broken=True), environ={}))
    assert made == []
