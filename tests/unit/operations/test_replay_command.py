"""`mailroom replay` at a terminal: what is done is listed, and what is left as it is is counted."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


def test_what_is_left_as_it_is_is_counted_and_what_was_named_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = InMemoryApp(tmp_path)
    stay = [asyncio.run(app.routed("contract", name=f"{n}.pdf", content=b"%%PDF-1.7 %d" % n)).id for n in range(3)]
    moves = asyncio.run(app.routed("invoice", name="moves.pdf")).id
    table = TABLE.replace('"bytes://invoices/"', '"bytes://accounting/"')
    app.use(table)
    with terminal(app, table, monkeypatch):
        said = run("mailroom replay --since 7d --reroute --dry-run").output
        named = run(f"mailroom replay {' '.join(stay)} --reroute --dry-run").output
        data = json.loads(run("mailroom replay --since 7d --reroute --dry-run --json").output)
    assert moves in said
    assert "3 unchanged: " in said
    assert not any(item in said for item in stay)
    assert all(item in named for item in stay)
    assert len(data["replayed"]) == 4
