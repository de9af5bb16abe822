"""Each zip has every module of ours that its function imports at its start; scripts/package says so minutes later."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ZIPS = tomllib.loads((ROOT / "infra" / "functions.toml").read_text())
FUNCTIONS = [name for name in ZIPS if name != "all"]


def holds(function: str, path: str) -> bool:
    """Whether the zip has this file."""
    ours = ZIPS[function].get("ours", ZIPS["all"]["ours"])
    left_out = [*ZIPS["all"]["leave_out"], *ZIPS[function].get("leave_out", ())]
    return _among(path, ours) and not _among(path, left_out)


def _among(path: str, names: list[str]) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in names)


def imported(path: Path) -> Iterator[Path]:
    """The files of ours that this one imports when it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{item.name}" for item in node.names)]
        else:
            continue
        for name in names:
            stem = ROOT / name.replace(".", "/")
            yield from (item for item in (stem.with_suffix(".py"), stem / "__init__.py") if item.exists())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_zip_has_what_its_function_imports(function: str) -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "handlers" / "functions" / f"{function}.py"]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += imported(path)
    assert len(seen) > 10
    missing = [name for path in seen if not holds(function, name := str(path.relative_to(ROOT)))]
    assert missing == [], "name them in infra/functions.toml"
