"""The notice about a rejected file lists its errors, whole lines up to a bound, and says how many more there are."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.errors import Misconfigured
from receiver.refused_change import TABLE, TOLD, whole_lines
from tests.commands import run, terminal
from tests.in_memory_app import TABLE as ROUTES
from tests.in_memory_app import InMemoryApp


@pytest.mark.anyio
async def test_a_notice_lists_all_errors_of_a_table(tmp_path: Path) -> None:
    app = InMemoryApp(tmp_path)
    errors = [f"mailroom.yaml:{line}: routes[{line}].to: must be text" for line in range(12)]
    await TABLE.alert(Misconfigured("\n".join(errors)), app.context)
    await app.work()
    (notice,) = [item for item, _ in app.channel.told]
    assert notice.detail.splitlines() == errors


def test_they_are_lines_of_their_own_in_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = InMemoryApp(tmp_path)

    async def refused() -> str:
        await TABLE.alert(Misconfigured("mailroom.yaml:1: one\nmailroom.yaml:2: two"), app.context)
        await app.work()
        return (await app.incidents())[0].id

    key = asyncio.run(refused())
    with terminal(app, ROUTES, monkeypatch):
        said = run(f"mailroom alerts show {key}").output.splitlines()
    assert [line.strip() for line in said if "message:" in line] == [
        "message: mailroom.yaml:1: one",
        "message: mailroom.yaml:2: two",
    ]


@given(lines=st.lists(st.text("ab c", min_size=1, max_size=400), min_size=1, max_size=40))
def test_what_does_not_fit_is_counted(lines: list[str]) -> None:
    told = whole_lines("\n".join(lines), TOLD).splitlines()
    left = len(lines) - (len(told) - told[-1].startswith("and "))
    kept = lines[: len(lines) - left]
    assert told[: len(kept)] == kept
    assert sum(len(line) + 1 for line in kept) <= TOLD + 1
    assert (told[-1].startswith(f"and {left} more error")) == bool(left)
