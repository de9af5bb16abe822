"""Packages with the names of ours, elsewhere, are in nobody's way (docs/decisions.md)."""

import os
import subprocess
import sys
from pathlib import Path

TABLE = """\
classify:
  rules: [{type: memo, description: a short note between colleagues}]
routes: [{type: memo, to: ["folder://./memos/"]}]
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
"""


def test_the_command_imports_its_own_handlers_whatever_else_is_called_so(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for name in (here / "handlers", here / "receiver", elsewhere / "handlers"):
        name.mkdir(parents=True)
        (name / "__init__.py").write_text("raise SystemExit('the wrong package')")
    (here / "mailroom.yaml").write_text(TABLE)
    done = subprocess.run(
        [Path(sys.executable).parent / "mailroom", "routes", "check", "--offline"],
        cwd=here, env=os.environ | {"PYTHONPATH": str(elsewhere)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 errors" in done.stdout
