"""``python -m handlers.demo.child MODULE ARGUMENT…``: runs a module as a program that does not outlive its parent.

The parent holds the other end of our standard input. When that end closes, however the parent ended, we stop.
"""

import os
import runpy
import signal
import sys
import threading


def _stop_when_parent_is_gone() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_when_parent_is_gone, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
