"""Imports point inwards: core <- ports <- pipeline <- operations; adapters <- bootstrap, worker, cli <- handlers."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = {"receiver": ROOT, "handlers": ROOT, "llamacloud_sandbox": ROOT / "sandbox"}
OURS = tuple(PLACES)

CORE = {"receiver.core"}
PORTS = CORE | {"receiver.ports", "receiver.destination_traits", "receiver.metrics", "receiver.tracing"}
STEPS = PORTS | {"receiver.pipeline", "receiver.packets", "receiver.alerting", "receiver.config", "receiver.show"}
"""What happens to a document: its steps, its packet's, and the alerts about it."""
OPERATIONS = STEPS | {"receiver.operations"}
ADAPTERS = {"receiver.store", "receiver.queue", "receiver.cloud"}
EDGE = OPERATIONS | {"receiver.settings", "receiver.read_settings", "receiver.log", "receiver.show"}
WHOLE = EDGE | ADAPTERS | {
    "receiver.aws", "receiver.bootstrap", "receiver.load_app", "receiver.worker", "receiver.http", "receiver.cli",
    "receiver.secrets", "receiver.secret_rules", "receiver.refused_change", "receiver.reload", "receiver.reload_signal",
    "receiver.renewal", "receiver.background", "receiver.stopping", "receiver.supervisor",
}  # fmt: skip

MAY_IMPORT: dict[str, set[str]] = {
    "receiver": set(),
    "receiver.__main__": {"receiver.cli"},
    "receiver.core": CORE,
    "receiver.config": CORE | {"receiver.config", "receiver.patient_reader"},
    "receiver.metrics": CORE,
    "receiver.tracing": CORE | {"receiver", "receiver.log"},
    "receiver.ports": PORTS,
    "receiver.destination_traits": PORTS,
    "receiver.pipeline": STEPS,
    "receiver.packets": STEPS,
    "receiver.alerting": STEPS,
    "receiver.operations": OPERATIONS,
    "receiver.settings": CORE | {"receiver.secret_rules"},
    "receiver.read_settings": CORE
    | {"receiver.settings", "receiver.secrets", "receiver.secret_rules", "receiver.patient_reader"},
    "receiver.secret_rules": CORE,
    "receiver.patient_reader": set(),
    "receiver.combinations": CORE | {"receiver.settings", "receiver.aws"},
    "receiver.aws": CORE | {"receiver.aws"},
    "receiver.secrets": CORE | {"receiver.aws", "receiver.log"},
    "receiver.log": CORE | {"receiver.readable_log"},
    "receiver.readable_log": CORE,
    "receiver.emf": CORE | {"receiver.metrics"},
    "receiver.show": CORE,
    "receiver.store": PORTS | {"receiver.store", "receiver.aws"},
    "receiver.queue": PORTS | {"receiver.queue", "receiver.aws"},
    "receiver.cloud": PORTS | {"receiver.cloud", "receiver"},
    "receiver.refused_change": EDGE,
    "receiver.reload": EDGE | {"receiver.bootstrap", "receiver.refused_change", "receiver.reload_signal"},
    "receiver.renewal": EDGE | {"receiver.bootstrap", "receiver.refused_change", "receiver.reload_signal"},
    "receiver.reload_signal": CORE | {"receiver.log", "receiver.stopping"},
    "receiver.bootstrap": EDGE | ADAPTERS | {"receiver.secrets", "receiver.secret_rules", "receiver.aws"},
    "receiver.load_app": EDGE | {"receiver.bootstrap", "receiver.cloud", "receiver.combinations"},
    "receiver.http": EDGE | {"receiver.http", "receiver.bootstrap", "receiver"},
    "receiver.background": EDGE | {"receiver.supervisor"},
    "receiver.worker": EDGE | {"receiver.background", "receiver.stopping", "receiver.supervisor"},
    "receiver.stopping": CORE,
    "receiver.supervisor": PORTS,
    "receiver.cli": WHOLE | {"receiver", "receiver.patient_reader"},
    "handlers": WHOLE | {"handlers", "receiver", "receiver.emf"},
    "llamacloud_sandbox": {"llamacloud_sandbox"},
}
OUTSIDE: dict[str, set[str]] = {
    "receiver.core": {"pydantic", "msgspec"},
    "receiver.ports": set(),
    "receiver.pipeline": {"msgspec", "anyio"},
    "receiver.packets": {"msgspec", "anyio"},
    "receiver.alerting": {"msgspec", "anyio"},
    "receiver.operations": {"msgspec", "anyio"},
    "receiver.store": {"msgspec", "boto3", "botocore"},
    "receiver.queue": {"boto3", "botocore", "msgspec"},
    "receiver.aws": {"boto3", "botocore"},
    "receiver.cloud": {"httpx", "tenacity", "pydantic"},
}
"""Layers whose outside packages are counted; a package that is not named here has no business there."""


