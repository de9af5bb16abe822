"""Habits that nobody sees broken who reads one test or one script."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
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


WRAPPERS = 30
"""Trivial wrappers that the whole product may have."""


def test_few_functions_hide_one_short_line_that_is_used_once() -> None:
    """A reader has to look each of them up, and finds nothing that the place of the call could not have said."""
    paths = [path for top in ("receiver", "handlers") for path in (ROOT / top).rglob("*.py")]
    found = [f"{path.relative_to(ROOT)}: {name}" for path in paths for name in _wrappers(ast.parse(path.read_text()))]
    assert len(found) <= WRAPPERS, "\n".join(sorted(found))


def _wrappers(module: ast.Module) -> list[str]:
    """Private functions that are called from one place and whose body is one statement of at most three lines.

    Left out are those whose name or docstring says more than the line: with a docstring, conditions, loops, and what
    is passed as a value or decorated.
    """
    called = {id(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    uses = defaultdict[str, list[bool]](list)
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses[node.id].append(id(node) in called)
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    private = [item for item in functions if item.name.startswith("_") and not item.decorator_list]
    return [item.name for item in private if uses[item.name] == [True] and _is_short(item)]


def _is_short(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    (statement, *more), returns = function.body, function.returns
    if more or (returns is not None and ast.unparse(returns) == "bool"):
        return False
    loops = (ast.comprehension, ast.For, ast.AsyncFor, ast.While, ast.Lambda, ast.Yield, ast.YieldFrom)
    plain = isinstance(statement, ast.Return | ast.Expr | ast.Assign)
    lines = (statement.end_lineno or statement.lineno) - statement.lineno + 1
    return plain and lines <= 3 and not any(isinstance(node, loops) for node in ast.walk(statement))


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
    run = {line.partition(" &")[0] for line in tests if re.match(r"\.venv/bin/(ruff|mypy)", line)}  # mypy runs beside
    assert {hook["entry"] for hook in hooks} == run
    valid = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    subprocess.run(valid, cwd=ROOT, check=True, timeout=60)
