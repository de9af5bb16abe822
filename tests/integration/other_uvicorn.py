"""Serves from a process in which uvicorn is another one: ``python -m tests.integration.other_uvicorn WAY FOLDER``.

Each request is read from standard input as JSON, base64 in a string; the answers are written in order.
"""

import base64
import json
import sys
from pathlib import Path

from receiver.log import set_up
from tests.receivers import an_app
from tests.sockets import said, served


def change(way: str) -> None:
    """Makes uvicorn another one, before anything of the receiver's has looked at it."""
    if way == "without httptools":
        sys.modules["httptools"] = None  # type: ignore[assignment]  # how Python says that there is none
        return
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    known = HttpToolsProtocol.on_header

    def stricter(self: HttpToolsProtocol, name: bytes, value: bytes) -> None:
        known(self, name, value)

    HttpToolsProtocol.on_header = stricter  # type: ignore[method-assign]


if __name__ == "__main__":
    change(sys.argv[1])
    set_up("warning")
    with served(an_app(Path(sys.argv[2]), max_body=5000)) as address:
        answers = [said(address, base64.b64decode(item)) for item in json.load(sys.stdin)]
    print(json.dumps([[status, body.decode()] for status, _, body in answers]))  # noqa: T201
