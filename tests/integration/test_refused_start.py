"""Settings that cannot work: the program ends with exit code 2, the setting's name and the fix, and leaves no trace."""

import json
import shutil
import socket
from pathlib import Path

import certifi
import httpx
import pytest

from tests.processes import ROOT, TABLE, Ran, ran, running, working

COMMANDS = (
    ("serve", "--port", "0"), ("worker",), ("submit", "a.pdf"), ("watch", "."), ("sweep",), ("doctor", "--no-job"),
    ("replay", "--parked"), ("recut", "doc_x", "1"), ("pause", "submission"), ("webhooks", "drift"),
)  # fmt: skip
HEADERS = "MAILROOM_WEBHOOK_HEADERS"
CANNOT_WORK = [
    ({"MAILROOM_PUBLIC_URL": "mail.example.com"}, "has no scheme", "write it like https://mail.example.com"),
    ({"MAILROOM_PUBLIC_URL": "https://host.example/prefix"}, "has a path", "leave /prefix out"),
    ({"MAILROOM_PUBLIC_URL": "http://mail.example.com"}, "unencrypted", "MAILROOM_ALLOW_HTTP=true"),
    ({HEADERS: '{"X Key": ["a"]}'}, "'X Key', which is not a valid header name", "X-Mailroom-Key"),
    ({HEADERS: '{"LC-Signature": ["a"]}'}, "which is reserved", "X-Mailroom-Key"),
    ({HEADERS: '{"Content-Type": ["a"]}'}, "which is reserved", "X-Mailroom-Key"),
    ({HEADERS: '{"X-Key": ["ends in a space "]}'}, "that no header can carry", "spaces only inside"),
    ({"LLAMA_CLOUD_API_KEY": '"llx-in-quotes"'}, "is in quotes", "take them out"),
    (
        {"MAILROOM_TOKEN_SECRETS": "ends-in-a-line-break\n"},
        "has white space at its beginning or end",
        "line break",
    ),
    ({"NO_PROXY": "localhost,fd00::/8"}, "holds 'fd00::/8', which httpx cannot read", "use host names"),
    ({"ALL_PROXY": "socks5h://127.0.0.1:1080"}, "SOCKS proxy, for which a package is missing", "httpx[socks]"),
    ({"https_proxy": "ftp://127.0.0.1"}, "is not a usable proxy", "http://proxy.example.com:3128"),
    ({"SSL_CERT_FILE": "/nonexistent"}, "names a file that does not exist", "or unset it"),
    (
        {"SSLKEYLOGFILE": "/nonexistent/x", "SSL_CERT_FILE": certifi.where()},
        "SSLKEYLOGFILE names a file that cannot be written",
        "unset it",
    ),
    ({"SSL_CERT_FILE": __file__}, "has no readable certificates", "or unset it"),
    ({"SSL_CERT_DIR": "/nonexistent"}, "names a folder that does not exist", "or unset it"),
    ({"SSL_CERT_DIR": str(ROOT)}, "without certificates that OpenSSL can find", "openssl rehash"),
    ({"AWS_ENDPOINT_URL_S3": "localhost:4566"}, "has no scheme", "write it like https://"),
    (
        {"AWS_PROFILE": "nope", "AWS_CONFIG_FILE": "/nonexistent"},
        "names a profile that does not exist",
        "list-profiles",
    ),
    ({"AWS_CONFIG_FILE": __file__}, "names a file that AWS clients cannot read", "unset the variable"),
    ({"AWS_MAX_ATTEMPTS": "many"}, "is not a whole number", "unset it"),
    ({"AWS_RETRY_MODE": "exponential"}, "is not legacy, standard or adaptive", "unset it"),
    ({"LLAMA_CLOUD_BASE_URL": "http://api.example.com"}, "sends the API key", "write https://"),
    ({HEADERS: '{"X-Key": [' + "1" * 5000 + "]}"}, "is not JSON", "write it like"),
    (
        {"MAILROOM_INBOX": "sqs://mail", "MAILROOM_QUEUE": "sqs://mail", "AWS_REGION": "us-east-1"},
        "is also MAILROOM_QUEUE",
        "use two queues",
    ),
    ({"MAILROOM_STORE": f"sqlite:///{'m' * 300}.db"}, "File name too long", "use a valid path"),
    ({"MAILROOM_STORE": "sqlite:////dev/null"}, "is not a regular file", "use an existing or a new file"),
    (
        {"MAILROOM_STORE": "dynamodb://mailroom", "AWS_REGION": "us-east-1"},
        "is shared by machines",
        "MAILROOM_SPOOL",
    ),
    ({"MAILROOM_QUEUE": "sqs://bell", "AWS_CONFIG_FILE": "/nonexistent"}, "no AWS region is set", "AWS_DEFAULT_REGION"),
    ({"MAILROOM_STORE": "sqlite:////nonexistent/mailroom.db"}, "there is no folder /nonexistent", "mkdir -p"),
    ({"MAILROOM_STORE": "sqlite:///out"}, "is a folder", "name a file in it"),
    ({"MAILROOM_SPOOL": "folder://./mailroom.yaml"}, "is not a folder", "use a folder"),
]


