"""`mailroom replay` at a terminal: what is done is listed, and what is left as it is is counted."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.commands import run, terminal
from tests.desk import TABLE, Desk


def test_what_is_left_as_it_is_is_counted_and_what_was_named_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    stay = [asyncio.run(desk.routed("contract", name=f"{n}.pdf", content=b"%%PDF-1.7 %d" % n)).id for n in range(3)]
    moves = asyncio.run(desk.routed("invoice", name="moves.pdf")).id
    table = TABLE.replace('"bytes://invoices/"', '"bytes://accounting/"')
    desk.use(table)
    with terminal(desk, table, monkeypatch):
        said = run("mailroom replay --since 7d --reroute --dry-run").output
        named = run(f"mailroom replay {' '.join(stay)} --reroute --dry-run").output
        data = json.loads(run("mailroom replay --since 7d --reroute --dry-run --json").output)
    assert moves in said
    assert "3 are left as they are: " in said
    assert not any(one in said for one in stay)
    assert all(one in named for one in stay)
    assert len(data["replayed"]) == 4
