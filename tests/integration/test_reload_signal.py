"""SIGHUP to a running process; and from a terminal that closes."""

import os
import pty
import signal
import subprocess
from functools import partial
from pathlib import Path

from tests.processes import PATIENCE_SECONDS, PROGRAM, ROOT, TABLE, Running, running, until, working

QUIET = TABLE.replace('  - {on: ["*"], to: log, at_most: 1 per 10 minutes}', "  - {kind: job.failed, to: log}")


def _is_said(process: Running, what: str, times: int) -> bool:
    return len(process.said(what)) >= times


def test_sighup_makes_a_process_check_its_files_and_say_what_came_of_it(tmp_path: Path) -> None:
    table = tmp_path / "mailroom.yaml"
    table.write_text(TABLE)
    with running(tmp_path, "serve", "--port", "0", env=working()) as serving:
        for text, said in ((TABLE, "reload.checked"), ("routes: [", "table.refused"), (QUIET, "table.reloaded")):
            wanted = len(serving.said(said)) + 1
            written = tmp_path / "new.yaml"
            written.write_text(text)
            written.replace(table)
            serving.process.send_signal(signal.SIGHUP)
            until(partial(_is_said, serving, said, wanted), said)
        assert len(serving.said("reload.requested")) == 3


def test_a_terminal_that_closes_stops_what_was_started_in_it(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    mine, terminal = pty.openpty()
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *PROGRAM, "serve", "--port", "0"],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT), **working()}, stdin=terminal, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        os.close(terminal)
        until(lambda: "serve.listening" in log.read_text(), "it serves")
        os.close(mine)
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
