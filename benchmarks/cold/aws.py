"""An AWS that says yes at once, over TLS as the real one: what is measured is the function, not AWS."""

import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Yes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(_answer(self.headers["x-amz-target"].rpartition(".")[2], asked)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


def _answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    if operation == "GetQueueUrl":
        return {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/doorbell"}
    if operation == "SendMessage":
        return {"MessageId": "m", "MD5OfMessageBody": hashlib.md5(asked["MessageBody"].encode()).hexdigest()}  # noqa: S324
    if operation == "SendMessageBatch":
        entries = asked["Entries"]
        digest = [hashlib.md5(item["MessageBody"].encode()).hexdigest() for item in entries]  # noqa: S324
        said = [{"Id": e["Id"], "MessageId": "m", "MD5OfMessageBody": d} for e, d in zip(entries, digest, strict=True)]
        return {"Successful": said}
    if operation == "GetSecretValue":
        headers = {"X-Mailroom-Key": ["the-right-header-value"]}
        return {"Name": asked["SecretId"], "SecretString": json.dumps({"MAILROOM_WEBHOOK_HEADERS": headers})}
    return {}


@contextmanager
def yes(folder: Path) -> Iterator[dict[str, str]]:
    """The environment that leads there, certificates included."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Yes)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    bundle = _with_the_worlds(certificate, folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{server.server_port}",
            "AWS_CA_BUNDLE": str(bundle),
            "SSL_CERT_FILE": str(bundle),
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _with_the_worlds(certificate: Path, folder: Path) -> Path:
    """Our certificate behind all that a system trusts: reading them is part of a start."""
    import certifi

    bundle = folder / "bundle.pem"
    bundle.write_text(Path(certifi.where()).read_text() + certificate.read_text())
    return bundle
