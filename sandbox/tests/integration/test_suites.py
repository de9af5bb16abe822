"""The two long runs: the vendor's own tests, and the fuzzer. Both fetch their tools from the package index."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script of ours, run to its end."""
    command = [sys.executable, str(SCRIPTS / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_vendors_own_tests_pass() -> None:
    outcome = run("vendor-suite")
    assert outcome.returncode == 0, outcome.stdout[-6000:] + outcome.stderr[-2000:]
    assert re.search(r"^vendor suite: 1545 passed, 0 not passed, 3 SDK versions$", outcome.stdout, re.MULTILINE)


def test_the_fuzzer_finds_nothing() -> None:
    outcome = run("fuzz", "--examples", "10")
    assert outcome.returncode == 0, outcome.stdout[-6000:] + outcome.stderr[-2000:]
