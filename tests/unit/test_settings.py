"""Each setting is refused, by name and before anything starts, when it is not what it must be."""

import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.cli import main
from receiver.core.errors import Misconfigured
from receiver.core.forms import refuse_careless
from receiver.core.header_map import TAKEN
from receiver.core.operators import Role
from receiver.read_settings import from_environ
from receiver.secrets import points
from receiver.settings import FORMS, VARIABLES, Secret, Settings
from tests.processes import environment

PLAIN = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'`,"), min_size=1)
PRINTABLE = PRINTABLE.filter(lambda text: not points(text))
LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join) | st.sampled_from(["127.0.0.1", "[::1]", "mail.test"])
PORTS = st.just("") | st.integers(1, 65535).map(lambda port: f":{port}")
NOT_HOSTS = st.sampled_from(
    [
        "",
        ":8080",
        "a b",
        "-a.test",
        "a..b",
        "1.2.3",
        "256.1.1.1",
        "[::zz]",
        "ä.test",
        "a:0",
        "a:70000",
        "a:",
        "a:x",
        "a\\b",
    ]
)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(lambda name: name.lower() not in TAKEN)
BAD_NAMES = st.sampled_from(["X Key", "", "X:Y", "Ü", "a\tb", "(x)"]) | st.sampled_from(sorted(TAKEN)).map(str.title)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
BAD_VALUES = st.sampled_from(["", "ends in a space ", " begins", "a\nb", "ä", "\x7f"])


