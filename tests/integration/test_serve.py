"""``mailroom serve`` as a process: two listeners, each with its own answers, in few descriptors."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver.core.verify_webhook import sign
from receiver.http.webhook import PATH
from tests.receivers import ADMIN_TOKEN, SIGNING_SECRET, TABLE, a_body

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
INSIDE = ("/", "/documents", "/overview", "/events", "/tasks", "/metrics", "/console/console.js")


class Served:
    """A running server."""

    def __init__(self, log: Path, stop: Callable[[], None]) -> None:
        self._log, self.stop = log, stop
        (listening,) = self.until(lambda: self.said("serve.listening"))
        self.public = str(listening["address"])
        self.operator = str(listening.get("operator", ""))

    def said(self, what: str) -> list[dict[str, Any]]:
        lines = [json.loads(text) for text in self._log.read_text().splitlines() if text.startswith("{")]
        return [line for line in lines if line["what"] == what]

    def until(self, found: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        end = time.monotonic() + PATIENCE_SECONDS
        while not (lines := found()):
            assert time.monotonic() < end, self._log.read_text()
            time.sleep(0.05)
        return lines

    def post(self, body: bytes) -> int:
        headers = {"LC-Signature": sign(body, SIGNING_SECRET.encode()).decode()}
        return httpx.post(f"{self.public}{PATH}", content=body, headers=headers, timeout=PATIENCE_SECONDS).status_code


def environment(folder: Path, **more: str) -> dict[str, str]:
    ours = ("MAILROOM_", "AWS_", "LLAMA_")
    (folder / "mailroom.yaml").write_text(TABLE)
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "LLAMA_CLOUD_API_KEY": "llx-test",
        "LLAMA_CLOUD_BASE_URL": "http://127.0.0.1:9",
        "MAILROOM_ADMIN_TOKEN": ADMIN_TOKEN,
        "MAILROOM_OPERATOR_ADDRESS": "127.0.0.1:0",
        "MAILROOM_PUBLIC_URL": "https://mail.example.com",
        "MAILROOM_SIGNING_SECRETS": SIGNING_SECRET,
        "PYTHONPATH": str(ROOT),
        **more,
    }


@contextmanager
def serving(folder: Path, *, descriptors: int = 1024, **more: str) -> Iterator[Served]:
    """A server in this folder, on free ports, with so many descriptors."""
    command = f'ulimit -n {descriptors}; exec "{sys.executable}" -m receiver serve --port 0'
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(["sh", "-c", command], cwd=folder, env=environment(folder, **more), stderr=log)
    try:
        yield Served(folder / "log", child.terminate)
    finally:
        child.terminate()
        assert child.wait(PATIENCE_SECONDS) == 0


def test_each_side_answers_what_is_its_own(tmp_path: Path) -> None:
    token = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with serving(tmp_path) as served, httpx.Client(timeout=PATIENCE_SECONDS) as client:
        assert served.post(a_body()) == 202
        assert [client.get(served.public + path, headers=token).status_code for path in INSIDE] == [404] * len(INSIDE)
        assert [client.get(served.operator + path, headers=token).status_code for path in INSIDE] == [200] * len(INSIDE)
        assert client.post(served.operator + PATH, content=a_body()).status_code == 404
        for side in (served.public, served.operator):
            assert client.get(side + "/livez").json() == {"status": "ok"}
            assert client.get(side + "/readyz").json() == {"status": "ready"}
        rebound = {"host": "evil.example:8081", **token}
        assert [client.get(served.operator + path, headers=rebound).status_code for path in INSIDE] == [421] * len(
            INSIDE
        )
        assert client.get(served.public + "/livez", headers=rebound).status_code == 200
        assert 'mailroom_events_total{outcome="accepted"} 1.0' in client.get(served.operator + "/metrics").text
        with client.stream("GET", served.operator + "/stream", headers=token) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("id: ")
            served.stop()
            assert list(lines)[:2] == ["event: changed", "data: {}"]  # it ends, and is not broken off


def test_a_secret_file_that_is_emptied_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "signing"
    secret.write_text(SIGNING_SECRET)
    with serving(tmp_path, MAILROOM_SIGNING_SECRETS="", MAILROOM_SIGNING_SECRETS_FILE=str(secret)) as served:
        for content in (b"", b",,,", b"\xff" * 20):
            secret.write_bytes(content)
            served.until(lambda: served.said("secrets.refused"))
            assert httpx.post(f"{served.public}{PATH}", content=a_body()).status_code == 401
        assert served.post(a_body()) == 202


@pytest.mark.parametrize("content", [b"", b",,,", b"short", b"\xff" * 20])
def test_a_secret_that_is_none_is_refused_at_the_start_in_one_clear_line(content: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "signing"
    secret.write_bytes(content)
    env = environment(tmp_path, MAILROOM_SIGNING_SECRETS_FILE=str(secret))
    del env["MAILROOM_SIGNING_SECRETS"]
    code, said = started(tmp_path, env)
    assert code == 2
    assert said.startswith("mailroom: MAILROOM_SIGNING_SECRETS")
    assert "Traceback" not in said


def test_the_operators_side_can_be_turned_off(tmp_path: Path) -> None:
    with serving(tmp_path, MAILROOM_OPERATOR_ADDRESS="") as served:
        assert served.operator == ""
        assert served.post(a_body()) == 202


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", ":8081"])
def test_an_address_that_is_none_is_refused_by_name(address: str, tmp_path: Path) -> None:
    code, said = refused(tmp_path, address)
    assert code == 2
    assert f"MAILROOM_OPERATOR_ADDRESS={address} is not host:port" in said


def test_an_address_that_is_taken_is_named_with_the_fix(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(tmp_path, f"127.0.0.1:{port}")
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "choose another MAILROOM_OPERATOR_ADDRESS" in said


def refused(folder: Path, address: str) -> tuple[int, str]:
    return started(folder, environment(folder, MAILROOM_OPERATOR_ADDRESS=address))


def started(folder: Path, env: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "receiver", "serve", "--port", "0"], cwd=folder, env=env,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_more_connections_than_descriptors_lock_nobody_out(tmp_path: Path) -> None:
    descriptors = 512
    with serving(tmp_path, descriptors=descriptors) as served, contextlib.ExitStack() as opened:
        host, _, port = served.public.removeprefix("http://").partition(":")
        for _ in range(descriptors + 100):
            connection = opened.enter_context(socket.create_connection((host, int(port)), PATIENCE_SECONDS))
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"POST /webhooks/llamacloud HTTP/1.1\r\n")
        assert [served.post(a_body(f"evt-{number}")) for number in range(5)] == [202] * 5
        assert httpx.get(f"{served.operator}/overview", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}).is_success
        (line, *_) = served.until(lambda: served.said("connections.full"))
        assert (line["listener"], line["level"]) == ("public", "warning")
        assert 0 < line["limit"] < descriptors