BOTH = ["[::1]", "127.0.0.1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    (tmp_path / "out").mkdir()
    shutil.copy(ROOT / "samples" / "invoice-harbour-freight.pdf", tmp_path / "a.pdf")
    return tmp_path


def refused(done: Ran, folder: Path) -> None:
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert {path.name for path in folder.iterdir()} == {"mailroom.yaml", "out", "a.pdf"}


@pytest.mark.parametrize(("env", "said", "fix"), CANNOT_WORK)
def test_what_cannot_work_is_told_with_name_and_fix(folder: Path, env: dict[str, str], said: str, fix: str) -> None:
    done = ran(folder, "serve", "--port", "0", env=working(**env))
    refused(done, folder)
    fault, told = done.err.strip().split("\n  fix: ")
    assert fault.startswith(f"mailroom: {next(iter(env))}")
    assert said in fault
    assert fix in told


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_checks_them_before_it_does_anything(folder: Path, command: tuple[str, ...]) -> None:
    env = working(MAILROOM_PUBLIC_URL="mail.example.com", SSL_CERT_FILE="/nonexistent")
    done = ran(folder, *command, env=env)
    refused(done, folder)
    assert done.err.startswith("mailroom: MAILROOM_PUBLIC_URL=mail.example.com has no scheme")


def test_what_is_wrong_with_several_is_told_at_once(folder: Path) -> None:
    env = working(HTTPS_PROXY="ftp://x", SSL_CERT_FILE="/nonexistent", NO_PROXY="fd00::/8")
    done = ran(folder, "sweep", env=env)
    refused(done, folder)
    assert [line.split()[0].removeprefix("mailroom:") or line.split()[1] for line in done.err.splitlines()] == [
        "HTTPS_PROXY", "SSL_CERT_FILE", "NO_PROXY",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "env",
    [
        {"NO_PROXY": "localhost,.example.com,10.0.0.0/8,::1,*", "HTTPS_PROXY": "http://127.0.0.1:9"},
        {"MAILROOM_PUBLIC_URL": "http://mailroom:8080", "MAILROOM_ALLOW_HTTP": "true"},
        {"MAILROOM_SPOOL": "folder://./somewhere/else"},
        {HEADERS: '{"X-Mailroom-Key": ["a-new-header-value"], "Authorization": ["Bearer abcdefghi"]}'},
        {"TZ": "Nowhere/At-All"},
        {"LLAMA_CLOUD_BASE_URL": "http://llamacloud:8090", "MAILROOM_ALLOW_HTTP": "true"},
        {"AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "3", "AWS_RETRY_MODE": "standard", "AWS_CONFIG_FILE": "/nonexistent"},
        {"SSL_CERT_DIR": str(ROOT), "SSL_CERT_FILE": certifi.where()},
    ],
)
def test_what_can_work_starts(folder: Path, env: dict[str, str]) -> None:
    assert ran(folder, "sweep", env=working(**env)).code == 0


def test_a_wrong_shadow_table_is_told_and_stops_nothing(folder: Path) -> None:
    (folder / "shadow.yaml").write_text(TABLE.replace("type: contract, to", "type: contrakt, to"))
    done = ran(folder, "sweep", env=working(MAILROOM_SHADOW_CONFIG="shadow.yaml"))
    assert done.code == 0
    (told,) = [json.loads(line) for line in done.err.splitlines()]
    assert (told["level"], told["what"]) == ("error", "shadow.refused")
    assert "shadow.yaml:5: routes: type 'contract' has no row; is the row for 'contrakt' meant?" in told["error"]


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.may_skip
@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("::", ["[::1]", "127.0.0.1"]),
        ("[::]", ["[::1]", "127.0.0.1"]),
        ("::1", ["[::1]"]),
        ("localhost", ["127.0.0.1"]),
    ],
)
def test_an_address_of_ipv6_binds(folder: Path, host: str, reached: list[str]) -> None:
    with running(folder, "serve", "--host", host, "--port", "0", env=working()) as serve:
        (listening,) = serve.said("serve.listening")
        port = listening["address"].rpartition(":")[2]
        for address in reached:
            assert httpx.get(f"http://{address}:{port}/livez", trust_env=False).status_code == 200


def test_a_host_that_is_not_ours_is_refused(folder: Path) -> None:
    for host in ("192.0.2.1", "no.such.host.invalid", "[::zz]"):
        done = ran(folder, "serve", "--host", host, "--port", "0", env=working())
        assert done.code == 2, done.err
        assert done.err.startswith(f"mailroom: cannot listen on {host}:0")


def test_a_user_without_a_name_can_decide(folder: Path) -> None:
    """OpenShift runs containers under a user id that no passwd file knows."""
    (folder / "nobody").mkdir()
    (folder / "nobody" / "sitecustomize.py").write_text(
        "import pwd\ndef nobody(uid): raise KeyError(f'getpwuid(): uid not found: {uid}')\npwd.getpwuid = nobody\n"
    )
    env = working() | {"PYTHONPATH": f"{folder / 'nobody'}:{ROOT}", "HOME": "/"}
    env = {name: value for name, value in env.items() if name not in {"USER", "LOGNAME", "LNAME", "USERNAME"}}
    taken = ran(folder, "submit", "a.pdf", env=env)
    assert taken.code == 0, taken.err
    for command in (("review",), ("review", "doc_x", "--type", "invoice"), ("recut", "doc_x", "1")):
        done = ran(folder, *command, env=env)
        assert "Traceback" not in done.err, done.err
        assert done.code == (0 if len(command) == 1 else 1)
