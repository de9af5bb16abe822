"""Mailroom's receiver as ``mailroom serve`` runs it: all proofs, SQLite, a log line for each event; but no worker."""

import json
import sys
from pathlib import Path

from benchmarks.events import HEADER, HEADER_SECRET, SIGNING_SECRET, TOKEN_SECRET
from benchmarks.peers.served import arguments
from receiver.http.limits import MOST, ConnectionLimits, narrow
from receiver.http.public import public_app
from receiver.http.server import Server, server_config
from receiver.load_app import load_app
from receiver.log import set_up
from receiver.read_settings import from_environ

ROOT = Path(__file__).parent.parent.parent


def environment(folder: Path, proofs: str) -> dict[str, str]:
    """The settings of a receiver in production, with its file in this folder."""
    return {
        "MAILROOM_REQUIRE": "configured" if proofs == "all" else proofs,
        "LLAMA_CLOUD_API_KEY": "llx-not-used-here",
        "MAILROOM_CONFIG": str(ROOT / "samples" / "mailroom.yaml"),
        "MAILROOM_PUBLIC_URL": "https://mail.example.com",
        "MAILROOM_STORE": f"sqlite:////{str(folder / 'mailroom.db').lstrip('/')}",
        "MAILROOM_WEBHOOK_HEADERS": json.dumps({HEADER: [HEADER_SECRET]}),
        "MAILROOM_TOKEN_SECRETS": TOKEN_SECRET,
        "MAILROOM_SIGNING_SECRETS": SIGNING_SECRET,
    }


if __name__ == "__main__":
    listener, folder = arguments()
    narrow(listener)
    settings = from_environ(environment(folder, proofs=sys.argv[3]))
    set_up(settings.log_level, together=True)
    app = load_app(settings)
    limits = ConnectionLimits(MOST, listener="public", meter=app.context.meter)
    Server(server_config(public_app(app), limits)).run(sockets=[listener])
