"""A child that misbehaves as it is asked to: ``python -m tests.misbehaving``, in tests of child processes."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from handlers.child.loop import ChildRefusal, answer_questions


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    match asked["do"]:
        case "refuse":
            raise ChildRefusal("because")
        case "raise":
            raise LookupError("no such thing")
        case "grow":
            return {"grown": len(bytearray(asked["bytes"]))}
        case "spin":
            while True:
                pass
        case "sleep":
            time.sleep(3600)
        case "die":
            os.kill(os.getpid(), asked["signal"])
        case "leave":
            os.write(2, b"it was nothing\n")
            os._exit(asked["code"])
        case "chatter":
            sys.stderr.write("chatter " * 200_000)
        case "long":
            return {"long": "x" * asked["bytes"]}
        case "write":
            Path(asked["to"]).write_bytes(bytes(asked["bytes"]))
        case "environment":
            return dict(os.environ)
    return asked


if __name__ == "__main__":
    answer_questions(answer)
