"""The local AWS: alone on its port, seen by nobody else, and gone when we are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.demo.local_aws import local_aws as start_local_aws
from receiver.core.plan import Target

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.aws

PARENT = """
import time
from handlers.demo.local_aws import local_aws
with local_aws() as aws:
    print(aws.pid, flush=True)
    time.sleep(600)
"""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]


def _until_gone(pid: int) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if not _alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_two_at_once_share_nothing(local_aws: LocalAws) -> None:
    bucket = [Target(url="s3://alone/in/")]
    with start_local_aws() as other:
        other.make(bucket)
        other.client("s3").put_object(Bucket="alone", Key="a", Body=b"theirs")
        local_aws.make(bucket)
        assert local_aws.objects("alone") == []
        assert other.object("s3://alone/a") == b"theirs"
    assert _until_gone(other.pid)


def test_making_twice_changes_nothing(local_aws: LocalAws) -> None:
    targets = [Target(url="s3://twice/in/"), Target(url="sqs://twice"), Target(url="sqs://twice.fifo")]
    channels = ["log", "sns:arn:aws:sns:eu-west-1:123456789012:twice"]
    local_aws.make(targets)
    local_aws.client("s3").put_object(Bucket="twice", Key="a", Body=b"kept")
    first = local_aws.make(targets, channels)
    assert local_aws.make(targets, channels) == first
    assert first == {channels[1]: "sns:arn:aws:sns:us-east-1:000000000000:twice"}
    assert local_aws.object("s3://twice/a") == b"kept"
    local_aws.client("sns").publish(TopicArn=first[channels[1]].removeprefix("sns:"), Message="once")
    assert [item["Message"] for item in local_aws.alerts(channels[1])] == ["once"]


def test_what_is_not_there_is_a_key_error(local_aws: LocalAws) -> None:
    local_aws.make([Target(url="s3://looked/"), Target(url="sqs://looked")])
    for location in ("s3://looked/a", "s3://no-such-bucket/a"):
        with pytest.raises(KeyError):
            local_aws.object(location)
    with pytest.raises(KeyError):
        local_aws.message("sqs://looked#no-such-id")


def test_looking_at_a_message_does_not_take_it(local_aws: LocalAws) -> None:
    local_aws.make([Target(url="sqs://peeked")])
    sqs = local_aws.client("sqs")
    url = sqs.get_queue_url(QueueName="peeked")["QueueUrl"]
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]
    assert local_aws.message(f"sqs://peeked#{sent}")["Body"] == "hello"
    assert len(local_aws.messages("sqs://peeked")) == 1
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def test_it_is_gone_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    folder = Path(f"/proc/{pid}/cwd").readlink()
    assert _alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert _until_gone(pid)
    assert not folder.exists()


def test_it_listens_to_this_machine_only(local_aws: LocalAws) -> None:
    tables = Path(f"/proc/{local_aws.pid}/net/tcp")
    if not tables.exists():
        pytest.skip("no /proc on this system")
    sockets = {str(item.readlink()) for item in Path(f"/proc/{local_aws.pid}/fd").iterdir()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in tables.with_name(name).read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    assert listening
    assert {address.partition(":")[0] for address in listening} == {"0100007F"}
