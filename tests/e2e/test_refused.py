"""A firewall's 403 for some seconds sends nothing to review: seen from outside."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from llamacloud_sandbox.testing import start_sandbox
from tests.processes import ROOT, TABLE, free_port, ran, running, until, working

pytestmark = pytest.mark.slow
REFUSED = "Firing critical: LlamaCloud, or a firewall or proxy in front of it, refuses"
SAMPLE = ROOT / "samples" / "invoice-harbour-freight.pdf"


def documents(folder: Path, env: dict[str, str]) -> list[dict[str, Any]]:
    done = ran(folder, "documents", "--json", env=env)
    assert done.code == 0, done.err
    listed: list[dict[str, Any]] = json.loads(done.out)["documents"]
    return listed


def test_what_is_under_way_waits_says_so_and_goes_on_by_itself(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    for number in range(4):
        shutil.copy(SAMPLE, tmp_path / f"{number}.pdf")
    with start_sandbox("--no-limits") as sandbox:
        port, faults = free_port(), f"{sandbox.url}/_sandbox/faults"
        env = working(LLAMA_CLOUD_BASE_URL=sandbox.url, MAILROOM_PUBLIC_URL=f"http://127.0.0.1:{port}")
        with running(tmp_path, "serve", "--port", str(port), env=env) as serve:
            assert ran(tmp_path, "submit", "0.pdf", "1.pdf", env=env).code == 0
            httpx.put(faults, json={"forbidden": 1}).raise_for_status()
            assert ran(tmp_path, "submit", "2.pdf", "3.pdf", env=env).code == 0
            waiting = [item for item in documents(tmp_path, env) if item["name"] in {"2.pdf", "3.pdf"}]
            assert [item["state"] for item in waiting] == ["open"] * 2
            because = "submission is paused: a firewall or proxy in front of LlamaCloud"
            assert all(item["reason"].startswith(because) for item in waiting)
            until(lambda: REFUSED in serve.log(), "the refusal is told")
            httpx.put(faults, json={}).raise_for_status()
            until(lambda: {item["state"] for item in documents(tmp_path, env)} == {"routed"}, "all four are routed")
            log = serve.log()
    assert log.count(REFUSED) == 1
    assert "Traceback" not in log
