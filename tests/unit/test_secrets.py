"""A setting may point to a secret; the secret is read, kept for a while, and read again."""

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from receiver.core.env_references import resolve
from receiver.core.errors import Misconfigured
from receiver.read_settings import from_environ
from receiver.secrets import TTL_SECONDS, RevealedEnviron, SecretCache


class Safe:
    """What AWS would answer, and how often it was asked."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []
        self.now = 1000.0

    def ask(self, kind: str, name: str) -> str:
        self.asked.append(f"{kind}:{name}")
        return self.texts[name]

    def vault(self) -> SecretCache:
        return SecretCache(self.ask, clock=lambda: self.now)


def test_a_setting_can_point_to_a_secret() -> None:
    named = {"X-Key": ["a-value-of-the-header", "another-value-of-it"]}
    tokens = "a-token-secret-of-ours, another-token-secret"
    safe = Safe(mail=json.dumps({"KEY": "llx-1", "HEADERS": named}), **{"/mail/token": tokens})
    settings = from_environ(
        {
            "LLAMA_CLOUD_API_KEY": "secretsmanager:mail#KEY",
            "MAILROOM_WEBHOOK_HEADERS": "secretsmanager:mail#HEADERS",
            "MAILROOM_TOKEN_SECRETS": "ssm:/mail/token",
        },
        vault=safe.vault(),
    )
    assert settings.llama_cloud_api_key.reveal() == "llx-1"
    assert settings.headers() == named
    assert settings.webhook_secrets().token_secrets == (b"a-token-secret-of-ours", b"another-token-secret")
    assert sorted(safe.asked) == ["secretsmanager:mail", "ssm:/mail/token"], "each secret is asked for once"


def test_a_new_value_is_seen_after_the_time_to_live_and_not_before() -> None:
    safe = Safe(key="old")
    vault = safe.vault()
    assert vault.read("ssm:key") == "old"
    safe.texts["key"] = "new"
    safe.now += TTL_SECONDS - 1
    assert vault.read("ssm:key") == "old"
    safe.now += 1
    assert vault.read("ssm:key") == "new"


def test_a_clock_that_is_set_back_keeps_no_value_for_longer() -> None:
    safe = Safe(key="old")
    vault = safe.vault()
    vault.read("ssm:key")
    safe.texts["key"] = "new"
    safe.now -= 3600
    assert vault.read("ssm:key") == "new"


def test_an_expired_vault_asks_again_at_once() -> None:
    safe = Safe(key="old")
    vault = safe.vault()
    vault.read("ssm:key")
    safe.texts["key"] = "new"
    vault.expire()
    assert vault.read("ssm:key") == "new"


def test_its_age_is_that_of_the_oldest_value() -> None:
    safe = Safe(a="1", b="2")
    vault = safe.vault()
    assert vault.age() == 0.0
    vault.read("ssm:a")
    safe.now += 30
    vault.read("ssm:b")
    assert vault.age() == 30.0


def test_the_old_value_is_used_when_the_new_one_cannot_be_asked_for() -> None:
    safe = Safe(key="old")
    vault = safe.vault()
    vault.read("ssm:key")
    safe.texts.clear()
    safe.now += TTL_SECONDS
    assert vault.read("ssm:key") == "old"
    assert vault.read("ssm:key") == "old"
    assert len(safe.asked) == 2, "and AWS is left alone until the next time"


def test_a_secret_that_was_never_there_stops_the_start_and_is_named() -> None:
    with pytest.raises(Misconfigured, match="secretsmanager:nothing"):
        Safe().vault().read("secretsmanager:nothing#KEY")


@pytest.mark.parametrize("text", ["not json", '{"OTHER": "x"}', '["KEY"]'])
def test_a_missing_key_is_named_and_the_value_is_not_shown(text: str) -> None:
    with pytest.raises(Misconfigured, match="key KEY") as refused:
        Safe(mail=text).vault().read("secretsmanager:mail#KEY")
    assert text not in str(refused.value)


def test_a_variable_of_the_table_may_point_to_a_secret() -> None:
    vault = SecretCache(lambda kind, name: f'{{"KEY": "from {kind} {name}"}}')
    environ = RevealedEnviron({"A": "secretsmanager:mine#KEY", "B": "plain", "C": "ssm:/c"}, vault)
    assert resolve("slack:env:A", environ) == "slack:from secretsmanager mine"
    assert resolve("s3://env:B/", environ) == "s3://plain/"
    assert (environ.get("X"), "A" in environ, len(environ), list(environ)) == (None, True, 3, ["A", "B", "C"])


def test_a_secret_that_the_table_names_and_nobody_can_read_is_told() -> None:
    def refused(_kind: str, _name: str) -> str:
        raise OSError("no such secret")

    environ = RevealedEnviron({"A": "ssm:/a"}, SecretCache(refused))
    with pytest.raises(Misconfigured, match="the secret ssm:/a cannot be read: no such secret"):
        resolve("slack:env:A", environ)


@pytest.mark.parametrize(
    ("error", "told", "fix"),
    [
        (
            EndpointConnectionError(endpoint_url="https://ssm", error=OSError(111, "Connection refused")),
            "AWS cannot be reached",
            "network",
        ),
        (
            ClientError({"Error": {"Code": "ParameterNotFound", "Message": "no /a"}}, "GetParameter"),
            "ParameterNotFound no /a",
            "create it",
        ),
    ],
)
def test_why_aws_gives_no_secret_is_told_in_our_words(error: Exception, told: str, fix: str) -> None:
    def fails(_kind: str, _name: str) -> str:
        raise error

    with pytest.raises(Misconfigured) as caught:
        SecretCache(fails).read("ssm:/a")
    assert told in str(caught.value)
    assert "endpoint URL" not in str(caught.value)
    assert "An error occurred" not in str(caught.value)
    assert fix in caught.value.fix
