"""The stage: where a run's processes keep what they know, how they hear of each other, and which they are."""

import contextlib
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from handlers.demo.local_aws import LocalAws
from handlers.sources.s3_spool import S3Spool
from receiver.core.plan import Target
from receiver.ports import Spool, Store
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from receiver.store.spool import FolderSpool
from receiver.store.sqlite.store import SqliteStore

TABLE = "mailroom"
BELL = "chaos-doorbell"
SPOOL = "s3://chaos-spool/documents/"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One of the two ways to run Mailroom."""

    members: Mapping[str, tuple[str, ...]]
    """Name -> arguments of ``mailroom``."""
    ports: tuple[int, ...]
    """Of those that receive."""
    operators: dict[str, int]
    """Name of one that receives -> the port of its operator's side, where letters are handed in."""
    env: dict[str, str]
    store: Callable[[], Store]
    spool: Spool
    look_seconds: float
    """Between two looks whether all is done."""


def one_machine(folder: Path) -> Environment:
    """A receiver that works too, and another worker, on one SQLite file."""
    port, operator = free_port(), free_port()
    return Environment(
        members={"serve": ("serve", "--port", str(port)), "worker": ("worker",)},
        ports=(port,),
        operators={"serve": operator},
        env={"MAILROOM_STORE": f"sqlite:///{folder}/mailroom.db", "MAILROOM_SWEEP_SECONDS": "1"},
        store=lambda: SqliteStore(folder / "mailroom.db"),
        spool=FolderSpool(folder / "spool"),
        look_seconds=0.3,
    )


def on_aws(aws: LocalAws) -> Environment:
    """Two receivers and two workers on DynamoDB and SQS."""
    aws.make([Target(url=SPOOL), Target(url=f"sqs://{BELL}")])
    create_table(aws.client("dynamodb"), TABLE)
    ports, operators = (free_port(), free_port()), (free_port(), free_port())
    receivers = {f"receiver-{n}": ("serve", "--no-worker", "--port", str(port)) for n, port in enumerate(ports, 1)}
    return Environment(
        members={**receivers, "worker-1": ("worker",), "worker-2": ("worker",)},
        ports=ports,
        operators=dict(zip(receivers, operators, strict=True)),
        env={
            "MAILROOM_STORE": f"dynamodb://{TABLE}",
            "MAILROOM_QUEUE": f"sqs://{BELL}",
            "MAILROOM_SPOOL": SPOOL,
            "MAILROOM_SWEEP_SECONDS": "2",
        },
        store=lambda: DynamoStore(TABLE, client=partial(aws.client, "dynamodb")),
        spool=S3Spool(SPOOL, aws.aws),
        look_seconds=1.0,
    )


def free_port() -> int:
    """A port outside of those that outgoing connections are given: nobody takes it while the receiver is down.

    Not drawn from the seed: two runs at once would meet at one port.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
