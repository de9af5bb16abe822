"""The proxies' configurations of infra/proxies, run by a real nginx and a real Caddy in front of the public side."""

import json
import os
import shutil
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from receiver.core.sample import Proofs, Sample, proof_headers
from receiver.http.operator import operator_app
from receiver.http.public import public_app
from receiver.http.stream import ChangeStreams
from receiver.settings import Secret
from tests.infra import ROOT
from tests.processes import free_port, until
from tests.receivers import ADMIN_TOKEN, an_app
from tests.servers import serve

FOLDER = ROOT / "infra" / "proxies"
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
HEADER_SECRET, TOKEN_SECRET, SIGNING_SECRET = (
    f"a-{kind}-secret-of-the-proxies" for kind in ("header", "token", "sign")
)
BYTES = 10 * 1024 * 1024
PASS_ALL = {
    "nginx": ("location / { return 404; }", "location / { proxy_pass http://mailroom; }"),
    "caddy": ("@public path /webhooks/llamacloud /livez /readyz", "@public path /*"),
}
"""What of the configurations is another line, so that they pass on every path."""


def program(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed (scripts/ci-tools installs it)")
    return found


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
            "-out", str(paths[0]), "-keyout", str(paths[1]),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


def nginx(folder: Path, receiver: str, port: int, cert: Path, key: Path) -> list[str]:
    snippet = (FOLDER / "nginx.conf").read_text()
    for given, here in {
        "127.0.0.1:8080": receiver,
        "listen 443": f"listen 127.0.0.1:{port}",
        "mail.example.com;": "localhost;",
        "/etc/letsencrypt/live/mail.example.com/fullchain.pem": str(cert),
        "/etc/letsencrypt/live/mail.example.com/privkey.pem": str(key),
    }.items():
        assert given in snippet
        snippet = snippet.replace(given, here)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{temporary}{snippet}}}\n"
    )
    return [program("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, receiver: str, port: int, cert: Path, key: Path) -> list[str]:
    snippet = (FOLDER / "Caddyfile").read_text()
    for given, here in {
        "127.0.0.1:8080": receiver,
        "mail.example.com {": f"https://localhost:{port} {{\n\ttls {cert} {key}",
    }.items():
        assert given in snippet
        snippet = snippet.replace(given, here)
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{snippet}")
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def proxied(name: str, folder: Path, header: str) -> Iterator[httpx.Client]:
    """A client of the proxy, behind which is a receiver that asks for all proofs, the static one under this header."""
    app = an_app(
        folder,
        now=time.time(),
        webhook_headers=Secret(json.dumps({header: [HEADER_SECRET]})),
        token_secrets=Secret(TOKEN_SECRET),
        signing_secrets=Secret(SIGNING_SECRET),
    )
    with running(name, folder, public_app(app)) as client:
        yield client


@contextmanager
def running(name: str, folder: Path, behind: ASGIApp, change: tuple[str, str] = ("", "")) -> Iterator[httpx.Client]:
    """A client of the proxy before this application; ``change`` is a line of its configuration and another one."""
    cert, key = certificate(folder)
    port = free_port()
    with serve(behind) as url:
        command = {"nginx": nginx, "caddy": caddy}[name](folder, url.removeprefix("http://"), port, cert, key)
        config = folder / {"nginx": "nginx.conf", "caddy": "Caddyfile"}[name]
        assert change[0] in config.read_text()
        config.write_text(config.read_text().replace(*change, 1))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env={**os.environ, "HOME": str(folder)}, stdout=log, stderr=log)
        context = ssl.create_default_context(cafile=str(cert))
        try:
            with httpx.Client(
                base_url=f"https://localhost:{port}", verify=context, timeout=30, trust_env=False
            ) as client:
                until(lambda: process.poll() is not None or answers(client), f"{name} answers")
                assert process.poll() is None, (folder / "log").read_text()
                yield client
        finally:
            process.terminate()
            process.wait(30)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def posted(client: httpx.Client, header: str, event_id: str, *, more: str = "") -> int:
    """The answer to an event as LlamaCloud would send it."""
    sample = Sample(event_id=event_id, type="classify.success", job_id="job-1", timestamp=time.time())
    proofs = Proofs(
        headers={header: HEADER_SECRET},
        token_secret=TOKEN_SECRET.encode(),
        signing_secret=SIGNING_SECRET.encode(),
        document_id="sample",
    )
    body = sample.body()
    if more:
        body = body.rstrip()[:-1] + f', "more": "{more}"}}'.encode()
    return client.post("/webhooks/llamacloud", content=body, headers=proof_headers(sample, body, proofs)).status_code


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_a_proxy_passes_events_on_and_nothing_else(name: str, tmp_path: Path) -> None:
    header, event_id = "X-Mailroom-Key", str(uuid.uuid4())
    with proxied(name, tmp_path, header) as client:
        assert posted(client, header, event_id) == 202
        assert posted(client, header, event_id) == 200
        assert posted(client, header, str(uuid.uuid4()), more="x" * (BYTES - 1000)) == 202
        assert client.post("/webhooks/llamacloud", content=b"x" * (BYTES + 1)).status_code == 413
        assert client.get("/readyz").status_code == 200
        for path in ("/", "/metrics", "/documents", "/webhooks/llamacloud/x"):
            assert client.get(path).status_code == 404


@pytest.mark.parametrize(("name", "status"), [("nginx", 401), ("caddy", 202)])
def test_nginx_drops_a_header_with_an_underscore_as_the_docs_warn(name: str, status: int, tmp_path: Path) -> None:
    with proxied(name, tmp_path, "X_Mailroom_Key") as client:
        assert posted(client, "X_Mailroom_Key", str(uuid.uuid4())) == status


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_a_proxy_passes_each_change_on_at_once(name: str, tmp_path: Path) -> None:
    app = an_app(tmp_path)
    streams = ChangeStreams(app.context)
    bearer = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    with (
        running(name, tmp_path, operator_app(app, streams=streams), PASS_ALL[name]) as client,
        client.stream("GET", "/stream", headers=bearer) as answer,
    ):
        assert next(answer.iter_lines()).startswith("id: ")  # long before the stream ends
        streams.end()
