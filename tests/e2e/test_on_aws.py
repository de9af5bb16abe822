"""The deployed template: a document's whole way, refusals, repeats, dead letters, and each permission's worth.

Runs on a local AWS that enforces IAM; MAILROOM_AWS_LIVE=1 runs the same on a real account (docs/deploy-aws.md).
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.deployed import ROOT, Deployment, deployment, tools_or_skip

pytestmark = [pytest.mark.slow, pytest.mark.deploy, pytest.mark.aws, pytest.mark.timeout(1800)]
PAGES = 15
"""Of the packet samples/packets/morning-mail.pdf."""
POISON = "{ poison"
INVOICE = (ROOT / "samples" / "invoice-harbour-freight.pdf").read_bytes()


@pytest.fixture(scope="module")
def mailroom() -> Iterator[Deployment]:
    tools_or_skip()
    with deployment() as made:
        made.until(made.ready, "the door is open")
        # It is a dead letter after two times the queue's visibility timeout; the other tests need not wait for that.
        made.client("sqs").send_message(QueueUrl=made.queue_url("DoorbellQueue"), MessageBody=POISON)
        yield made


def fresh(name: str) -> tuple[str, bytes]:
    """A file name and bytes that were never seen: the same content from the same place would be the same document."""
    number = uuid.uuid4().hex[:8]
    return f"{name}-{number}.pdf", INVOICE + f"\n% {number}\n".encode()


def document(mailroom: Deployment, name: str) -> dict[str, Any] | None:
    """The document of this name, as the operator sees it."""
    found = [item for item in mailroom.ask("/documents?limit=200")["documents"] if item["name"] == name]
    return dict(mailroom.ask(f"/documents/{found[0]['document_id']}")) if found else None


def taken_in(mailroom: Deployment, name: str, body: bytes) -> None:
    mailroom.put(f"mail/{name}", body)
    mailroom.until(lambda: document(mailroom, name), f"{name} is taken in")


@pytest.fixture(scope="module")
def name(mailroom: Deployment) -> str:
    """A document that was put into the inbox and has arrived."""
    name, body = fresh("invoice")
    mailroom.put(f"mail/{name}", body)
    mailroom.until(lambda: mailroom.delivered(name), f"{name} lies in its bucket")
    return name


class TestTheWay:
    def test_it_lies_in_its_bucket_with_its_story(self, mailroom: Deployment, name: str) -> None:
        (key,) = mailroom.delivered(name)
        assert key.startswith("finance/invoices/")
        s3, bucket = mailroom.client("s3"), mailroom.outputs["MailBucketName"]
        manifest = mailroom.until(
            lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}.mailroom.json").get("Contents"), "its manifest"
        )
        assert len(manifest) == 1

    def test_its_queue_says_so(self, mailroom: Deployment, name: str) -> None:
        def said() -> dict[str, Any] | None:
            bodies = [json.loads(item["Body"]) for item in mailroom.messages("RoutedQueue")]
            return next((item for item in bodies if name in json.dumps(item)), None)

        event = mailroom.until(said, "a message about it")
        assert event["type"] == "mailroom.document.routed"

    def test_its_webhook_came_with_every_proof(self, mailroom: Deployment, name: str) -> None:
        found = document(mailroom, name)
        assert found is not None
        events = [item for item in mailroom.ask("/events?limit=200")["events"] if item["job_id"] == found["job_id"]]
        assert [sorted(item["verified_by"]) for item in events] == [["headers:0", "signature:0", "token:0"]]

    def test_the_books_balance(self, mailroom: Deployment, name: str) -> None:
        def settled() -> bool:
            totals = mailroom.ask("/overview")["balance"]
            counted = totals["routed"] + totals["review"] + totals["failed"]
            return bool(totals["taken_in"] == counted and totals["open"] == 0)

        assert mailroom.until(settled, "the totals balance and nothing is open")


def test_a_packet_is_cut_and_its_pieces_go_their_ways(mailroom: Deployment) -> None:
    packet = (ROOT / "samples" / "packets" / "morning-mail.pdf").read_bytes()
    name, body = fresh("packet")
    mailroom.put(f"packets/{name}", packet + body[len(INVOICE) :])
    mailroom.until(lambda: document(mailroom, name), f"{name} is taken in")

    def settled() -> list[dict[str, Any]] | None:
        listed = mailroom.ask("/documents?limit=200")["documents"]
        (parent,) = [item["document_id"] for item in listed if item["name"] == name]
        pieces = [item for item in listed if item.get("parent") == parent]
        return pieces if pieces and all(item["state"] != "open" for item in pieces) else None

    pieces = mailroom.until(settled, "its pieces are settled")
    assert sorted(page for item in pieces for page in item["pages"]) == list(range(1, PAGES + 1))
    assert any(item["location"] for piece in pieces for item in piece["deliveries"])
    (archived,) = mailroom.until(lambda: mailroom.delivered(name), f"{name} itself is archived")
    assert archived.startswith("packets/")


def test_the_public_api_knows_nothing_of_the_operators_side(mailroom: Deployment) -> None:
    token = {"authorization": f"Bearer {mailroom.secrets['MAILROOM_ADMIN_TOKEN']}"}
    with httpx.Client(headers=token, timeout=60) as client:
        for path in ("/", "/documents", "/overview", "/metrics"):
            assert client.get(f"{mailroom.url}{path}").status_code in (403, 404)
        assert client.get(f"{mailroom.operator}/overview").status_code == 200
        assert client.get(f"{mailroom.operator}/metrics").status_code == 404
        assert client.post(f"{mailroom.operator}/webhooks/llamacloud").status_code == 404


class TestTheDoor:
    def test_a_wrong_header_is_401(self, mailroom: Deployment) -> None:
        name = next(iter(mailroom.secrets["MAILROOM_WEBHOOK_HEADERS"]))
        assert mailroom.send("evt-wrong", **{name: "wrong"}).status_code == 401

    @pytest.mark.parametrize("proof", ["LC-Signature", "X-Mailroom-Token"])
    def test_a_missing_proof_is_401(self, mailroom: Deployment, proof: str) -> None:
        assert mailroom.send("evt-missing", **{proof: None}).status_code == 401

    def test_a_rotated_secret_is_let_in_without_a_deployment(self, mailroom: Deployment) -> None:
        name, values = next(iter(mailroom.secrets["MAILROOM_WEBHOOK_HEADERS"].items()))
        new = uuid.uuid4().hex
        mailroom.rotate("door", MAILROOM_WEBHOOK_HEADERS={name: [new, *values]})

        def let_in(value: str) -> bool:
            return mailroom.send(f"evt-{uuid.uuid4()}", **{name: value}).status_code == 202

        assert mailroom.until(lambda: let_in(new), "the new value is let in")
        assert let_in(values[0]), "the old one still is"

    def test_a_repeat_is_a_duplicate(self, mailroom: Deployment) -> None:
        event_id = f"evt-{uuid.uuid4()}"
        answers = [mailroom.send(event_id) for _ in range(3)]
        assert [(item.status_code, item.json()["status"]) for item in answers] == [
            (202, "accepted"),
            (200, "duplicate"),
            (200, "duplicate"),
        ]


class TestTheQueueOfWebhooks:
    """No emulator evaluates API Gateway's mapping. It is evaluated here as it was deployed, and sent with its role."""

    def test_a_webhook_that_was_queued_is_verified_and_stored_and_a_forged_one_is_dropped(
        self, mailroom: Deployment
    ) -> None:
        good, forged = (f"evt-{uuid.uuid4()}" for _ in range(2))
        name = next(iter(mailroom.secrets["MAILROOM_WEBHOOK_HEADERS"]))
        assert mailroom.enqueue(forged, **{name: "wrong"}) == mailroom.enqueue(good) == 200

        def stored() -> list[str]:
            return [item["event_id"] for item in mailroom.ask("/events?limit=200")["events"]]

        assert mailroom.until(lambda: good in stored(), "the event is stored")
        assert mailroom.until(lambda: mailroom.waiting("WebhookQueue") == 0, "the forged one is dropped")
        assert forged not in stored()
        assert mailroom.messages("WebhookDeadQueue") == []

    def test_its_api_needs_to_send_into_the_queue(self, mailroom: Deployment) -> None:
        with mailroom.without("WebhookApiRole", "sqs:SendMessage", "EnqueueWebhooks"):
            assert mailroom.enqueue("evt-unsent") == 503