def modules() -> Iterator[tuple[str, Path]]:
    for top, place in PLACES.items():
        for path in sorted((place / top).rglob("*.py")):
            parts = path.relative_to(place).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def layer_of(module: str) -> str:
    """The longest name of MAY_IMPORT that the module lies in."""
    parts = module.split(".")
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next(name for name in names if name in MAY_IMPORT and (name != "receiver" or module == "receiver"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, in functions too; those for the type checker alone are left out."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layers_imported(path: Path) -> set[str]:
    """Our layers that a file imports from."""
    names = {name for name in imported(path) if name.split(".")[0] in OURS}
    return {layer_of(name if is_module(name) else name.rpartition(".")[0]) for name in names}


def is_module(name: str) -> bool:
    place = PLACES[name.partition(".")[0]].joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").exists()


EVERY = pytest.mark.parametrize(("module", "path"), [pytest.param(*item, id=item[0]) for item in modules()])


@EVERY
def test_imports_point_inwards(module: str, path: Path) -> None:
    layer = layer_of(module)
    outwards = layers_imported(path) - MAY_IMPORT[layer] - {layer}
    assert not outwards, f"{module} is in {layer} and reaches out to {sorted(outwards)}"


COUNTED = pytest.mark.parametrize(
    ("module", "path"), [pytest.param(*item, id=item[0]) for item in modules() if layer_of(item[0]) in OUTSIDE]
)


@COUNTED
def test_each_layer_keeps_to_its_own_packages(module: str, path: Path) -> None:
    tops = {name.split(".")[0] for name in imported(path)}
    assert tops - set(sys.stdlib_module_names) - set(OURS) <= OUTSIDE[layer_of(module)]


def imports_of(path: Path, known: Iterable[str]) -> set[str]:
    """The modules of ours that a file names in an import: at its top, in a function, or for the type checker alone."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            found.update({f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)})
    return found.intersection(known)


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """The sets of modules that import each other, by way of others too."""
    reached = {name: set(imports) for name, imports in graph.items()}
    for through in graph:
        for name, known in reached.items():
            if through in known:
                reached[name] = known | reached[through]
    within = (frozenset(other for other in known if name in reached[other]) for name, known in reached.items())
    return [set(circle) for circle in dict.fromkeys(within) if circle]


def test_a_circle_of_imports_is_found() -> None:
    chain: dict[str, set[str]] = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert circles(chain) == []
    assert circles(chain | {"c": {"b"}}) == [{"b", "c"}]
    assert circles(chain | {"c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]


def test_no_module_imports_one_that_imports_it() -> None:
    """A package's own name is left out: that importing a module runs its package is Python's doing."""
    known = {name: path for name, path in modules() if path.name != "__init__.py"}
    graph = {name: imports_of(path, known) for name, path in known.items()}
    assert sum(map(len, graph.values())) > 1000
    assert circles(graph) == []
