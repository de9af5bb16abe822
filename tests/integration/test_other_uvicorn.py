"""With a uvicorn that is not the one it knows, the receiver serves by uvicorn's own protocol, and says so once."""

import base64
import contextlib
import functools
import importlib
import json
import logging
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.http import flow_control, httptools_impl

from receiver.http import fast_path, server
from tests.integration.test_fast_path import REQUESTS
from tests.receivers import an_app
from tests.sockets import PATIENCE_SECONDS, code, said, served

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("way", ["changed", "without httptools"])
def test_it_serves_all_the_same(way: str, tmp_path: Path) -> None:
    requests = [base64.b64encode(request).decode() for _, request in REQUESTS.values()]
    child = subprocess.run(
        [sys.executable, "-m", "tests.integration.other_uvicorn", way, tmp_path],
        input=json.dumps(requests), capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    answers = json.loads(child.stdout)
    assert [status for status, _ in answers] == [status for status, _ in REQUESTS.values()]
    assert {code(body.encode()) for status, body in answers if status == 401} == {"not_authentic"}
    lines = [json.loads(line) for line in child.stderr.splitlines()]
    (told,) = [line for line in lines if line["what"] == "fast_path.unavailable"]
    assert told["level"] == "warning"
    assert ("HttpToolsProtocol" if way == "changed" else "httptools") in told["error"]
    assert "install the uvicorn" in told["fix"]


def test_more_connections_than_allowed_are_answered_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "fast_path", lambda: None)
    ask = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(an_app(tmp_path), connections=3) as address:
        assert said(address, ask)[0] == 200
        with contextlib.ExitStack() as opened:
            for _ in range(2):
                opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
            assert said(address, ask)[0] == 503


def test_the_uvicorn_that_is_installed_has_the_fast_path() -> None:
    assert server.fast_path() is fast_path.FastPathProtocol


def test_the_uvicorn_that_is_asked_for_is_of_one_minor_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (asked,) = [item for item in project["dependencies"] if item.startswith("uvicorn")]
    major, minor = map(int, uvicorn.__version__.split(".")[:2])
    assert asked == f"uvicorn>={major}.{minor},<{major}.{minor + 1}"


def replaced(self: object) -> None:
    """Stands for a method of another version."""


@functools.wraps(httptools_impl.HttpToolsProtocol.on_url)
def traced(self: httptools_impl.HttpToolsProtocol, url: bytes) -> None:
    """What a tracing library puts around a method."""


PATCHES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a method is gone": lambda patch: patch.delattr(httptools_impl.HttpToolsProtocol, "on_response_complete"),
    "a method is another": lambda patch: patch.setattr(flow_control.FlowControl, "pause_reading", replaced),
    "a method is new": lambda patch: patch.setattr(
        httptools_impl.HttpToolsProtocol, "on_trailer", replaced, raising=False
    ),
    "a method is wrapped": lambda patch: patch.setattr(httptools_impl.HttpToolsProtocol, "on_url", traced),
    "a method has no source": lambda patch: patch.setattr(uvicorn.server.ServerState, "__init__", len),
    "a class is gone": lambda patch: patch.delattr(httptools_impl, "RequestResponseCycle"),
    "a table is gone": lambda patch: patch.delattr(httptools_impl, "STATUS_LINE"),
}


@pytest.mark.parametrize("change", PATCHES)
def test_another_class_is_noticed_at_import(
    change: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "receiver.http.fast_path")
    PATCHES[change](monkeypatch)
    with pytest.raises(ImportError):
        importlib.import_module("receiver.http.fast_path")
    with caplog.at_level(logging.WARNING, "mailroom.http"):
        assert server.fast_path.__wrapped__() is None
    assert [record.getMessage() for record in caplog.records] == ["fast_path.unavailable"]