def test_a_poisoned_message_becomes_a_dead_letter_and_sets_off_its_alarm(mailroom: Deployment) -> None:
    dead = mailroom.until(lambda: mailroom.messages("DoorbellDeadQueue"), "the message is a dead letter")
    assert [item["Body"] for item in dead] == [POISON]

    def alarmed() -> bool:
        mailroom.measure("DoorbellDeadQueue")
        found = mailroom.client("cloudwatch").describe_alarms(AlarmNames=[mailroom.resources["DoorbellDead"]])
        return bool(found["MetricAlarms"][0]["StateValue"] == "ALARM")

    assert mailroom.until(alarmed, "its alarm goes off")


class TestLeastPrivilege:
    """Without one permission exactly one step fails; with it again, the document goes its way."""

    def test_receive_needs_to_write_events(self, mailroom: Deployment) -> None:
        with mailroom.without("ReceiveRole", "dynamodb:PutItem", "KeepEvents"):
            assert mailroom.send(f"evt-{uuid.uuid4()}").status_code == 503
        assert mailroom.send(f"evt-{uuid.uuid4()}").status_code == 202

    def test_an_event_is_kept_though_its_task_cannot_be_enqueued(self, mailroom: Deployment) -> None:
        event_id = f"evt-{uuid.uuid4()}"
        with mailroom.without("ReceiveRole", "sqs:SendMessage*", "EnqueueTasks"):
            assert mailroom.send(event_id).status_code == 202
        assert event_id in [item["event_id"] for item in mailroom.ask("/events?limit=200")["events"]]

    def test_intake_needs_to_read_the_inbox(self, mailroom: Deployment) -> None:
        name, body = fresh("unreadable")
        with mailroom.without("IntakeRole", "s3:GetObjectVersion", "LookIntoInbox"):
            mailroom.put(f"mail/{name}", body)
            dead = mailroom.until(lambda: mailroom.messages("InboxDeadQueue"), "its notification is a dead letter")
        assert name in dead[0]["Body"]
        assert document(mailroom, name) is None

    def test_process_needs_to_write_into_the_mail_bucket(self, mailroom: Deployment) -> None:
        name, body = fresh("undeliverable")
        with mailroom.without("ProcessRole", "s3:PutObject", "DeliverToBucket"):
            taken_in(mailroom, name, body)
            found = mailroom.until(lambda: self._undelivered(mailroom, name), "its delivery failed")
        assert mailroom.delivered(name) == []
        assert {item["status"] for item in found["deliveries"] if item["to"].startswith("s3://")} == {"failed"}
        assert "s3:PutObject" in json.dumps(found)

    def test_process_needs_to_write_into_the_routed_queue(self, mailroom: Deployment) -> None:
        name, body = fresh("untold")
        with mailroom.without("ProcessRole", "sqs:SendMessage", "DeliverToQueue"):
            taken_in(mailroom, name, body)
            found = mailroom.until(lambda: self._undelivered(mailroom, name), "its delivery failed")
        states = {item["to"].partition(":")[0]: item["status"] for item in found["deliveries"]}
        assert states == {"s3": "delivered", "sqs": "failed"}

    @staticmethod
    def _undelivered(mailroom: Deployment, name: str) -> dict[str, Any] | None:
        found = document(mailroom, name)
        return found if found and any(item["status"] == "failed" for item in found["deliveries"]) else None
