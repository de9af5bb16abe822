"""Habits that nobody sees broken who reads one test or one script."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "scripts" / "setup"


def test_no_property_rests_on_the_speed_of_the_machine() -> None:
    """The profile in tests/conftest.py decides; a single test adds examples or steps, and no time."""
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
    assert settings().print_blob
    for path in (ROOT / "tests").rglob("*.py"):
        if "settings(" in (text := path.read_text(encoding="utf-8")):
            for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == "settings":
                    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                    assert "deadline" not in given, path
                    assert "too_slow" in given.get("suppress_health_check", "too_slow"), f"{path}: it replaces ours"


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["-h"], 0), (["nonsense"], 2), (["dev", "demo"], 2)])
def test_setup_says_how_it_is_used(arguments: list[str], code: int) -> None:
    done = subprocess.run([SETUP, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    said = done.stderr if code else done.stdout
    assert ("usage: scripts/setup" in said) is (arguments != ["dev", "demo"])
    assert "setting up" not in done.stderr


def test_setup_offers_the_extras_that_go_into_one_environment_and_dev_by_default() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = SETUP.read_text()
    (offered,) = re.findall(r"^# usage: scripts/setup \[(.+)\]$", text, re.MULTILINE)
    assert set(offered.split("|")) == set(extras) - {"bench"}
    assert 'extra="${1:-dev}"' in text


def test_githubs_workflow_runs_what_the_readme_says() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == [], "a tag can be moved"
    assert not re.search(r"://|\.(com|io|org)\b", text), "it names no host"
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("exec ")]
    assert commands == ["exec ./scripts/test"]
    assert "\n./scripts/test\n" in (ROOT / "README.md").read_text()


def test_a_commit_is_checked_by_the_tools_of_this_environment() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    tests = (ROOT / "scripts" / "test").read_text().splitlines()
    assert [hook["entry"] for hook in hooks] == [line for line in tests if re.match(r"\.venv/bin/(ruff|mypy)", line)]
    valid = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    subprocess.run(valid, cwd=ROOT, check=True, timeout=60)
