"""The two long runs: the vendor's own tests, and the fuzzer. Both fetch their tools from the package index."""

import re
import subprocess
import sys

import pytest

from tests.servers import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script of ours, run to its end."""
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_vendors_own_tests_pass() -> None:
    outcome = run("vendor-suite")
    assert outcome.returncode == 0, outcome.stdout[-6000:] + outcome.stderr[-2000:]
    assert re.search(r"^vendor suite: 1545 passed, 0 not passed, 3 SDK versions$", outcome.stdout, re.MULTILINE)


def test_the_fuzzer_finds_nothing() -> None:
    outcome = run("fuzz-sandbox", "--examples", "10")
    assert outcome.returncode == 0, outcome.stdout[-6000:] + outcome.stderr[-2000:]