def headers(names: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(values, min_size=1, max_size=3)
    unique = st.lists(st.tuples(names, lists), min_size=1, max_size=3, unique_by=lambda pair: pair[0].lower())
    return st.builds(lambda pairs, indent: json.dumps(dict(pairs), indent=indent), unique, st.sampled_from([None, 2]))


def numbers(least: float, most: float, *, whole: bool = False) -> tuple[st.SearchStrategy[str], st.SearchStrategy[str]]:
    inside = st.integers(int(least) + 1, int(most))
    words = st.sampled_from(["nan", "inf", "-inf", "1e3", "1_000", "ten", "0x10", "--1", "1.2.3", "٣"])
    outside = st.integers(int(most) + 1) | st.integers(max_value=-1)
    fractions = st.just("12.5") if whole else st.nothing()
    return inside.map(str), words | outside.map(str) | fractions


def urls(schemes: list[str], tails: list[str], bad_tails: list[str]) -> tuple[st.SearchStrategy[str], ...]:
    def made(scheme: str, host: str, port: str, tail: str) -> str:
        return f"{scheme}://{host}{port}{tail}"

    scheme, tail = st.sampled_from(schemes), st.sampled_from(tails)
    right = st.builds(made, scheme, HOSTS, PORTS, tail)
    wrong = (
        st.builds(made, scheme, NOT_HOSTS, st.just(""), tail)
        | st.builds(made, st.sampled_from(["ftp", "file", "Https2", "ws"]), HOSTS, PORTS, tail)
        | st.builds(made, scheme, HOSTS, PORTS, st.sampled_from(bad_tails))
        | st.builds(lambda host: host.strip("[]"), HOSTS)
        | st.builds(lambda host: f"{schemes[0]}:/{host}", HOSTS)
    )
    return right, wrong


def of(words: list[str], *bad: str) -> tuple[st.SearchStrategy[str], st.SearchStrategy[str]]:
    return st.sampled_from(words), PLAIN.filter(lambda word: word.lower() not in words) | st.sampled_from([*bad, "x,y"])


BOOLEAN = of(["true", "false", "1", "0"], "yes", "on", "2")
SECRETS = st.lists(PRINTABLE, min_size=1, max_size=3).map(",".join)
BAD_SECRETS = st.sampled_from([",,,", ",", "a,", ",a", "a,,b", 'a,"b"', "a,b\x0bc"])
VENDOR_IDS = (
    st.text(st.sampled_from("abcXYZ019._~:@=+-"), min_size=1, max_size=255).filter(
        lambda text: text not in {".", ".."}
    ),
    st.sampled_from(["a b", "a/b", "..", "prj?", "p#1", "100%", "ключ", "x" * 256]),
)

ALB = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/mailroom/50dc6c495c0c9188"
ACCESS = f"team.cloudflareaccess.com/{'0f' * 32}"
CASES: dict[str, tuple[st.SearchStrategy[str], st.SearchStrategy[str]]] = {
    "llama_cloud_api_key": (PRINTABLE, st.sampled_from(["a b", "llx-ключ", "Bearer llx-1"])),
    "llama_cloud_project_id": VENDOR_IDS,
    "llama_cloud_organization_id": VENDOR_IDS,
    "llama_cloud_base_url": urls(["https", "http"], ["", "/", "/a/b"], ["?a=b", "#x", "/a b", "/?", "/\\x"]),  # type: ignore[dict-item]
    "config": (PLAIN.map(lambda name: f"{name}.yaml"), PLAIN.map(lambda name: f"{name}/")),
    "shadow_config": (PLAIN.map(lambda name: f"{name}.yaml"), PLAIN.map(lambda name: f"{name}/")),
    "public_url": urls(["https", "http"], ["", "/"], ["/prefix", "?a=b", "#x", "/webhooks/llamacloud", "//", "/?"]),  # type: ignore[dict-item]
    "allow_http": BOOLEAN,
    "webhook_headers": (
        headers(NAMES, VALUES),
        headers(BAD_NAMES, VALUES)
        | headers(NAMES, BAD_VALUES)
        | st.sampled_from(["X-Key: a", "[]", '{"X-Key": "a"}', '{"X-Key": []}', '{"X-Key": [1]}', "{", "[" * 9999,
                           '{"X-Key": ["a"], "x-key": ["b"]}', json.dumps({"X-Key": ["a" * 9000]})]),
    ),
    "token_secrets": (SECRETS, BAD_SECRETS),
    "signing_secrets": (SECRETS, BAD_SECRETS),
    "require": of(["configured", "headers", "token,signature", "headers, token"], "tokens", "headers,", "all"),
    "adopt": BOOLEAN,
    "late_after": numbers(0, 30 * 86400),
    "allow_unverified": BOOLEAN,
    "store": of(
        ["sqlite:///mailroom.db", "sqlite:////var/lib/m.db", "memory://", "dynamodb://mailroom-dev"],
        "sqlite://mailroom.db", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "sqlite:///folder/", "mailroom.db",
        "dynamodb://", "dynamodb://a/b", "memory://x", "postgres://x/y", "redis://x",
    ),
    "queue": of(
        ["local://", "sqs://bell", "sqs://https://sqs.eu-central-1.amazonaws.com/1/bell"],
        "sqs://", "sqs://a b", "sqs://bell.fifo", "kafka://x", "sqs://https://", "sqs:bell", "bell",
    ),
    "spool": of(
        ["folder:///var/spool", "folder://./spool", "s3://bucket/documents/", "s3://bucket"],
        "folder://spool", "spool", "s3://", "s3://B", "s3://bucket/{yyyy}/", "gs://bucket", "s3:bucket",
    ),
    "inbox": of(["sqs://inbox", "sqs://inbox.fifo"], "s3://bucket", "inbox", "sqs://a/b"),
    "inbox_buckets": (
        st.sampled_from(["mail-in", "mail-in,scans.2026", "mail-in/a/b/, scans/"]),
        st.sampled_from(["s3://mail", "a", "Mail", "mail,", "a_b", "mail scans", "mail/prefix"]),
    ),
    "watched": (PLAIN, st.sampled_from(["a,", ",", "a,,b"])),
    "inbox_source": of(["left", "copied", "moved"], "deleted", "Left"),
    "admin_token": (PRINTABLE, st.sampled_from(["a b", "tökén"])),
    "operators": (
        st.dictionaries(st.sampled_from(["ann", "b.c@d.test", "*", "*@e.test"]), st.sampled_from(Role)).map(
            lambda roles: json.dumps({name: {"role": role} for name, role in roles.items()})
        ),
        st.sampled_from(["ann", "[]", '{"ann": "admin"}', '{"ann": {"role": "root"}}', '{"a b": {"role": "admin"}}',
                         '{"ann": {"role": "admin", "token": "x"}}', "{", "[" * 9999,
                         '{"operator": {"role": "admin"}}']),
    ),
    "sign_in": (
        st.sampled_from(["header:X-Forwarded-Email", f"alb:{ALB}", f"cloudflare:{ACCESS}"]),
        st.sampled_from(["header:", "header:a b", "header:Cookie", "alb:", f"alb:{ALB} ", "oidc:x",
                         "cloudflare:team/aud", f"alb:{ALB.replace('/app/', '/net/')}", "X-Forwarded-Email",
                         f"cloudflare:{ACCESS[:-1]}",
                         f"cloudflare:{ACCESS.replace('cloudflareaccess', 'evil')}"]),
    ),
    "proxies": of(["127.0.0.1", "::1, 10.0.3.0/24"], "proxy.internal", "10.0.0.1/24", "0.0.0.0/0", "::/0", "10.0.0.1,"),
    "session_hours": numbers(0.01, 720),
    "session_idle_minutes": numbers(0.1, 43200),
    "operator_address": (
        st.sampled_from(["127.0.0.1:8081", "[::1]:0", "::1:8081", "localhost:65535", "0.0.0.0:80"]),
        st.sampled_from(["8081", "127.0.0.1", "127.0.0.1:", ":8081", "a:b", "127.0.0.1:65536", "http://a:80", "a b:1"]),
    ),
    "server": urls(["https"], ["", "/", "/mailroom"], ["?a=b", "#x", "/a b"]),  # type: ignore[dict-item]
    "server_token": (PRINTABLE, st.sampled_from(["a b", "tökén"])),
    "documents_url": urls(["https", "http"], ["", "/"], ["/prefix", "?a=b", "#x", "//", "/?"]),  # type: ignore[dict-item]
    "link_days": numbers(0.01, 365),
    "app": of(["handlers.app:build", "a:b"], "handlers.app", "handlers/app.py:build", "a:b.c", ":build", "a-b:c"),
    "max_body": numbers(1024, 100 * 2**20, whole=True),
    "body_seconds": numbers(0.1, 300),
    "max_upload": numbers(1, 512 * 2**20, whole=True),
    "sweep_seconds": numbers(0.1, 86400),
    "lease_seconds": numbers(1, 120),
    "step_seconds": numbers(1, 86400),
    "stop_seconds": numbers(3, 3600),
    "concurrency": numbers(1, 1000, whole=True),
    "upload_limit": numbers(0, 10_000, whole=True),
    "job_limit": numbers(0, 10_000, whole=True),
    "request_limit": numbers(0, 100_000, whole=True),
    "operator_url": urls(["https", "http"], ["", "/", "/mailroom"], ["?a=b", "#x", "/a b"]),  # type: ignore[dict-item]
    "heartbeat_url": urls(["https"], ["", "/ping/abc", "/push?status=up"], ["/a b", "/\\x"]),  # type: ignore[dict-item]
    "smtp_url": urls(["smtp", "smtps"], ["", "?from=a@b.test"], ["/path", "?to=x", "?from=x", "#x"]),  # type: ignore[dict-item]
    "group_access": of(["none", "read", "write"], "all", "0640", "Read"),
    "log_format": of(["auto", "json", "text"], "xml", "", "JSON"),
    "log_level": of(["debug", "info", "warning", "error"], "verbose", "10", "INFO "),
}  # fmt: skip
CARELESS = st.sampled_from(['"{}"', "'{}'", "`{}`", "{} ", " {}", "{}\n", "\t{}", "{}\x1b", "{}\x85x"])


def test_every_setting_has_its_cases() -> None:
    assert CASES.keys() == FORMS.keys() == set(Settings.__struct_fields__)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command sets the log up for its process."""
    logger = logging.getLogger("mailroom")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def started(variable: str, value: str) -> tuple[int, str]:
    """Exit code and complaint of a command that reads the settings and then finds no store."""
    complaint = io.StringIO()
    env = environment(MAILROOM_STORE="sqlite:////nonexistent/mailroom.db") | {variable: value}
    with (
        mock.patch.dict(os.environ, env, clear=True),
        mock.patch.object(sys, "argv", ["mailroom", "balance"]),
        contextlib.redirect_stderr(complaint),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return int(ended.value.code or 0), complaint.getvalue()


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=25)
@given(st.data())
def test_a_wrong_value_is_refused_by_name_and_a_secret_is_not_shown(name: str, data: st.DataObject) -> None:
    right, wrong = CASES[name]
    careless = st.builds(lambda form, value: form.format(value), CARELESS, right)
    value = data.draw(wrong | careless)
    code, complaint = started(VARIABLES[name], value)
    assert (code, complaint.startswith(f"mailroom: {VARIABLES[name]}")) == (2, True), complaint
    if isinstance(getattr(Settings(), name), Secret) and len(value) > 12:
        assert value not in complaint


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=25)
@given(st.data())
def test_a_right_value_is_taken(name: str, data: st.DataObject) -> None:
    value = data.draw(CASES[name][0])
    found = getattr(from_environ({VARIABLES[name]: value}), name)
    assert found.reveal() == value if isinstance(found, Secret) else found is not None


@given(st.text(max_size=8))
def test_what_is_careless_is_careless_everywhere(text: str) -> None:
    """No text makes the check itself fail."""
    with contextlib.suppress(ValueError):
        refuse_careless(text)
        assert text == text.strip()
        assert text


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Misconfigured) as refused:
        from_environ({"MAILROOM_PUBLIC_URL": "mail.example.com", "MAILROOM_CONCURRENCY": "0", "MAILROOM_ADOPT": ""})
    lines = str(refused.value).splitlines()
    assert [line.split("=")[0] for line in lines] == ["MAILROOM_PUBLIC_URL", "MAILROOM_ADOPT", "MAILROOM_CONCURRENCY"]


def test_an_empty_value_is_none_where_the_default_is_empty() -> None:
    assert from_environ({"MAILROOM_SPOOL": "", "MAILROOM_TOKEN_SECRETS": ""}) == Settings()
    with pytest.raises(Misconfigured, match="MAILROOM_STORE= is empty"):
        from_environ({"MAILROOM_STORE": ""})


def test_of_a_wrong_url_no_user_is_shown() -> None:
    with pytest.raises(Misconfigured) as refused:
        from_environ({"LLAMA_CLOUD_BASE_URL": "https://me:pa55word@cloud.example"})
    assert "pa55word" not in str(refused.value)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(Misconfigured, match=r"MAILROOM_CONFIG=.* is not UTF-8"):
        from_environ({"MAILROOM_CONFIG": "mail\udcff.yaml"})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"\n", "empty"), (b"\xff\xfe", "not UTF-8"), (b"x" * 70_000, "larger than 64 KB")],
)
def test_a_file_that_holds_no_value_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(Misconfigured, match=said) as refused:
        from_environ({"MAILROOM_TOKEN_SECRETS_FILE": str(tmp_path / "secret")})
    assert "MAILROOM_TOKEN_SECRETS_FILE" in str(refused.value)


@pytest.mark.parametrize("path", ["/nonexistent", "/", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(Misconfigured, match="MAILROOM_TOKEN_SECRETS_FILE"):
        from_environ({"MAILROOM_TOKEN_SECRETS_FILE": path})


def test_a_value_from_a_file_must_be_what_any_other_must_be(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("mail.example.com\n")
    with pytest.raises(Misconfigured, match=r"MAILROOM_PUBLIC_URL=mail\.example\.com has no scheme"):
        from_environ({"MAILROOM_PUBLIC_URL_FILE": str(tmp_path / "url")})


def test_a_value_and_a_file_for_it_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a")
    with pytest.raises(Misconfigured, match="MAILROOM_ADMIN_TOKEN and MAILROOM_ADMIN_TOKEN_FILE are both set"):
        from_environ({"MAILROOM_ADMIN_TOKEN": "b", "MAILROOM_ADMIN_TOKEN_FILE": str(tmp_path / "token")})
