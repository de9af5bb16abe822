"""One word, one meaning: a public name stands in one module, or in several with the same meaning."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]

EXCUSED = {
    "build": "makes an application: ours, or what one Lambda function needs of it",
    "close": "ends what `build` made",
    "give_up": "what every kind of task does when it is given up (TaskHandler.give_up)",
    "handler": "Lambda's own name for an entry point",
    "load": "mailroom.yaml from a file: `receiver.config` imports pydantic only when it is called",
    "look_again": "a family's handler of the sweep's commands",
    "main": "an entry point of a process",
    "message_of": "a notice as the message of one channel",
    "open_spool": "the spool that the settings name: a bucket's is made where boto3 is known",
    "parse": "the same from a text",
    "retention_in": "the same of one section",
    "routes": "Starlette's word: the endpoints of one part",
}
"""Names with one meaning that several modules need, and that meaning."""
SHOWN = "receiver.show"
"""Its functions are named after the records that they show."""
CLI = "receiver.cli"
"""A command is named after the operation that it runs."""


def test_no_public_name_has_two_meanings() -> None:
    found = defaultdict(set)
    for path in (*(ROOT / "receiver").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(
                "_"
            ):
                found[node.name].add(module)
    twice = {
        name: sorted(modules)
        for name, modules in found.items()
        if not name.startswith("_") and len([item for item in modules if not item.startswith((SHOWN, CLI))]) > 1
    }
    assert {name: modules for name, modules in twice.items() if name not in EXCUSED} == {}
    assert sorted(EXCUSED) == sorted(name for name in EXCUSED if name in twice), "no longer needed"
