"""What the function on the internet loads is what it needs: every module more is paid for at every cold start."""

import subprocess
import sys

import pytest

FORBIDDEN = (
    "pydantic",
    "httpx",
    "starlette",
    "yaml",
    "boto3",
    "botocore.session",
    "botocore.model",
    "pikepdf",
    "pypdfium2",
    "click",
    "rich",
    "prometheus_client",
    "sqlite3",
    "handlers.destinations",
    "handlers.alerts",
    "receiver.aws.boto",
    "handlers.app",
    "receiver.config",
    "receiver.cloud",
    "receiver.cli",
    "receiver.pipeline.process",
    "receiver.store.sqlite.store",
)
BUDGET = 86
"""Modules of our own at most. It is 86 when this is written: the settings, the timers, the faults of connections, the
numbers of submissions and the queue of webhooks among them; a jump is worth a look at `python -X importtime`."""
START = """
import sys
import handlers.functions.receive as receive
receive.WARM.built()
from receiver.aws.client import JsonClient
JsonClient("dynamodb"), JsonClient("sqs")
print(*sys.modules, sep="\\n")
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The modules that are loaded when receive could take its first event on AWS."""
    env = {
        "AWS_LAMBDA_FUNCTION_NAME": "mailroom-test-receive",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "MAILROOM_STORE": "dynamodb://table",
        "MAILROOM_QUEUE": "sqs://doorbell",
        "MAILROOM_WEBHOOK_HEADERS": '{"X-Key": ["a-value-of-the-header"]}',
    }
    done = subprocess.run([sys.executable, "-c", START], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("module", FORBIDDEN)
def test_receive_does_not_load(module: str, loaded: list[str]) -> None:
    assert [name for name in loaded if name == module or name.startswith(f"{module}.")] == []


def test_receive_keeps_to_its_budget(loaded: list[str]) -> None:
    ours = [name for name in loaded if name.split(".")[0] in {"receiver", "handlers"}]
    assert len(ours) <= BUDGET, sorted(ours)
