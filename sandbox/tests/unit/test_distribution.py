"""What the package imports is what its distribution declares, and the README gives a reason for each."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "llamacloud_sandbox"
METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
MODULES = {
    "pillow": "PIL",
    "llama-cloud": "llama_cloud",
    "python-calamine": "python_calamine",
    "python-oxmsg": "oxmsg",
}
"""Distributions whose module is called otherwise."""
NOT_IMPORTED = {"python-multipart"}
"""Those that another dependency imports on our behalf."""


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~!; ]", one)[0] for one in requirements}


def imported(paths: Iterator[Path]) -> set[str]:
    """The top-level names of what these files import, without Python's own."""
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {PACKAGE.name}


def modules_of(requirements: list[str]) -> set[str]:
    return {MODULES.get(name, name) for name in distributions(requirements)}


def test_the_server_imports_what_it_declares_and_declares_what_it_imports() -> None:
    server = (path for path in PACKAGE.rglob("*.py") if "sample_mail" not in path.parts)
    assert imported(server) == modules_of(METADATA["dependencies"]) - NOT_IMPORTED


def test_the_sample_mail_needs_the_extra_and_nothing_else() -> None:
    extra, always = METADATA["optional-dependencies"]["samples"], METADATA["dependencies"]
    drawn = imported((PACKAGE / "sample_mail").rglob("*.py"))
    assert modules_of(extra) <= drawn <= modules_of(extra) | modules_of(always)


def test_the_tests_need_what_the_extra_for_development_brings_and_nothing_of_mailroom() -> None:
    everything = [*METADATA["dependencies"], *METADATA["optional-dependencies"]["samples"]]
    brought = modules_of([*everything, *METADATA["optional-dependencies"]["dev"]])
    assert imported((PROJECT / "tests").rglob("*.py")) - {"support"} <= brought


@pytest.mark.parametrize("extra", [None, *METADATA["optional-dependencies"]])
def test_every_dependency_has_its_reason_in_the_readme(extra: str | None) -> None:
    requirements = METADATA["dependencies"] if extra is None else METADATA["optional-dependencies"][extra]
    rows = [line for line in (PROJECT / "README.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    named = {name.strip() for row in rows for name in re.split(r",|\(.*", row.split("|")[1])}
    assert distributions(requirements) - {METADATA["name"]} - named == set()
