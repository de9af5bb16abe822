"""The table of docs/operator.md: each task of an operator is one command in the terminal, and does what it says."""

import asyncio
import re
from pathlib import Path

import pytest

from receiver.core.document import DocumentState
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp

DOC = Path(__file__).parents[3] / "docs" / "operator.md"
MOST_ACTIONS = 10
"""Six seconds for each is a minute."""


def rows() -> dict[str, tuple[str, int]]:
    """Task -> its command, and the actions it takes: the command, and an answer where it asks for one."""
    lines = re.findall(r"^\| (.+?) \| .+ \| `(mailroom [^`]+)`[^|]*\| (\d+) \|$", DOC.read_text(), re.MULTILINE)
    return {task: (command, int(actions)) for task, command, actions in lines}


def test_each_task_takes_the_actions_that_are_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = InMemoryApp(tmp_path)
    asyncio.run(app.routed("invoice", 0.93, name="invoice.pdf"))
    asyncio.run(app.routed("invoice", 0.3, name="waits.pdf", content=b"waits"))
    for number in range(20):
        asyncio.run(app.routed("invoice", 0.3, name=f"{number}.pdf", content=b"%d" % number))
    said = {}
    with terminal(app, TABLE, monkeypatch):
        for task, (command, actions) in rows().items():
            result = run(command)
            assert result.exit_code == 0, f"{command}: {result.output}"
            assert actions == 1 + ("[y/N]" in result.output) <= MOST_ACTIONS
            asyncio.run(app.work(rounds=60))
            said[task] = result.output
    assert list(said) == [
        "where is it, and why", "put a routed one right", "take that back", "decide one in review",
        "prove where it is", "decide 20 in review",
    ]  # fmt: skip
    assert "LlamaCloud said invoice 0.93" in said["where is it, and why"]
    assert "invoice.pdf" in said["prove where it is"]
    states = {item.name: (item.state, item.type) for item in asyncio.run(app.all_documents())}
    assert states.pop("invoice.pdf")[1] == "invoice"  # corrected, and taken back
    assert set(states.values()) == {(DocumentState.ROUTED, "invoice")}
    assert len(states) == 21
