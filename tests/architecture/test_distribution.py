"""The distribution has a name of its own, and declares what the product imports."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MODULES = {
    "mangum": "mangum",
    "pillow": "PIL",
    "pyjwt": "jwt",
    "python-multipart": "python_multipart",
    "python-oxmsg": "oxmsg",
    "pyyaml": "yaml",
    "prometheus-client": "prometheus_client",
    "llamacloud-sandbox": "llamacloud_sandbox",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
}
"""Distributions whose module is called otherwise."""
NOT_IMPORTED = {"tzdata", "llamacloud-sandbox", "httptools"}
"""Data that `zoneinfo` reads, a server that is started as a program, and uvicorn's parser."""
COMES_WITH = {
    "botocore": "boto3",
    "pydantic_core": "pydantic",
    "hypercorn": "ministack",
    "_typeshed": "mypy",
}
"""Modules -> the declared distribution that is nothing without them."""
STRANGERS = re.compile(r"pip install(?: -\S+)* '?mailroom\b")


def declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~!; ]", one)[0].lower() for one in requirements} - {PROJECT["name"]}


def imported() -> set[str]:
    """The top-level names of what the product imports, without Python's own."""
    files = [path for folder in ("receiver", "handlers") for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"receiver", "handlers"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    extras = PROJECT["optional-dependencies"]
    product = declared(
        [*PROJECT["dependencies"], *extras["aws"], *extras["sandbox"], *extras["demo"], *extras["otel"], *extras["sso"]]
    )
    assert {COMES_WITH[name] for name in imported() & COMES_WITH.keys()} - {"mypy"} <= product
    assert imported() - COMES_WITH.keys() - {"llamacloud_sandbox"} == {
        MODULES.get(name, name) for name in product - NOT_IMPORTED
    }


def test_nothing_tells_anybody_to_install_the_package_of_somebody_else() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pages = [ROOT / name for name in files.split("\0") if name and name != "CHANGELOG.md"]
    texts = {page: page.read_bytes().decode("utf-8", "replace") for page in pages if page.is_file()}
    assert texts
    assert [page.name for page, text in texts.items() if STRANGERS.search(text)] == []
    assert STRANGERS.search("/opt/mailroom/bin/pip install " + "mailroom")
    assert PROJECT["name"] == "llamacloud-mailroom"
