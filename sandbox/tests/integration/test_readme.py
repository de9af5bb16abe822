"""The README's examples do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
CLASSIFY, IN_TESTS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(example: str, env: dict[str, str]) -> str:
    """What the example prints."""
    done = subprocess.run([sys.executable, "-c", example], env=os.environ | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_vendors_sdk_finds_the_sandbox_and_gets_a_type(sandbox_url: str, key: str) -> None:
    assert run(CLASSIFY, {"LLAMA_CLOUD_BASE_URL": sandbox_url, "LLAMA_CLOUD_API_KEY": key}) == "invoice\n"


def test_both_ways_to_start_a_sandbox_in_a_test_work() -> None:
    assert run(IN_TESTS.replace("    ...", "    print('in the block')"), {}) == "in the block\n" * 2
