"""The alert channels, against the contract: each talks to a real server of its kind."""

import email
import email.policy
import json
import logging
from collections.abc import AsyncIterator
from itertools import count

import pytest

from handlers.alerts import CHANNELS, open_channel
from handlers.aws import Aws
from handlers.local_aws import LocalAws
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Misconfigured, Unroutable
from tests.contracts.alert_channel import SECRET, AlertChannelContract, CanFail, Ear, a_notice
from tests.endpoints import Endpoint
from tests.smtp import Mailbox, a_mailbox

_names = count(1)


class LogEar(Ear):
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.channel, self.caplog = open_channel("log"), caplog

    async def heard(self) -> list[str]:
        return [one.getMessage() for one in self.caplog.records if one.name == "mailroom.alert"]


class TestLog(AlertChannelContract):
    @pytest.fixture
    def ear(self, caplog: pytest.LogCaptureFixture) -> LogEar:
        caplog.set_level(logging.INFO, "mailroom.alert")
        return LogEar(caplog)

    async def test_it_is_one_line(self, ear: LogEar) -> None:
        await ear.channel.notify(a_notice(detail="two\nlines"), count=1, suppressed=0)
        assert "\n" not in (await ear.heard())[0]


class SnsEar(Ear):
    def __init__(self, aws: LocalAws, closed_port: int) -> None:
        self.aws = aws
        wanted = f"sns:arn:aws:sns:eu-west-1:123456789012:alarm-{next(_names)}"
        self.url = aws.make(channels=[wanted])[wanted]
        self.channel = open_channel(self.url, aws=aws.aws)
        there = {"aws_access_key_id": "k", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        nobody = f"http://127.0.0.1:{closed_port}"
        self.dead = open_channel(self.url, aws=Aws(credentials=there, endpoint_url=nobody, attempts=1))

    async def heard(self) -> list[str]:
        return [one["Message"] for one in self.aws.alerts(self.url)]


@pytest.mark.aws
class TestSns(CanFail):
    @pytest.fixture
    def ear(self, local_aws: LocalAws, closed_port: int) -> SnsEar:
        return SnsEar(local_aws, closed_port)

    async def test_the_subject_fits_an_email_and_attributes_can_be_filtered_by(self, ear: SnsEar) -> None:
        await ear.channel.notify(a_notice(title="Größe\n" + "x" * 200), count=1, suppressed=0)
        (said,) = ear.aws.alerts(ear.url)
        assert said["Subject"].startswith("[Mailroom] Gr")
        assert len(said["Subject"]) == 100
        assert said["Subject"].isascii()
        assert said["MessageAttributes"]["kind"] == {"Type": "String", "Value": "job.failed"}

    async def test_a_topic_that_is_not_there_is_named_with_the_fix(self, local_aws: LocalAws) -> None:
        channel = open_channel("sns:arn:aws:sns:us-east-1:000000000000:nobody", aws=local_aws.aws)
        with pytest.raises(Unroutable, match="nobody does not exist") as error:
            await channel.notify(a_notice(), count=1, suppressed=0)
        assert "aws sns create-topic --name nobody" in error.value.fix

    async def test_a_fifo_topic_takes_it_too(self, local_aws: LocalAws) -> None:
        wanted = f"sns:arn:aws:sns:us-east-1:000000000000:alarm-{next(_names)}.fifo"
        url = local_aws.make(channels=[wanted])[wanted]
        channel = open_channel(url, aws=local_aws.aws)
        await channel.notify(a_notice(), count=1, suppressed=0)
        await channel.notify(a_notice(), count=1, suppressed=0)
        assert len(local_aws.alerts(url)) == 1


class WebEar(Ear):
    def __init__(self, scheme: str, endpoint: Endpoint, closed_port: int) -> None:
        self.endpoint = endpoint
        self.channel = open_channel(f"{scheme}{endpoint.url}/hook/{'x' if scheme else ''}?key={SECRET}")
        self.dead = open_channel(f"{scheme}http://127.0.0.1:{closed_port}/hook?key={SECRET}")

    async def heard(self) -> list[str]:
        return ["\n".join(_texts(json.loads(one.body))) for one in self.endpoint.posts]


def _texts(said: dict[str, object]) -> list[str]:
    """What a reader sees; Slack shows its escapes as the characters they stand for."""
    return [
        str(value).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")[:15_000] for value in said.values()
    ]


class WebContract(CanFail):
    @pytest.mark.parametrize(
        ("status", "error"), [(500, DestinationBusy), (429, DestinationBusy), (403, AccessDenied), (410, Unroutable),
                              (404, Unroutable), (302, Unroutable)],
    )  # fmt: skip
    async def test_each_answer_says_what_to_do_next(self, ear: WebEar, status: int, error: type[MailroomError]) -> None:
        ear.endpoint.status, ear.endpoint.headers = status, {"retry-after": "7", "location": "/elsewhere"}
        with pytest.raises(error) as raised:
            await ear.channel.notify(a_notice(), count=1, suppressed=0)
        assert SECRET not in f"{raised.value} {raised.value.fix}"
        if isinstance(raised.value, DestinationBusy):
            assert raised.value.retry_after == 7


class TestSlack(WebContract):
    @pytest.fixture
    def ear(self, endpoint: Endpoint, closed_port: int) -> WebEar:
        return WebEar("slack:", endpoint, closed_port)

    async def test_it_is_what_an_incoming_webhook_takes(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice(), count=1, suppressed=0)
        (got,) = ear.endpoint.posts
        assert got.headers["content-type"] == "application/json"
        assert list(json.loads(got.body)) == ["text"]
        assert "&lt;a&amp;b&gt;" in json.loads(got.body)["text"]


class TestHttp(WebContract):
    @pytest.fixture
    def ear(self, endpoint: Endpoint, closed_port: int) -> WebEar:
        return WebEar("", endpoint, closed_port)

    async def test_it_is_data(self, ear: WebEar) -> None:
        await ear.channel.notify(a_notice(), count=12, suppressed=11)
        said = json.loads(ear.endpoint.posts[0].body)
        assert said["kind"] == "job.failed"
        assert said["count"] == 12
        assert said["suppressed"] == 11
        assert said["at"] == "2027-01-15T08:00:00+00:00"


class MailEar(Ear):
    def __init__(self, mailbox: Mailbox, closed_port: int) -> None:
        self.mailbox = mailbox
        self.channel = open_channel("mailto:ops@example.com", smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
        self.dead = open_channel("mailto:ops@example.com", smtp_url=f"smtp://u:{SECRET}@127.0.0.1:{closed_port}")

    async def heard(self) -> list[str]:
        return [str(_read(mail)["Subject"]) + "\n" + _read(mail).get_content() for mail in self.mailbox.mails]


def _read(mail: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(mail, policy=email.policy.default)


class TestEmail(CanFail):
    @pytest.fixture
    async def ear(self, closed_port: int) -> AsyncIterator[MailEar]:
        async with a_mailbox() as mailbox:
            yield MailEar(mailbox, closed_port)

    async def test_a_repeat_is_the_same_message_to_a_mail_reader(self, ear: MailEar) -> None:
        for _ in range(2):
            await ear.channel.notify(a_notice(), count=1, suppressed=0)
        first, second = (_read(mail) for mail in ear.mailbox.mails)
        assert first["Message-ID"] == second["Message-ID"]
        assert first["To"] == "ops@example.com"
        assert first["From"] == "mailroom@127.0.0.1"
        assert first["Auto-Submitted"] == "auto-generated"

    async def test_no_header_can_be_smuggled_in(self, ear: MailEar) -> None:
        await ear.channel.notify(a_notice(title="x\r\nBcc: everybody@example.com"), count=1, suppressed=0)
        assert _read(ear.mailbox.mails[0])["Bcc"] is None
        assert ear.mailbox.recipients == ["ops@example.com"]

    async def test_it_logs_in_where_a_user_is_given(self, ear: MailEar) -> None:
        ear.mailbox.login = ("ops@example.com", "pass word")
        where = f"127.0.0.1:{ear.mailbox.port}"
        good = open_channel("mailto:a@b.com,c@d.com", smtp_url=f"smtp://ops%40example.com:pass%20word@{where}")
        await good.notify(a_notice(), count=1, suppressed=0)
        assert ear.mailbox.recipients == ["a@b.com", "c@d.com"]
        assert _read(ear.mailbox.mails[0])["From"] == "ops@example.com"
        bad = open_channel("mailto:a@b.com", smtp_url=f"smtp://ops:{SECRET}@{where}")
        with pytest.raises(AccessDenied, match="535") as error:
            await bad.notify(a_notice(), count=1, suppressed=0)
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
        with pytest.raises(error):
            await ear.channel.notify(a_notice(), count=1, suppressed=0)


@pytest.mark.parametrize(
    ("url", "smtp_url", "names"),
    [
        ("pager:abc", "", "known are log, sns, slack, mailto, https"),
        ("sns:alarm", "", "arn:aws:sns:REGION"),
        ("slack:hooks.slack.com/abc", "", "https://"),
        ("http://example.com/alerts", "", "https://"),
        ("mailto:ops@example.com", "", "MAILROOM_SMTP_URL"),
        ("mailto:nobody", "smtp://localhost", "mailto:name@example.com"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_at_start(url: str, smtp_url: str, names: str) -> None:
    with pytest.raises(Misconfigured, match=names):
        open_channel(url, smtp_url=smtp_url)


def test_every_channel_is_tested_here() -> None:
    tested = {
        "log": TestLog,
        "sns": TestSns,
        "slack": TestSlack,
        "mailto": TestEmail,
        "https": TestHttp,
        "http": TestHttp,
    }
    assert set(tested) == set(CHANNELS)
